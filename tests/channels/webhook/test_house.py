"""Webhooks and the truth: a call is one event in every life of the host, and what is forged leaves nothing there."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from attrs import define

from nanoclaw.actors.ingress import Ingress
from nanoclaw.channels.base import Receipt
from nanoclaw.kit.clock import SystemClock
from nanoclaw.kit.ids import mint
from nanoclaw.kit.spool import Spool
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import Told
from nanoclaw.store.verify import verify
from schema.sqlite import fetch, integer
from tests.channels.webhook import calls
from tests.channels.webhook.calls import ISSUE, JSON, by_github, by_standard, written
from tests.channels.webhook.wire import House, Wire, webhooks
from tests.routing.comparing import NOWHERE
from tests.support.approvals_case import Case, with_people
from tests.support.central import World

OPENED = written(calls.github("opened", issue=ISSUE))
TEXT = written({"text": "all is well"})


@define(eq=False)
class Truthful(House):
    """Gives events to ingress."""

    ingress: Ingress | None = None

    async def receive(self, told: Told) -> Receipt:
        """See `Receive`."""
        assert self.ingress is not None
        return await self.ingress.receive(told)


@asynccontextmanager
async def life(case: Case) -> AsyncGenerator[Wire]:
    """One life of the channel, and of what takes its events."""
    with tempfile.TemporaryDirectory(prefix="nc-") as folder:
        spool = Spool(Path(folder))
        house = Truthful(
            ingress=Ingress(
                case.store, SystemClock(), spool, {}, lambda _: None, lambda _: None, lambda _: None, mint=mint
            )
        )
        async with webhooks(house) as there:
            yield there


def wired(world: World) -> None:
    """An agent hears what the source `ci` calls about, and its owner lets it."""
    chat = world.chat("ci", channel=ChannelName("hook"))
    world.wire(chat, world.agent("watch"))


async def test_a_call_that_comes_again_also_after_a_restart_is_heard_once() -> None:
    case = with_people()
    wired(case.world)
    for number in range(2):
        async with life(case) as there:
            for _ in range(3):
                assert (await there.call("/hooks/ci", by_standard(TEXT), TEXT))[0] == 200
            assert (await there.call("/hooks/ci", by_standard(TEXT, f"new-{number}"), TEXT))[0] == 200
    names = [row["platform_message_id"] for row in fetch(case.world.conn, "SELECT * FROM events ORDER BY received_at")]
    assert names == ["ci/msg_1", "ci/new-0", "ci/new-1"]
    assert verify(case.world.conn, NOWHERE, host=None, now=case.world.now) == []


async def test_a_source_that_no_agent_hears_is_asked_about_once() -> None:
    case = with_people()
    async with life(case) as there:
        for number in range(5):
            body = written(calls.github("opened", issue={**ISSUE, "number": number}))
            status, said = await there.call("/hooks/repo", by_github(body), body)
            assert (status, said) == (200, "recorded; no agent hears this source")
    (asked,) = fetch(case.world.conn, "SELECT kind, subject FROM approvals")
    assert asked["kind"] == "chat"


async def test_a_thousand_forged_calls_leave_nothing_and_a_good_one_is_heard() -> None:
    case = with_people()
    wired(case.world)
    async with life(case) as there:
        before = integer(case.world.conn, "SELECT total_changes()")
        forged = by_github(OPENED, secret=calls.SECRET[::-1])
        for number in range(250):
            assert (await there.call("/hooks/repo", forged, OPENED))[0] == 401
            assert (await there.call("/hooks/repo", JSON, OPENED))[0] == 401
            assert (await there.call("/hooks/ci", by_standard(TEXT, seconds=number), TEXT))[0] == 401
            assert (await there.call(f"/hooks/x{number}", forged, OPENED))[0] == 404
        assert integer(case.world.conn, "SELECT total_changes()") == before
        assert (await there.call("/hooks/ci", by_standard(TEXT), TEXT))[0] == 200
    assert integer(case.world.conn, "SELECT count(*) FROM inbound WHERE platform_id = 'ci'") == 1
