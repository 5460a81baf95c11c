"""Secrets are struck out of a line, wherever they stand in it, and the line stays the JSON that it was."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.kit.striking import SHORTEST, STRUCK, forms, strike

CANARY = "q7Zx-canary/9+sesame"


@given(st.text(min_size=SHORTEST), st.text(), st.text())
def test_what_is_known_is_in_no_line_whatever_it_is_made_of(secret: str, before: str, after: str) -> None:
    line = json.dumps({"event": f"{before}{secret}{after}", "list": [secret], secret: 1})
    struck = strike(line, forms([secret]))
    if json.dumps(secret)[1:-1] not in json.dumps([STRUCK, "event", "list"]):
        assert json.dumps(secret)[1:-1] not in struck


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {CANARY}",
        f"authorization: Bot {CANARY}",
        f"{{'Authorization': 'Basic {CANARY}'}}",
        f"(b'authorization', b'Bearer {CANARY}')",
        f"proxy-authorization={CANARY}",
        f"sent bearer {CANARY}",
        f"x-api-key: {CANARY}",
        f"password={CANARY}",
        f"Cookie: session={CANARY}",
        f"http://127.0.0.1:8474/#login={CANARY}",
        f"https://example.org/hook?token={CANARY}&x=1",
        f"https://anna:{CANARY.replace('/', '')}@example.org/",
        "failed with sk-ant-api03-canary-canary",
        "xoxb-1234-canary-abcdef and xapp-1-canary-abc",
        "https://api.telegram.org/bot123456789:AAcanaryAAAAAAAAAAAAAAAAAAAAAAAAAAAA/getMe",
        "ghp_canary0123456789abcdefghij",
        "syt_canary_abcdefghijkl_012345",
    ],
)
def test_what_looks_like_a_secret_goes_and_the_line_stays_json(text: str) -> None:
    line = json.dumps({"event": "x", "why": text, "after": "stays"})
    struck = strike(line, ())
    assert "canary" not in struck
    assert STRUCK in struck
    assert json.loads(struck)["after"] == "stays"


@pytest.mark.parametrize(
    "text",
    [
        "session ses-01m8d3we9k ended: the sandbox ended 5 times while at it (killed)",
        "https://example.org:8443/v1/messages answered 502",
        "event evt-01m8d3we9k:agt-01 in telegram:4711 at 2026-04-16T14:37:00.000Z",
        "the token bucket is empty; basic auth is not used",
        '  File "/srv/nanoclaw/gateway/dial.py", line 41, in dial',
        "[onecli] url = http://localhost:10254",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    line = json.dumps({"event": text})
    assert strike(line, forms(["tiny", CANARY])) == line
