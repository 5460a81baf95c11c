"""The host's own words to chats and to agents: each said once."""

from __future__ import annotations

from attrs import evolve

from nanoclaw.model.ids import InboundId
from nanoclaw.model.messages import LedgerState
from nanoclaw.store import inbound, ledger, notices
from nanoclaw.store.ledger import Head, Lane
from schema import payloads
from schema.rows import InKind, OutKind
from schema.sqlite import fetch
from tests.support.central import CHANNEL, NOW, ROOM, World, everything, said


def test_a_chat_is_told_in_the_hosts_name_with_an_even_number() -> None:
    world = World()
    session = world.session()
    world.reply(session, world.epoch(session), 3)
    lanes = notices.tell_chat(world.conn, session, evolve(ROOM, thread_id="t"), key="k", text="hello", now=NOW)
    assert lanes == {Lane(CHANNEL, "room")}
    [row] = fetch(world.conn, "SELECT * FROM ledger WHERE epoch IS NULL")
    assert (row["seq"], row["runner_id"], row["thread_id"], row["kind"]) == (4, None, "t", "chat")
    assert payloads.read_out(OutKind.CHAT, str(row["content"])) == payloads.ChatOut(text="hello")
    assert len(str(row["digest"])) == 64


def test_the_same_news_is_told_once_and_its_lane_named_each_time() -> None:
    world = World()
    session = world.session()
    first = notices.tell_chat(world.conn, session, ROOM, key="k", text="hello", now=NOW)
    notices.tell_agent(world.conn, session, key="k", action="a", text="hello", now=NOW)
    before = everything(world.conn)
    assert notices.tell_chat(world.conn, session, ROOM, key="k", text="again", now=NOW) == first
    notices.tell_agent(world.conn, session, key="k", action="a", text="again", now=NOW)
    assert everything(world.conn) == before


def test_the_same_news_is_told_to_each_session() -> None:
    world = World()
    for session in (world.session("one", room="a"), world.session("two", room="b")):
        notices.tell_chat(world.conn, session, ROOM, key="k", text="hello", now=NOW)
    assert [row["seq"] for row in fetch(world.conn, "SELECT seq FROM ledger")] == [2, 2]


def test_a_note_to_an_agent_starts_no_turn() -> None:
    world = World()
    session = world.session()
    notices.tell_agent(world.conn, session, key="k", action="something", text="happened", now=NOW)
    [note] = inbound.open_rows(world.conn, session)
    assert (note.id, note.kind, note.trigger) == ("note:k", InKind.SYSTEM, False)
    assert (note.event_id, note.channel, note.platform_id) == (None, None, None)
    assert payloads.read_in(note.kind, note.content) == payloads.SystemIn(action="something", text="happened")
    assert inbound.work(world.conn, session, now=NOW).due == 0
    assert inbound.sessions_to_wake(world.conn) == []


def test_the_notice_of_a_failed_message_answers_it_on_its_platform() -> None:
    world = World()
    world.wire(world.chat(), world.agent())
    world.accept(said(41))
    row = world.row(InboundId("evt-1:agt-nano"))
    lanes = notices.message_failed(world.conn, row, "it broke", now=NOW)
    assert lanes == {Lane(CHANNEL, "room")}
    head = ledger.head(world.conn, Lane(CHANNEL, "room"), now=NOW)
    assert isinstance(head, Head)
    assert head.answers == "41"
    assert payloads.read_out(OutKind.CHAT, head.row.content) == payloads.ChatOut(
        text="I could not answer this message: it broke. Nothing more will happen to it; please send it again."
    )
    before = everything(world.conn)
    assert notices.message_failed(world.conn, row, "it broke again", now=NOW) == lanes
    assert everything(world.conn) == before


def test_a_note_that_was_not_read_breeds_no_other() -> None:
    world = World()
    session = world.session()
    notices.tell_agent(world.conn, session, key="k", action="something", text="happened", now=NOW)
    [note] = inbound.open_rows(world.conn, session)
    inbound.settle(world.conn, note.id, error="the turn failed", now=NOW)
    before = everything(world.conn)
    assert notices.message_failed(world.conn, note, "the turn failed", now=NOW) == set()
    assert everything(world.conn) == before


def test_a_delivery_that_failed_is_told_to_its_agent_without_the_platforms_tricks() -> None:
    world = World()
    session = world.session()
    row = world.out(world.reply(session, world.epoch(session), 7))
    for how in (LedgerState.DEAD, LedgerState.UNKNOWN, LedgerState.DEAD):
        notices.delivery_failed(world.conn, row, how.value, "no such\nchat\u202e", now=NOW)
    told = [payloads.read_in(note.kind, note.content) for note in inbound.open_rows(world.conn, session)]
    assert told == [
        payloads.SystemIn(action="delivery_dead", text="message 7 to test is dead: no such chat"),
        payloads.SystemIn(action="delivery_unknown", text="message 7 to test is unknown: no such chat"),
    ]
