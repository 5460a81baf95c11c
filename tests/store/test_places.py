"""Where messages were said: in chats, each named once; tasks were said nowhere."""

from __future__ import annotations

from nanoclaw.model.ids import InboundId
from nanoclaw.model.messages import Address
from nanoclaw.store.events import Accepted, accept
from nanoclaw.store.places import places_of
from schema.sqlite import execute, fetch
from tests.support.central import CHANNEL, World, said


def test_messages_are_said_in_chats_and_tasks_nowhere() -> None:
    world = World()
    chat, agent = world.chat("room"), world.agent("ops")
    world.wire(chat, agent)
    for number in (1, 2):
        stored = accept(world.conn, said(number, room="room"), threaded=True, mint=world.mint, now=world.now)
        assert isinstance(stored, Accepted)
    claims = [InboundId(str(row["id"])) for row in fetch(world.conn, "SELECT id FROM inbound")]
    assert len(claims) == 2
    (place,) = places_of(world.conn, claims)
    assert (place.channel, place.platform_id) == (CHANNEL, "room")
    assert places_of(world.conn, []) == set()
    execute(world.conn, "UPDATE inbound SET thread_id = 't'")
    assert places_of(world.conn, claims[:1]) == {Address(channel=CHANNEL, platform_id="room", thread_id="t")}
    execute(world.conn, "UPDATE inbound SET kind = 'task'")
    assert places_of(world.conn, claims) == set()
