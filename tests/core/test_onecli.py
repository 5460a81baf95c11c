"""What a OneCLI server says: read if it fits, refused with the place if it does not, whatever it is."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.endpoints import Endpoint, read_endpoint
from nanoclaw.core.onecli import (
    LONGEST_PAUSE,
    PendingRequest,
    Unfit,
    gateway_endpoint,
    pause,
    read_container_config,
    read_gateway_url,
    read_pending,
    reason,
)

CONFIG = {
    "env": {"A": "b"},
    "caCertificate": "pem",
    "caCertificateContainerPath": "/tmp/ca.pem",
    "credentialStubs": [1],
}
REQUEST = {
    "id": "ap_1-x",
    "method": "POST",
    "host": "api.example.com",
    "path": "/v1/send",
    "agent": {"id": "c", "name": "Nano", "externalId": "agt-1"},
    "expiresAt": "2026-01-02T03:04:05Z",
}
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def endpoint(url: str) -> Endpoint:
    found = read_endpoint(url)
    assert isinstance(found, Endpoint)
    return found


def test_a_configuration_is_read_and_what_is_not_known_is_passed_over() -> None:
    found = read_container_config(json.dumps(CONFIG))
    assert not isinstance(found, Unfit)
    assert (found.env, found.ca_certificate, found.ca_certificate_container_path) == ({"A": "b"}, "pem", "/tmp/ca.pem")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"env": {"A": 1}}, "not text @ .env['A']"),
        ({"env": [["A", "b"]]}, "expected a mapping @ .env"),
        ({"caCertificate": None}, "not text @ .ca_certificate"),
        ({"caCertificateContainerPath": ["/"]}, "not text @ .ca_certificate_container_path"),
        ({"warnings": "careful"}, "not a list @ .warnings"),
    ],
)
def test_what_does_not_fit_is_named(change: dict[str, object], why: str) -> None:
    assert read_container_config(json.dumps(CONFIG | change)) == Unfit(why)


def test_a_request_is_read_with_what_the_server_shows_of_its_body() -> None:
    more = {"bodyPreview": None, "rawBody": {"text": "{}", "truncated": True, "binary": False, "redacted": False}}
    found = read_pending(json.dumps({"requests": [REQUEST | more]}))
    assert not isinstance(found, Unfit)
    (request,) = found.requests
    assert request.expires_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert request.raw_body is not None
    assert (request.raw_body.text, request.raw_body.truncated) == ("{}", True)
    assert (request.body_preview, request.agent.external_id) == (None, "agt-1")


@pytest.mark.parametrize(
    "change",
    [
        {"expiresAt": "2026-01-02T03:04:05"},
        {"expiresAt": 5},
        {"agent": None},
        {"host": 1},
        {"rawBody": {"truncated": "no"}},
    ],
)
def test_a_request_that_does_not_fit_is_told_apart_by_its_id(change: dict[str, object]) -> None:
    found = read_pending(json.dumps({"requests": [REQUEST | change, REQUEST | {"id": "other"}]}))
    assert not isinstance(found, Unfit)
    assert ([one.id for one in found.requests], list(found.unfit)) == (["other"], ["ap_1-x"])


@given(json_values)
def test_whatever_a_poll_says_is_read_or_refused(said: object) -> None:
    for text in (
        json.dumps(said),
        json.dumps({"requests": said}),
        json.dumps({"requests": [REQUEST | {"agent": said}]}),
    ):
        found = read_pending(text)
        assert isinstance(found, Unfit) or all(isinstance(one, PendingRequest) for one in found.requests)


@given(json_values)
def test_whatever_a_refusal_says_its_reason_is_one_plain_line(said: object) -> None:
    for text in (json.dumps(said), json.dumps({"error": said}), json.dumps({"error": {"message": said}})):
        assert reason(text).isprintable()
        assert len(reason(text)) <= 200


def test_the_key_of_an_encrypted_server_does_not_go_to_a_gateway_that_is_not() -> None:
    assert isinstance(gateway_endpoint("http://gw.example", endpoint("https://app.example")), Unfit)
    assert gateway_endpoint("https://gw.example", endpoint("https://app.example")) == endpoint("https://gw.example")
    assert gateway_endpoint("http://gw:1", endpoint("http://app:2")) == endpoint("http://gw:1")
    assert isinstance(read_gateway_url('{"url": null}', endpoint("http://app:2")), Unfit)


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_pauses_grow_to_a_bound_and_are_never_all_the_same(failures: int, luck: float) -> None:
    assert 0.5 <= pause(failures, luck) <= LONGEST_PAUSE
    assert pause(failures, luck) <= pause(failures + 1, luck)
    assert pause(failures, 0.0) * 1.5 == pause(failures, 0.5)
