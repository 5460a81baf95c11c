"""AT-16: whoever guesses what a button says gets refusals and nothing else; a million guesses change nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from attrs import evolve

from nanoclaw.core.approvals import PREFIX
from nanoclaw.kit.ids import token
from nanoclaw.model.approvals import Card
from nanoclaw.model.ids import QuestionId
from nanoclaw.model.messages import Address, Choice, InboundEvent
from nanoclaw.store import approvals, decisions
from nanoclaw.store.decisions import NoDecision
from nanoclaw.store.events import Decided, Ignored
from schema.sqlite import Connection, integer
from tests.support.approvals_case import PENDING, with_people
from tests.support.central import everything, said

LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
"""What tokens are made of: five bits each."""


def guesses(real: list[str], number: int) -> Iterator[str]:
    """So many of all sorts, none of them right: tokens like it, one letter of it changed, parts of it."""
    dice = random.Random(16)
    for at in range(number):
        near = dice.choice(real)
        place = dice.randrange(len(near))
        match at % 4:
            case 0:
                yield "".join(dice.choices(LETTERS, k=len(near)))
            case 1:
                yield near[:place] + dice.choice(LETTERS.replace(near[place], "")) + near[place + 1 :]
            case 2:
                yield near[:place]
            case _:
                yield near + dice.choice(LETTERS)


def pressed(card: Card, guess: str) -> InboundEvent:
    """The very person who may decide presses what is no button of the card."""
    event = said(900, room=card.platform_id, sender="Boss", is_group=False, text="")
    return evolve(event, choice=Choice(question=QuestionId(f"{PREFIX}{card.id}/{card.code}"), said=guess))


def writes(conn: Connection) -> int:
    """How many rows were ever changed over *conn*."""
    return integer(conn, "SELECT total_changes()")


@pytest.mark.parametrize("number", [4_000, pytest.param(1_000_000, marks=[pytest.mark.soak, pytest.mark.timeout(900)])])
def test_guesses_decide_nothing_and_write_nothing_and_the_button_still_works(number: int) -> None:
    case = with_people()
    which, other = case.ask("one"), case.ask("another")
    card, another = case.send(which, "test:boss"), case.send(other, "test:boss")
    real = list(case.tokens(card).values())
    before, place = writes(case.world.conn), card.place
    for guess in [*case.tokens(another).values(), *guesses(real, number)]:
        found = decisions.find(case.world.conn, pressed(card, guess), place, now=case.world.now)
        assert isinstance(found, NoDecision), guess
        assert found.reason == "no-option"
    assert writes(case.world.conn) == before
    assert (case.state(which), case.state(other)) == (PENDING, PENDING)
    assert isinstance(case.press(card, case.tokens(card)["Approve"], number=901), Decided)


def test_each_guess_that_is_told_as_an_event_is_a_record_and_one_answer_is_given_to_all() -> None:
    case = with_people()
    which = case.ask()
    card = case.send(which, "test:boss")
    before = everything(case.world.conn)
    for number, guess in enumerate(guesses(list(case.tokens(card).values()), 1_000), start=1_000):
        assert isinstance(case.press(card, guess, number=number), Ignored)
    after = everything(case.world.conn)
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {"events", "drops", "ledger", "messaging_groups", "audit"}
    assert len(after["ledger"]) - len(before["ledger"]) <= 1, "whoever presses a thousand times is told once"
    assert len(after["audit"]) - len(before["audit"]) == 1, "and is on record once"
    assert case.state(which) == PENDING
    assert approvals.executing(case.world.conn) == []
    assert isinstance(case.press(card, case.tokens(card)["Reject"], number=901), Decided)


def test_a_token_has_more_to_it_than_can_be_guessed() -> None:
    made = {token() for _ in range(2_000)}
    assert len(made) == 2_000
    assert all(len(one) * 5 >= 128 and set(one) <= set(LETTERS) for one in made)
    for place in range(26):
        # Each letter is as likely as another, at each place: 62 of each are to be expected.
        counts = [sum(one[place] == letter for one in made) for letter in LETTERS]
        assert min(counts) > 15
        assert max(counts) < 125


def test_a_guess_in_another_chat_learns_nothing_of_whether_there_is_such_a_card() -> None:
    case = with_people()
    card = case.send(case.ask(), "test:boss")
    right = next(iter(case.tokens(card).values()))
    elsewhere = Address(channel=card.channel, platform_id="room")
    there = decisions.find(case.world.conn, pressed(card, right), elsewhere, now=case.world.now)
    made_up = evolve(card, id=type(card.id)(token()))
    nowhere = decisions.find(case.world.conn, pressed(made_up, right), elsewhere, now=case.world.now)
    assert there == nowhere
