"""Who listens to plain messages: known at once after every change, and never said to be nobody while somebody may."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import NoReturn

import attrs
import pytest
import trio
from trio.testing import MockClock

from nanoclaw.actors.ingress import Ingress
from nanoclaw.actors.listeners import Listeners
from nanoclaw.channels.base import Stored
from nanoclaw.kit.clock import TrioClock
from nanoclaw.kit.spool import Spool
from nanoclaw.model.entities import EngageMode, IgnoredMessagePolicy, Wiring
from nanoclaw.model.ids import AgentGroupId, WiringId
from nanoclaw.model.messages import InboundEvent
from nanoclaw.model.questions import QuestionState
from nanoclaw.store import events, questions, wirings
from nanoclaw.store.db import Database, open_database
from schema.sqlite import Connection
from tests.support.central import CHANNEL, NOW, World, said
from tests.support.inline_database import InlineDatabase
from tests.support.questions import asked


def wiring(mode: EngageMode = EngageMode.PATTERN, ignored: IgnoredMessagePolicy = IgnoredMessagePolicy.DROP) -> Wiring:
    """How an agent that is there hears the room that is there."""
    world = World()
    made = world.wire(world.chat(), world.agent(), mode=mode, ignored=ignored)
    return attrs.evolve(made, id=WiringId("wir-1"))


def room(conn: Connection) -> None:
    """The room and the agent of `wiring`, not wired to each other."""
    world = World(conn)
    world.chat()
    world.agent()


def hears(listeners: Listeners, thread: str | None = None, *, chat: str = "room") -> bool:
    return listeners.may_hear(CHANNEL, chat, thread)


@attrs.frozen
class Late:
    """A store whose answer has been on its way for long."""

    answer: object

    async def transact(self, *_: object, **__: object) -> object:
        await trio.lowlevel.checkpoint()
        return self.answer


@pytest.fixture
async def store(tmp_path: Path) -> AsyncGenerator[Database]:
    """On a thread of its own, as in a host."""
    async with open_database(tmp_path / "nanoclaw.db") as store:
        await store.transact(room)
        yield store


async def begun(store: Database | InlineDatabase) -> Listeners:
    listeners = Listeners()
    assert hears(listeners), "nobody knows yet"
    await listeners.begin(store)
    return listeners


@pytest.mark.parametrize("ignored", list(IgnoredMessagePolicy))
@pytest.mark.parametrize("mode", list(EngageMode))
async def test_a_chat_is_quiet_if_every_wiring_there_drops_what_is_not_said_to_us(
    store: Database, mode: EngageMode, ignored: IgnoredMessagePolicy
) -> None:
    made = wiring(mode, ignored)
    await store.transact(wirings.add_wiring, made, now=NOW)
    listeners = await begun(store)
    loud = mode is EngageMode.PATTERN or ignored is IgnoredMessagePolicy.ACCUMULATE
    assert hears(listeners) == hears(listeners, "t1") == loud
    assert not hears(listeners, chat="another")


async def test_a_change_is_known_as_soon_as_it_is_answered(store: Database) -> None:
    listeners = await begun(store)
    assert not hears(listeners)
    await store.transact(wirings.add_wiring, wiring(), now=NOW)
    assert hears(listeners)
    await listeners.look(store, CHANNEL, "room")
    assert hears(listeners)
    assert not listeners.is_stale(CHANNEL, "room")
    await store.transact(wirings.update_wiring, wiring(EngageMode.MENTION))
    assert listeners.is_stale(CHANNEL, "room")
    await listeners.look(store, CHANNEL, "room")
    assert not hears(listeners)
    await store.transact(wirings.delete_wiring, wiring(EngageMode.MENTION))
    await store.transact(wirings.add_wiring, wiring(), now=NOW)
    assert hears(listeners)


async def test_a_change_is_known_though_nobody_waited_for_its_answer(store: Database) -> None:
    listeners = await begun(store)
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: store.transact(wirings.add_wiring, wiring(), now=NOW))
            await trio.lowlevel.checkpoint()
            scope.cancel(reason="whoever asked has left")
    await store.transact(lambda _: None)
    assert hears(listeners) == bool(await store.read(wirings.wirings))


async def test_what_is_undone_has_changed_nothing(store: Database) -> None:
    await store.transact(wirings.add_wiring, wiring(), now=NOW)
    listeners = await begun(store)

    def half(conn: Connection) -> NoReturn:
        wirings.delete_wiring(conn, wiring())
        raise LookupError

    for _ in range(2):
        with pytest.raises(LookupError):
            await store.transact(half)
        assert hears(listeners)
        await listeners.look(store, CHANNEL, "room")
        assert hears(listeners)


async def test_an_older_look_does_not_take_the_place_of_a_newer_one() -> None:
    """Looks end on the loop in any order; what counts is what each has seen."""
    inline = InlineDatabase()
    room(inline.conn)
    listeners = await begun(inline)
    await inline.transact(wirings.add_wiring, wiring(), now=NOW)
    await inline.transact(wirings.update_wiring, wiring(EngageMode.MENTION))
    older = listeners._look(inline.conn, (CHANNEL, "room"))
    await inline.transact(wirings.update_wiring, wiring())
    await listeners.look(inline, CHANNEL, "room")
    await listeners.look(Late(older), CHANNEL, "room")  # type: ignore[arg-type]  # all that is asked of a store there
    assert hears(listeners)


async def test_a_thread_that_a_newer_look_has_found_is_heard_though_an_older_one_ends_later() -> None:
    inline, world = InlineDatabase(), World()
    room(inline.conn)
    listeners = await begun(inline)
    await inline.transact(wirings.add_wiring, wiring(EngageMode.MENTION_STICKY), now=NOW)
    older = listeners._look(inline.conn, (CHANNEL, "room"))
    events.accept(inline.conn, said(1, thread="t1"), threaded=True, mint=world.mint, now=NOW)
    await listeners.look(inline, CHANNEL, "room")
    await listeners.look(Late(older), CHANNEL, "room")  # type: ignore[arg-type]  # as above
    assert hears(listeners, "t1")
    assert not hears(listeners, "t2")


async def test_a_thread_in_which_a_sticky_agent_has_engaged_is_heard_at_once_and_no_other(store: Database) -> None:
    await store.transact(wirings.add_wiring, wiring(EngageMode.MENTION_STICKY), now=NOW)
    listeners = await begun(store)
    world = World()

    def tell(conn: Connection, event: InboundEvent) -> events.Verdict:
        return events.accept(conn, event, threaded=True, mint=world.mint, now=NOW)

    assert not hears(listeners, "t1")
    await store.transact(tell, said(1, thread="t1"))
    assert not listeners.is_stale(CHANNEL, "room"), "that costs no look"
    assert (hears(listeners, "t1"), hears(listeners, "t2"), hears(listeners, None)) == (True, False, False)
    await store.transact(wirings.update_wiring, wiring(EngageMode.MENTION_STICKY))
    await listeners.look(store, CHANNEL, "room")
    assert (hears(listeners, "t1"), hears(listeners, "t2"), hears(listeners, None)) == (True, False, False)
    assert not any(listeners._engaged.values()), "what a look has found is kept once"
    again = await begun(store)
    assert (hears(again, "t1"), hears(again, "t2"), hears(again, None)) == (True, False, False)


async def test_threads_of_before_count_once_a_wiring_sticks(store: Database) -> None:
    await store.transact(wirings.add_wiring, wiring(EngageMode.MENTION), now=NOW)
    listeners = await begun(store)
    world = World()
    await store.transact(events.accept, said(1, thread="t1"), threaded=True, mint=world.mint, now=NOW)
    assert not hears(listeners, "t1")
    await store.transact(wirings.update_wiring, wiring(EngageMode.MENTION_STICKY))
    await listeners.look(store, CHANNEL, "room")
    assert (hears(listeners, "t1"), hears(listeners, "t2")) == (True, False)


async def test_where_a_question_waits_words_may_be_its_answer() -> None:
    inline = InlineDatabase()
    world = World(inline.conn)
    session = world.session_of(world.wire(world.chat(), world.agent(), mode=EngageMode.MENTION))
    listeners = await begun(inline)
    assert not hears(listeners)
    question = asked(world, session)
    await listeners.look(inline, CHANNEL, "room")
    assert hears(listeners)
    assert hears(await begun(inline))
    questions.close(inline.conn, question.id, QuestionState.EXPIRED, by=None, answer=None, now=NOW)
    await listeners.look(inline, CHANNEL, "room")
    assert not hears(listeners)


async def test_the_next_message_of_a_chat_has_it_looked_at(autojump_clock: MockClock, tmp_path: Path) -> None:
    inline = InlineDatabase()
    room(inline.conn)
    listeners = await begun(inline)
    ingress = Ingress(
        *(inline, TrioClock(NOW), Spool(tmp_path), {CHANNEL: False}),
        *((lambda _: None),) * 3,
        listeners=listeners,
    )
    wirings.add_wiring(inline.conn, wiring(EngageMode.MENTION), now=NOW)
    assert hears(listeners)
    await ingress.receive(said(1, mention=False))
    assert not hears(listeners)
    wirings.update_wiring(inline.conn, attrs.evolve(wiring(), agent_group_id=AgentGroupId("agt-nano")))
    assert isinstance(await ingress.receive(said(2, mention=False)), Stored)
    assert hears(listeners)
