"""Messages of agents that share a chat begin with who speaks, where their channel does not show it; of one not."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from nanoclaw.channels.base import Draft
from nanoclaw.core.labels import MARK
from nanoclaw.core.parts import Limits
from nanoclaw.core.speech import Ability, ShowQuestion
from nanoclaw.model.entities import AgentLabels
from nanoclaw.store import entities
from nanoclaw.store.destinations import MadeBy, StoredDestination, add
from nanoclaw.store.sessions import session_place
from schema.payloads import AskQuestion, Card, ChatOut, Edit, Reaction
from schema.sqlite import Connection, fetch
from tests.actors.test_delivery import World, a_channel, world
from tests.actors.test_delivery_in_parts import scene
from tests.actors.test_delivery_natives import send
from tests.actors.test_delivery_of_answers import BUTTONS, ask_and_press
from tests.actors.test_drafts import HERE, a_draft
from tests.support.central import NOW
from tests.support.central import World as Central
from tests.support.questions import TEA_OR_COFFEE

NANO = f"**{MARK} Nano**\n"


def share(conn: Connection, labels: AgentLabels = AgentLabels.AUTO, *, others: bool = True) -> None:
    """Let another agent write to the first chat; and set its labels."""
    (chat,) = entities.messaging_groups(conn)
    entities.update_messaging_group(conn, evolve(chat, agent_labels=labels))
    if others:
        other = Central(conn=conn).agent("other")
        way = StoredDestination(
            agent_group_id=other.id,
            name="room",
            messaging_group_id=chat.id,
            target_agent_group_id=None,
            made_by=MadeBy.OPERATOR,
            created_at=NOW,
        )
        add(conn, way)


async def texts(w: World, *said: object) -> list[str]:
    """What is sent of that."""
    await send(w, *said)  # type: ignore[arg-type]  # payloads
    await trio.sleep(1)
    return [text for _, text in w.channel.sent]


@pytest.mark.parametrize(
    ("labels", "others", "shown", "labelled"),
    [
        (AgentLabels.AUTO, True, False, True),
        (AgentLabels.AUTO, False, False, False),
        (AgentLabels.NEVER, True, False, False),
        (AgentLabels.ALWAYS, False, False, True),
        (AgentLabels.ALWAYS, True, True, False),
    ],
)
async def test_who_speaks_is_said_where_several_may_and_their_channel_does_not_show_it(
    autojump_clock: MockClock, labels: AgentLabels, others: bool, shown: bool, labelled: bool
) -> None:
    channel = a_channel()
    channel.abilities = frozenset({Ability.SPEAKER} if shown else ())
    async with world(channel) as w:
        share(w.store.conn, labels, others=others)
        assert await texts(w, ChatOut(text="hello")) == [f"{NANO}hello" if labelled else "hello"]


async def test_edits_cards_and_questions_are_under_the_label_and_reactions_are_not(autojump_clock: MockClock) -> None:
    channel = a_channel()
    channel.abilities = frozenset(Ability) - {Ability.SPEAKER, Ability.CARD}
    async with world(channel) as w:
        share(w.store.conn)
        asked = AskQuestion(question_id="q1", title="Drinks", question="◆ Other: which?", options=TEA_OR_COFFEE)
        found = await texts(
            *(w, ChatOut(text="helo"), Edit(seq=1, text="hello"), Reaction(seq=1, emoji="!")),
            *(Card(title="Menu", fallback="Menu"), asked),
        )
        assert found[:4] == [f"{NANO}helo", f"{NANO}hello", "!", f"{NANO}Menu"]
        assert found[4].startswith(f"{NANO}Drinks\n◇ Other")
        question = channel.natives[4]
        assert isinstance(question, ShowQuestion)
        assert (question.title, question.text) == (f"{NANO}Drinks", "◇ Other: which?")


async def test_a_question_that_was_answered_is_still_its_agents(autojump_clock: MockClock) -> None:
    channel = a_channel()
    channel.abilities = BUTTONS
    async with world(channel) as w:
        share(w.store.conn)
        await ask_and_press(w)
        assert channel.sent[1][1] == f"{MARK} Nano\nDrinks\nWhat would you like?\n— Ada: Coffee"


async def test_a_draft_is_under_the_label(autojump_clock: MockClock) -> None:
    channel = a_channel()
    channel.abilities = frozenset({Ability.DRAFT})
    async with world(channel) as w:
        share(w.store.conn)
        place = session_place(w.store.conn, w.session)
        assert place is not None
        w.delivery.drafts.offer(place, (a_draft("Once"), a_draft("", reply="r2")))
        await trio.sleep(1)
        assert w.channel.drafts == [
            Draft(reply="r1", to=HERE, text=f"{NANO}Once", tool=None, speaker="Nano"),
            Draft(reply="r2", to=HERE, text="", tool=None, speaker="Nano"),
        ]


async def test_each_part_of_a_long_message_is_under_the_label_and_fits_as_do_files_alone(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with scene(tmp_path, limits=Limits(text=64, both=False)) as s:
        share(s.store.conn)
        s.say("◆ Other\n" + "word " * 40)
        s.say("", 3)
        await trio.sleep(1)
        *words, label, file = s.platform.posts
        assert len(words) > 3
        for post in words:
            assert len(post.text) <= 64
            assert post.text.startswith(f"**{MARK} nano**\n")
            assert post.text.count(MARK) == 1
        assert (label.text, label.files) == (f"**{MARK} nano**", ())
        assert (file.text, file.files) == ("", ("f0",))
        assert {str(row["state"]) for row in fetch(s.store.conn, "SELECT state FROM ledger")} == {"delivered"}
