"""Delivery of what is more than a text: as the channel can show it, behind what it is about, decided once."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from nanoclaw.core.delivery import InDoubt
from nanoclaw.core.speech import Ability, ShowEdit, ShowReaction
from nanoclaw.errors import DeliveryError
from nanoclaw.model.ids import EpochNumber, OutboundId, RunnerMessageId
from nanoclaw.model.messages import Address, NewLedgerRow
from nanoclaw.model.questions import QuestionState
from nanoclaw.store import epochs, inbound, ledger, questions
from schema import payloads
from schema.payloads import AskQuestion, Card, ChatOut, Edit, OutPayload, Reaction
from schema.rows import OutKind
from schema.sqlite import Connection, fetch
from tests.actors.test_delivery import LANE, START, World, a_channel, world
from tests.support.platform_channel import CHANNEL, CONVERSATION
from tests.support.questions import TEA_OR_COFFEE, a_question
from tests.support.scripted_channel import ScriptedChannel

KINDS = {ChatOut: OutKind.CHAT, Edit: OutKind.EDIT, Reaction: OutKind.REACTION, Card: OutKind.CARD}
TO = Address(channel=CHANNEL, platform_id=CONVERSATION)


def able(*script: Exception | None) -> ScriptedChannel:
    channel = a_channel(*script)
    channel.abilities = frozenset(Ability)
    return channel


async def send(w: World, *said: OutPayload) -> None:
    """Put what an agent says into the ledger, numbered 1, 3, 5, …, and nudge."""

    def write(conn: Connection) -> None:
        live = epochs.live(conn, w.session)
        epoch = EpochNumber(live.number) if live else epochs.begin(conn, w.session, engine="test", now=START)
        for number, payload in enumerate(said):
            kind = KINDS.get(type(payload), OutKind.ASK_QUESTION)
            new = NewLedgerRow(
                id=OutboundId(f"out-{number}"),
                epoch=epoch,
                runner_id=RunnerMessageId(f"r{number}"),
                digest="",
                seq=2 * number + 1,
                in_reply_to=None,
                to=TO,
                kind=kind.value,
                content=payloads.write(payload),
            )
            ledger.add(conn, new, session=w.session, now=START)

    await w.store.transact(write)
    w.delivery.nudge([LANE])


async def test_an_edit_and_a_reaction_find_the_message_that_they_name(autojump_clock: MockClock) -> None:
    async with world(able()) as w:
        await send(w, ChatOut(text="Diner"), Edit(seq=1, text="Dinner"), Reaction(seq=1, emoji="!"))
        await trio.sleep(1)
        assert w.channel.natives == [
            None,
            ShowEdit(platform_message_id="platform-1"),
            ShowReaction(platform_message_id="platform-1", emoji="!", quoted="Diner"),
        ]
        assert [text for _, text in w.channel.sent] == ["Diner", "Dinner", "!"]
        assert set(w.states().values()) == {("delivered", 1)}


async def test_a_person_s_own_message_can_be_reacted_to(autojump_clock: MockClock) -> None:
    async with world(able()) as w:
        (heard,) = inbound.open_rows(w.store.conn, w.session)
        await send(w, Reaction(seq=heard.seq, emoji="!"))
        await trio.sleep(1)
        assert w.channel.natives == [ShowReaction(platform_message_id="1", emoji="!", quoted="hello")]


async def test_a_channel_without_abilities_gets_words_and_a_reaction_is_only_recorded(
    autojump_clock: MockClock,
) -> None:
    async with world(a_channel()) as w:
        card = Card(title="Menu", description="Soup", fallback="Menu: soup")
        await send(w, ChatOut(text="Diner"), Edit(seq=1, text="Dinner"), Reaction(seq=1, emoji="!"), card)
        await trio.sleep(1)
        assert [text for _, text in w.channel.sent] == ["Diner", "(correction of “Diner”)\nDinner", "Menu: soup"]
        assert w.channel.natives == [None] * 3
        (row,) = fetch(w.store.conn, "SELECT state, error FROM ledger WHERE kind = 'reaction'")
        assert row["state"] == "delivered"
        assert "no reactions" in str(row["error"])
        assert not [note for note in inbound.open_rows(w.store.conn, w.session) if not note.trigger]


async def test_what_is_about_a_message_that_never_arrived_is_dead_and_its_agent_is_told(
    autojump_clock: MockClock,
) -> None:
    refused = DeliveryError(channel=CHANNEL, why="forbidden", retryable=False)
    async with world(able(refused)) as w:
        await send(w, ChatOut(text="Diner"), Edit(seq=1, text="Dinner"))
        await trio.sleep(1)
        assert [state for state, _ in w.states().values()] == ["dead", "dead"]
        notes = [note.content for note in inbound.open_rows(w.store.conn, w.session) if not note.trigger]
        assert any("did not arrive" in note for note in notes)


async def test_an_edit_waits_behind_the_message_that_is_tried_again(autojump_clock: MockClock) -> None:
    busy = DeliveryError(channel=CHANNEL, why="busy", retryable=True)
    async with world(able(busy, busy)) as w:
        await send(w, ChatOut(text="Diner"), Edit(seq=1, text="Dinner"))
        await trio.sleep(100)
        assert [text for _, text in w.channel.sent] == ["Diner", "Dinner"]
        assert w.channel.natives[1] == ShowEdit(platform_message_id="platform-1")


@pytest.mark.parametrize("said", [Edit(seq=1, text="Dinner"), Reaction(seq=1, emoji="!")])
async def test_what_changes_a_message_may_be_sent_again_where_a_message_may_not(
    autojump_clock: MockClock, said: OutPayload
) -> None:
    maybe = DeliveryError(channel=CHANNEL, why="cut", retryable=True, reached=True)
    channel = able(None, maybe)
    channel.in_doubt = InDoubt.PARK
    async with world(channel) as w:
        await send(w, ChatOut(text="Diner"), said)
        await trio.sleep(100)
        assert [state for state, _ in w.states().values()] == ["delivered", "delivered"]
        assert len(channel.tried) == 3


async def test_a_question_that_cannot_be_shown_is_over_and_its_agent_is_woken(autojump_clock: MockClock) -> None:
    refused = DeliveryError(channel=CHANNEL, why="forbidden", retryable=False)
    async with world(able(refused)) as w:
        await send(w, AskQuestion(question_id="q1", title="Drinks", question="Which?", options=TEA_OR_COFFEE))
        question = a_question(w.session, ledger_id=OutboundId("out-0"))
        await w.store.transact(questions.add, question)
        await trio.sleep(1)
        found = questions.get(w.store.conn, question.id)
        assert found is not None
        assert found.state is QuestionState.UNDELIVERED
        note = [row for row in inbound.open_rows(w.store.conn, w.session) if "nobody saw" in row.content]
        assert [row.trigger for row in note] == [True]
