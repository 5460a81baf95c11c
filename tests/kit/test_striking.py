"""Secrets are struck out of a line, wherever they stand in it, and the line stays the JSON that it was."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.kit.striking import LONGEST_LINE, SHORTEST, STRUCK, forms, ready, strike

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


def passed_on(pieces: list[str], known: tuple[str, ...]) -> str:
    """What comes of *pieces* that are struck as they come."""
    out, held = "", ""
    for piece in pieces:
        held += piece
        end = ready(held, known)
        out, held = out + strike(held[:end], known), held[end:]
    return out + strike(held, known)


@given(st.lists(st.integers(0, 400), max_size=8), st.sampled_from(["", "\n", "\nword ", "x" * 60]), st.data())
def test_a_secret_that_comes_in_pieces_is_struck_as_one_that_comes_whole(
    places: list[int], between: str, data: st.DataObject
) -> None:
    secret = data.draw(st.sampled_from([CANARY, "two\nlines of one", "aabaab"]))
    said = f"{between}{secret}".join(["begin ", "middle", secret, "\nend", ""])
    cuts = [0, *sorted(min(place, len(said)) for place in places), len(said)]
    pieces = [said[a:b] for a, b in itertools.pairwise(cuts)]
    assert passed_on(pieces, forms([secret])) == strike(said, forms([secret]))


@given(st.integers(0, 60))
def test_what_looks_like_a_secret_is_struck_though_its_line_comes_in_pieces(place: int) -> None:
    said = f"asked with Authorization: Bearer {CANARY} for it\n"
    assert "canary" not in passed_on([said[:place], said[place:]], ())


def test_a_line_without_an_end_is_not_kept_for_ever() -> None:
    known = forms([CANARY, "aaaaaaaa"])
    assert ready("x" * LONGEST_LINE, known) == 0
    assert ready("x" * (LONGEST_LINE + 1), known) == LONGEST_LINE + 1
    assert ready("x" * LONGEST_LINE + CANARY[:-1], known) == LONGEST_LINE
    assert ready("a" * 5 * LONGEST_LINE, known) > 4 * LONGEST_LINE
