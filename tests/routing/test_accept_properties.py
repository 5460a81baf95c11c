"""Any events in a real home: it holds what the naive one holds, and nothing of what was refused."""

from __future__ import annotations

import tempfile
from pathlib import Path

import attrs
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.model.ids import AgentGroupId
from nanoclaw.model.messages import InboundEvent
from nanoclaw.store import events
from schema import sqlite
from schema.sqlite import Journal, Synchronous
from tests.routing import comparing, strategies
from tests.routing.homes import SENDERS, Drawn, furnish, tell
from tests.support.central import World, empty_file, everything, said

worlds = st.tuples(
    st.booleans(),
    st.none() | strategies.chats,
    strategies.wired(),
    st.fixed_dictionaries(dict.fromkeys(SENDERS, strategies.rights)),
)
Stream = list[tuple[InboundEvent, str]]


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    """Messages, some told twice; each says a word that no other says."""
    found = []
    for number in range(1, draw(st.integers(1, 8))):
        secret = f"kumquat{number}x"
        event = draw(strategies.events(number=number))
        event = attrs.evolve(event, text=f"{event.text} {secret}")
        found.append((event, secret))
        if draw(st.booleans()):
            found.append((attrs.evolve(event, mention=draw(st.booleans())), secret))
    return found


@given(worlds, streams())
def test_a_home_holds_what_the_oracle_says_after_any_events(drawn: Drawn, stream: Stream) -> None:
    world = World()
    model = furnish(world, drawn)
    for event, _ in stream:
        tell(world, model, event)
        comparing.compare(world, model)
    comparing.assert_unheard(world, model, {event.platform_message_id: secret for event, secret in stream})


@given(worlds, streams())
def test_telling_everything_again_changes_nothing(drawn: Drawn, stream: Stream) -> None:
    world = World()
    model = furnish(world, drawn)
    for event, _ in stream:
        tell(world, model, event)
    before = everything(world.conn)
    for event, _ in stream:
        if event.platform_message_id in model.events and (model.events[event.platform_message_id] or not event.mention):
            world.accept(event, threaded=model.threaded)
    assert everything(world.conn) == before


@given(worlds, streams(), st.permutations(strategies.AGENTS))
def test_order_of_wirings_and_priority_change_nothing_in_any_session(
    drawn: Drawn, stream: Stream, order: list[AgentGroupId]
) -> None:
    threaded, chat, wired, rights = drawn
    otherwise = [attrs.evolve(wiring, priority=0) for wiring in wired]
    otherwise.sort(key=lambda wiring: order.index(wiring.agent_group_id))
    homes = []
    for listed in (wired, otherwise):
        world = World()
        model = furnish(world, (threaded, chat, listed, rights))
        for event, _ in stream:
            tell(world, model, event)
        comparing.compare(world, model)
        homes.append({key: [(row.message, row.trigger) for row in rows] for key, rows in model.sessions.items()})
        world.conn.close()
    assert homes[0] == homes[1]


@given(worlds, streams())
def test_what_was_refused_is_in_no_file_of_the_home_but_while_a_person_is_asked(drawn: Drawn, stream: Stream) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "nanoclaw.db"
        database.write_bytes(empty_file())
        world = World(sqlite.open_read_write(database, Journal.WAL, Synchronous.OFF))
        model = furnish(world, drawn)
        for event, _ in stream:
            tell(world, model, event)
        heard = {row.message for rows in model.sessions.values() for row in rows}
        kept = comparing.kept(world)
        for there, also in (written_in(folder), kept), (denied_in(folder, world), set[str]()):
            for event, secret in stream:
                assert (secret.encode() in there) == (event.platform_message_id in heard | also)
        world.conn.close()


def written_in(folder: str) -> bytes:
    """All that is in its files."""
    return b"".join(path.read_bytes() for path in sorted(Path(folder).rglob("*")) if path.is_file())


def denied_in(folder: str, world: World) -> bytes:
    """The same once everything was denied."""
    comparing.deny_all(world)
    return written_in(folder)


def test_the_ids_of_one_event_are_its_own_in_each_agent_group() -> None:
    world = World()
    room = world.chat()
    for name in ("a", "b"):
        world.wire(room, world.agent(name))
    verdict = world.accept(said(1))
    assert isinstance(verdict, events.Accepted)
    found = [str(row["id"]) for row in sqlite.fetch(world.conn, "SELECT id FROM inbound ORDER BY id")]
    assert found == [f"{verdict.event}:agt-a", f"{verdict.event}:agt-b"]
