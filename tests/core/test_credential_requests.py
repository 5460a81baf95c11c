"""What people are shown of a request that OneCLI holds: all of it, or they are not asked and it is not allowed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.approvals import YES_OR_NO, body, escaped, fault
from nanoclaw.core.credential_requests import MARGIN, MOST_WAITING, Ask, Deny, Judged, Leave, judge
from nanoclaw.core.onecli import PendingRequest, RawBody, RequestingAgent

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
REQUEST = PendingRequest(
    id="ap-1",
    method="POST",
    host="api.example.com",
    path="/v1/send?to=ada",
    agent=RequestingAgent(name="Nano", external_id="agt-1"),
    expires_at=NOW + timedelta(seconds=180),
    url="https://api.example.com/v1/send?to=ada",
    headers={"Content-Type": "application/json", "X-HTTP-Method-Override": "DELETE"},
    raw_body=RawBody(text='{"amount": 7}'),
)


def judged(request: PendingRequest = REQUEST, *, ours: bool = True, waiting: int = 0) -> Judged:
    return judge(request, ours=ours, waiting=waiting, now=NOW)


def test_all_that_would_be_sent_is_shown_and_is_what_is_allowed() -> None:
    found = judged()
    assert isinstance(found, Ask)
    assert found.shown.title == "Use of a credential"
    assert found.shown.lines == (
        "Agent: “Nano”",
        "Wants to send: “POST https://api.example.com/v1/send?to=ada”",
        "Header “X-HTTP-Method-Override”: “DELETE”",
        "Body: “{\\u{22}amount\\u{22}: 7}”",
        "OneCLI adds the credential if somebody approves, and sends it once",
    )
    assert found.payload == {
        "request": "ap-1",
        "method": "POST",
        "address": "https://api.example.com/v1/send?to=ada",
        "headers": {"X-HTTP-Method-Override": "DELETE"},
        "body": '{"amount": 7}',
        "agent": "agt-1",
    }
    assert found.until == REQUEST.expires_at - MARGIN


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"raw_body": None}, "Without a body"),
        ({"raw_body": None, "body_preview": "a=b"}, "Body: “a=b”"),
        ({"raw_body": RawBody(text="a=***", redacted=True)}, "OneCLI has put *** in the place of secrets in the body"),
        ({"url": ""}, "Wants to send: “POST api.example.com/v1/send?to=ada”"),
    ],
)
def test_what_a_server_shows_of_a_request_is_said_as_it_is(change: dict[str, Any], line: str) -> None:
    found = judged(attrs.evolve(REQUEST, **change))
    assert isinstance(found, Ask)
    assert line in found.shown.lines


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"raw_body": RawBody(text="x", truncated=True)}, "its body is longer than OneCLI shows"),
        ({"raw_body": RawBody(binary=True)}, "its body is not text"),
        ({"raw_body": None, "body_preview": "x" * 4096}, "its body is longer than OneCLI shows"),
        ({"raw_body": RawBody(text="x" * 3000)}, "it is too long to be shown whole"),
        ({"headers": {f"X-{number}": "x" * 100 for number in range(50)}}, "it is too long to be shown whole"),
    ],
)
def test_what_cannot_be_shown_whole_is_not_allowed(change: dict[str, Any], why: str) -> None:
    found = judged(attrs.evolve(REQUEST, **change))
    assert isinstance(found, Deny)
    assert found.why.startswith(why)


def test_nobody_is_worn_out_by_asking() -> None:
    assert isinstance(judged(waiting=MOST_WAITING - 1), Ask)
    assert isinstance(judged(waiting=MOST_WAITING), Deny)


def test_what_is_not_ours_and_what_is_too_late_is_left_alone() -> None:
    assert isinstance(judged(ours=False, waiting=MOST_WAITING), Leave)
    assert isinstance(judged(attrs.evolve(REQUEST, expires_at=NOW + MARGIN)), Leave)


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60), st.text(max_size=200))
def test_whatever_a_request_says_people_read_all_of_it_and_nothing_else(
    method: str, url: str, header: str, text: str
) -> None:
    found = judged(
        attrs.evolve(REQUEST, method=method, url=url, headers={"X-Odd": header}, raw_body=RawBody(text=text))
    )
    if not isinstance(found, Ask):
        return
    assert fault(found.shown, YES_OR_NO) is None
    assert len(found.shown.lines) == 5
    for said in (method, url, header, text):
        assert escaped(said) in body(found.shown)
