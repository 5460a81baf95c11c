"""A question that was answered says so in place of its buttons; where nothing can change, nothing is shown."""

from __future__ import annotations

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from nanoclaw.core.speech import Ability, ShowEdit, ShowQuestion
from nanoclaw.model.ids import ChannelName, EventId, OutboundId, QuestionId, UserId
from nanoclaw.model.messages import Choice
from nanoclaw.store import questions
from nanoclaw.store.events import Accepted, accept
from nanoclaw.store.people import note_user
from schema.payloads import AskQuestion
from schema.sqlite import Connection, fetch
from tests.actors.test_delivery import LANE, START, World, a_channel, world
from tests.actors.test_delivery_natives import send
from tests.support.central import World as Central
from tests.support.central import said
from tests.support.platform_channel import CHANNEL, CONVERSATION
from tests.support.questions import TEA_OR_COFFEE, a_question, asked

SHE = UserId(f"{CHANNEL}:ada")
BUTTONS = frozenset({Ability.EDIT, Ability.QUESTION, Ability.APPROVAL})


async def ask_and_press(w: World) -> None:
    """The agent asks, it is shown, and somebody chooses."""
    await send(w, AskQuestion(question_id="q1", title="Drinks", question="What would you like?", options=TEA_OR_COFFEE))

    def write(conn: Connection) -> None:
        waits = a_question(w.session, ledger_id=OutboundId("out-0"), channel=CHANNEL, platform_id=CONVERSATION)
        note_user(conn, SHE, "Ada", now=START)
        questions.add(conn, evolve(waits, asked_at=START, asked_of=SHE))

    await w.store.transact(write)
    await trio.sleep(1)
    event = evolve(
        said(5, room=CONVERSATION, channel=CHANNEL, text="", sender="Ada"),
        choice=Choice(question=QuestionId("q1"), said="coffee"),
    )
    taken = await w.store.transact(accept, event, threaded=False, mint=lambda _: "evt-5", now=START)
    assert isinstance(taken, Accepted)
    assert taken.lanes == {LANE}
    w.delivery.nudge(taken.lanes)
    await trio.sleep(1)


async def test_the_buttons_of_a_question_go_and_it_says_who_chose_what(autojump_clock: MockClock) -> None:
    channel = a_channel()
    channel.abilities = BUTTONS
    async with world(channel) as w:
        await ask_and_press(w)
        shown, changed = channel.natives
        assert isinstance(shown, ShowQuestion)
        assert changed == ShowEdit(platform_message_id="platform-1")
        assert channel.sent[1][1] == "Drinks\nWhat would you like?\n— Ada: Coffee"


@pytest.mark.parametrize("lacks", [Ability.EDIT, Ability.APPROVAL])
async def test_without_buttons_or_changes_nobody_is_told_what_they_have_just_said(
    lacks: Ability, autojump_clock: MockClock
) -> None:
    channel = a_channel()
    channel.abilities = BUTTONS - {lacks}
    async with world(channel) as w:
        await ask_and_press(w)
        assert len(channel.sent) == 1
        (row,) = fetch(w.store.conn, "SELECT state, error FROM ledger WHERE id = 'out-0/answered'")
        assert row["state"] == "delivered"
        assert "no buttons to take away" in str(row["error"])


def test_the_hosts_own_page_shows_answers_by_itself() -> None:
    here = Central()
    question = asked(here, here.session())
    there = evolve(question, channel=ChannelName("web"))
    assert questions.show_answer(here.conn, there, "Tea", "Ada", EventId("evt-1"), now=here.now) == frozenset()
    assert fetch(here.conn, "SELECT 1 FROM ledger WHERE about IS NOT NULL") == []
