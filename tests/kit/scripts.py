"""Children of a pool that do what a test scripts for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable

import trio
from attrs import define, field

from nanoclaw.kit.restart import ParkPolicy
from nanoclaw.kit.supervisor import Service

POLICY = ParkPolicy(intensity=3, period=60, pauses=(60, 120), first_delay=1)

Run = Callable[[], Awaitable[None]]


async def fail() -> None:
    raise ValueError("boom")


async def return_at_once() -> None:
    await trio.lowlevel.checkpoint()


def sleeping(seconds: float) -> Run:
    async def sleep() -> None:
        await trio.sleep(seconds)

    return sleep


@define
class Script:
    """Starts children that do what the script says for their key, and notes when each began."""

    does: dict[str, Run]
    began: defaultdict[str, list[float]] = field(factory=lambda: defaultdict(list))

    def start(self, key: str) -> Service:
        async def run(*, task_status: trio.TaskStatus[None]) -> None:
            self.began[key].append(trio.current_time())
            task_status.started()
            await self.does[key]()

        return run
