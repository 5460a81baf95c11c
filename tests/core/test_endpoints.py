"""A model's address: read, normalised, or refused with the reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.endpoints import ANTHROPIC, BadEndpoint, Endpoint, read_endpoint


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        (ANTHROPIC, Endpoint(scheme="https", host="api.anthropic.com", port=443)),
        ("HTTPS://API.Anthropic.com:443/", Endpoint(scheme="https", host="api.anthropic.com", port=443)),
        ("https://api.anthropic.com.", Endpoint(scheme="https", host="api.anthropic.com", port=443)),
        ("http://localhost:11434", Endpoint(scheme="http", host="localhost", port=11434)),
        ("http://127.0.0.1", Endpoint(scheme="http", host="127.0.0.1", port=80)),
        ("http://[::1]:8000/", Endpoint(scheme="http", host="::1", port=8000)),
        ("https://models.example/api/", Endpoint(scheme="https", host="models.example", port=443, path="/api")),
    ],
)
def test_an_address_is_read_and_equal_places_are_equal(text: str, endpoint: Endpoint) -> None:
    assert read_endpoint(text) == endpoint
    assert read_endpoint(str(endpoint)) == endpoint


@pytest.mark.parametrize(
    ("text", "origin", "authority"),
    [
        ("https://models.example/anthropic", "https://models.example", "models.example"),
        ("http://models.example:443", "http://models.example:443", "models.example:443"),
        ("http://[::1]:8000", "http://[::1]:8000", "[::1]:8000"),
    ],
)
def test_a_key_belongs_to_scheme_host_and_port(text: str, origin: str, authority: str) -> None:
    found = read_endpoint(text)
    assert isinstance(found, Endpoint)
    assert (found.origin, found.authority) == (origin, authority)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "http:// or https://"),
        ("api.anthropic.com", "http:// or https://"),
        ("ftp://models.example", "http:// or https://"),
        ("unix:///run/model.sock", "http:// or https://"),
        ("https://", "no host"),
        ("https://ada:sesame@models.example", "has a user"),
        ("https://models.example?key=sesame", r"a \? or a #"),
        ("https://models.example#x", r"a \? or a #"),
        ("https://models.example:0", "port 0"),
        ("https://models.example:99999", "(?i)port"),
        ("https://models.example:x", "(?i)port"),
        ("https://[::1", "(?i)invalid"),
        ("https://models.example/v1", "leave it out"),
        ("https://models.example/a/v1/", "leave it out"),
        ("https://models.example/../x", "path"),
        ("https://models.example/a//b", "path"),
        ("https://models.example/%2e%2e", "path"),
        ("https://models.example/a b", "space"),
        ("https://models.example\r\nx: y", "space"),
        ("https://bücher.example", "xn--"),
        ("https://a/" + "x" * 1024, "1024"),
        ("https://-models.example", "host"),
    ],
)
def test_what_is_no_place_for_a_model_is_refused_with_the_reason(text: str, why: str) -> None:
    found = read_endpoint(text)
    assert isinstance(found, BadEndpoint)
    with pytest.raises(AssertionError, match=why):
        raise AssertionError(found.why)


@given(st.text() | st.from_regex(r"https?://[a-z.:/\[\]0-9@?#%-]{0,30}", fullmatch=True))
def test_whatever_is_said_is_an_answer_and_what_is_taken_reads_back_as_the_same(text: str) -> None:
    found = read_endpoint(text)
    if isinstance(found, Endpoint):
        assert read_endpoint(str(found)) == found
        assert "@" not in str(found)
