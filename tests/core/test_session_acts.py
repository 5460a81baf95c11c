"""What a person may do to a session, for every way that it can stand."""

from __future__ import annotations

from itertools import product

import pytest

from nanoclaw.core.session_acts import (
    CANCELLED,
    Act,
    AskFirst,
    Go,
    Refused,
    Standing,
    Verdict,
    cancelled_words,
    decide,
)

PARKED = "parked by Ada, because: it loops"
STANDINGS = [
    Standing(parked=parked, running=running, at=at)
    for parked, running, at in product((None, PARKED), (False, True), (0, 1, 3))
    if running or not at
]


def kind(act: Act, standing: Standing) -> type[Verdict]:
    """By the pages alone: what is to come of it before anybody has said yes."""
    parked, running, at = standing.parked is not None, standing.running, standing.at
    match act:
        case Act.PARK:
            return Refused if parked else Go
        case Act.UNPARK:
            return Go if parked else Refused
        case Act.WAKE | Act.RESTART:
            return Refused if parked else Go
        case Act.STOP:
            return Refused if not running else AskFirst if at and not parked else Go
        case Act.CANCEL:
            return AskFirst if running and at else Refused


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("standing", STANDINGS, ids=str)
def test_it_is_done_asked_about_or_refused_with_a_way_to_go_on(act: Act, standing: Standing) -> None:
    verdict = decide(act, "ses-1", standing, confirmed=False)
    assert type(verdict) is kind(act, standing)
    words = verdict.question if isinstance(verdict, AskFirst) else verdict.why if isinstance(verdict, Refused) else ""
    assert isinstance(verdict, Go) or "ses-1" in words
    after = decide(act, "ses-1", standing, confirmed=True)
    assert after == verdict or isinstance(verdict, AskFirst)
    assert not isinstance(after, AskFirst)


def test_what_is_parked_says_who_has_done_it_and_what_ends_it() -> None:
    refused = decide(Act.WAKE, "ses-1", Standing(parked=PARKED, running=False, at=0), confirmed=True)
    assert refused == Refused(f"ses-1 is {PARKED}: nanoclaw sessions unpark ses-1")


@pytest.mark.parametrize(("because", "words"), [("", "cancelled by Ada"), ("dull", "cancelled by Ada, because: dull")])
def test_a_cancelled_message_is_known_by_its_note(because: str, words: str) -> None:
    assert cancelled_words("Ada", because) == words
    assert words.startswith(CANCELLED)
