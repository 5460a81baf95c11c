"""AT-14: a right to write somewhere that is taken away while a message is on its way: the truth's own order decides."""

from __future__ import annotations

from functools import partial

import pytest
import trio
import trio._core._run as scheduler

from nanoclaw.actors.absorb import absorb
from nanoclaw.model.entities import MessagingGroup
from nanoclaw.store import destinations
from nanoclaw.store.destinations import MadeBy, StoredDestination
from nanoclaw.store.sessions import session_place
from schema.sqlite import Connection, integer
from tests.actors.absorbing import a_row, report
from tests.actors.mailing import Agents
from tests.support.central import World
from tests.support.inline_database import InlineDatabase

RACES = 1_000


def to_chat(post: Agents, chat: MessagingGroup) -> StoredDestination:
    """`a` may write to that chat, as `b`."""
    return StoredDestination(
        agent_group_id=post.agents["a"].id,
        name="b",
        messaging_group_id=chat.id,
        target_agent_group_id=None,
        made_by=MadeBy.OPERATOR,
        created_at=post.world.now,
    )


CARRIED = {
    "agent": "SELECT count(*) FROM inbound WHERE channel = 'agent'",
    "chat": "SELECT count(*) FROM ledger WHERE platform_id = 'kitchen'",
}


@pytest.mark.parametrize("target", CARRIED)
async def test_no_message_is_carried_after_its_right_was_taken_away(target: str) -> None:
    store = InlineDatabase()
    post = Agents(World(store.conn)).agent("a", "b")
    kitchen = post.world.chat("kitchen")
    place = session_place(store.conn, post.rooms["a"])
    assert place is not None
    epoch = post.epoch(post.rooms["a"])
    carried = 0
    for race in range(1, RACES + 1):
        scheduler._r.seed(race)
        if target == "agent":
            post.lets("ab")
        else:
            destinations.add(store.conn, to_chat(post, kitchen))
        order: list[str] = []

        def take_away(conn: Connection, order: list[str] = order) -> None:
            order.append("right")
            destinations.remove(conn, post.agents["a"].id, "b")

        def take_in(conn: Connection, race: int = race, order: list[str] = order) -> None:
            order.append("message")
            row = a_row(race, in_reply_to=None, destination="b")
            absorb(conn, place, epoch, report(rows=(row,)), now=post.world.now)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(store.transact, take_away))
            nursery.start_soon(partial(store.transact, take_in))
        carried += order == ["message", "right"]
        assert integer(store.conn, CARRIED[target]) == carried, order
        # Thirty an hour.
        post.world.wait(seconds=600)
    assert RACES / 4 < carried < 3 * RACES / 4
    refused = "SELECT count(*) FROM drops WHERE reason = 'unknown-destination'"
    assert integer(store.conn, refused) == RACES - carried
    store.close()
