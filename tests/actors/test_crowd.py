"""AT-29, strangers: ten thousand of them say a hundred thousand things, and those who are known are heard meanwhile."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
import trio
from attrs import evolve

from nanoclaw.actors.ingress import Ingress
from nanoclaw.channels.base import Stored
from nanoclaw.core.crowds import MOST_ASKED
from nanoclaw.kit.clock import SystemClock
from nanoclaw.kit.spool import Spool
from nanoclaw.model.entities import EngageMode, IgnoredMessagePolicy, UnknownSenderPolicy
from nanoclaw.model.ids import RoleId
from nanoclaw.model.rights import Grant, Role
from nanoclaw.store import approvals, people
from nanoclaw.store.db import Database, open_database
from nanoclaw.store.verify import verify
from schema.sqlite import Connection, fetch, integer
from tests.conftest import Figures
from tests.routing.comparing import NOWHERE
from tests.support.central import CHANNEL, World, said

MODES = ("strict", "approval", "accumulate", "chats of their own")
POLICIES = {"strict": UnknownSenderPolicy.STRICT, "approval": UnknownSenderPolicy.REQUEST_APPROVAL}
AT_ONCE = 40


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("strangers", "many", "good", "most_growth"),
    [
        (300, 1_200, 20, 1 << 18),
        pytest.param(10_000, 100_000, 400, 1 << 20, marks=[pytest.mark.soak, pytest.mark.timeout(900)]),
    ],
)
async def test_a_crowd_leaves_less_than_a_mebibyte_and_few_cards_and_holds_up_nobody(
    tmp_path: Path, mode: str, strangers: int, many: int, good: int, most_growth: int, figures: Figures
) -> None:
    async with open_database(tmp_path / "nanoclaw.db") as store:
        await store.transact(_furnish, mode)
        ingress = Ingress(store, SystemClock(), Spool(tmp_path), {CHANNEL: False}, *(lambda _: None,) * 3)
        await _good(ingress, 0)
        before, size = (_descriptors(), threading.active_count()), await _size(store)
        waits: list[float] = []
        numbers = iter(range(many))

        async def stranger() -> None:
            for number in numbers:
                who = number % strangers
                room = f"chat of {who}" if mode == "chats of their own" else "room"
                event = said(number, room=room, sender=f"Stranger {who}", mention=mode != "accumulate")
                await ingress.receive(event)

        async with trio.open_nursery() as nursery:
            for _ in range(AT_ONCE):
                nursery.start_soon(stranger)
            for number in range(1, good):
                began = time.monotonic()
                await _good(ingress, number)
                waits.append(time.monotonic() - began)
        grown = await _size(store) - size
        cards = await store.read(approvals.approvals)
        assert grown <= most_growth
        # Two hours, where the clock strikes meanwhile.
        assert len(cards) == len({one.subject for one in cards}) <= 2 * MOST_ASKED
        assert await store.read(_heard) == [f"good {number}" for number in range(good)]
        assert await store.read(lambda conn: verify(conn, NOWHERE, host=None, now=SystemClock().now())) == []
        # The store opens two readers when they are first needed.
        assert _descriptors() <= before[0] + 2
        assert threading.active_count() <= before[1] + 2
    kind = mode.partition(" ")[0]
    figures(**{f"{kind}_bytes": grown, f"{kind}_cards": len(cards), f"{kind}_slowest_good_ms": round(1e3 * max(waits))})


async def _good(ingress: Ingress, number: int) -> None:
    """Somebody who is known says something to an agent, in a chat of theirs and where the crowd is, by turns."""
    event = said(number, room="home" if number % 2 else "room", sender="Boss", text=f"good {number}")
    assert isinstance(await ingress.receive(evolve(event, platform_message_id=f"good-{number}")), Stored)


def _furnish(conn: Connection, mode: str) -> None:
    world = World(conn=conn, now=SystemClock().now())
    policy = POLICIES.get(mode, UnknownSenderPolicy.PUBLIC)
    engages = EngageMode.PATTERN if mode in POLICIES else EngageMode.MENTION
    agent = world.agent()
    world.wire(world.chat(policy=policy), agent, mode=engages, ignored=IgnoredMessagePolicy.ACCUMULATE)
    world.wire(world.chat("home", is_group=False), agent)
    owner = Grant(
        id=RoleId("r"),
        user_id=world.user("boss"),
        role=Role.OWNER,
        agent_group_id=None,
        granted_by=None,
        granted_at=world.now,
    )
    people.grant(conn, owner)


def _heard(conn: Connection) -> list[str]:
    sql = "SELECT json_extract(content, '$.text') AS text FROM inbound WHERE trigger = 1 ORDER BY rowid"
    return [str(row["text"]) for row in fetch(conn, sql)]


async def _size(store: Database) -> int:
    """Bytes of the database itself; its log is made anew at each checkpoint."""
    return await store.read(lambda conn: integer(conn, "PRAGMA page_count") * integer(conn, "PRAGMA page_size"))


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
