"""A turn that is broken off and tried again: what it said in its middle is not said again."""

from __future__ import annotations

import pytest

from nanoclaw.model.messages import EpochEnding
from nanoclaw.store import epochs
from schema.payloads import Card, ChatOut
from schema.rows import OutKind
from schema.sqlite import execute
from tests.actors.absorbing import Case, a_case, a_row
from tests.support.central import NOW


@pytest.fixture
def case() -> Case:
    return a_case()


def live_again(case: Case, *, tries: int) -> None:
    """The sandbox has ended, and another one is at the message, which has been tried so often."""
    conn, session = case.world.conn, case.place.session.id
    epochs.end(conn, session, case.epoch, EpochEnding.EXITED, "", now=NOW)
    case.epoch = case.world.epoch(session)
    execute(conn, "UPDATE inbound SET tries = ? WHERE id = ?", (tries, case.question))


def test_the_same_words_to_the_same_message_are_dropped_and_others_are_said(case: Case) -> None:
    case.absorb(rows=(a_row(1), a_row(2)))
    live_again(case, tries=1)
    case.absorb(rows=(a_row(1, id="out-7", seq=7), a_row(3, id="out-9", seq=9)))
    assert [str(row["content"]) for row in case.ledger()] == [
        '{"text": "text 1", "files": []}',
        '{"text": "text 2", "files": []}',
        '{"text": "text 3", "files": []}',
    ]
    assert case.reasons() == ["said-before"]


def test_in_one_life_an_agent_may_repeat_itself(case: Case) -> None:
    case.absorb(rows=(a_row(1), a_row(2, payload=ChatOut(text="text 1"))))
    assert len(case.ledger()) == 2


def test_a_message_that_was_never_broken_off_may_be_answered_alike_in_another_life(case: Case) -> None:
    case.absorb(rows=(a_row(1),))
    live_again(case, tries=0)
    case.absorb(rows=(a_row(1, id="out-7", seq=7),))
    assert len(case.ledger()) == 2
    assert case.reasons() == []


def test_a_card_is_shown_once_as_well(case: Case) -> None:
    card = Card(title="Tea", fallback="tea")
    case.absorb(rows=(a_row(1, kind=OutKind.CARD, payload=card),))
    live_again(case, tries=1)
    case.absorb(rows=(a_row(1, id="out-7", seq=7, kind=OutKind.CARD, payload=card),))
    assert len(case.ledger()) == 1
    assert case.reasons() == ["said-before"]
