"""The life of a message on a warm sandbox, stage by stage, through the real host."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import trio
from attrs import define, field

from nanoclaw import app, config
from nanoclaw.channels.base import Draft, Outgoing, Receive
from nanoclaw.core.delivery import InDoubt
from nanoclaw.core.speech import Ability
from nanoclaw.kit.clock import SystemClock
from nanoclaw.kit.ids import mint
from nanoclaw.logs import log_to_file
from nanoclaw.model.ids import ChannelName, UserId
from nanoclaw.model.messages import InboundEvent
from nanoclaw.sandboxes.engine import Engine
from nanoclaw.settings import WebSettings
from nanoclaw.store.db import open_database
from nanoclaw.store.home import held, make_folders
from nanoclaw.store.setup import Operator, first_start
from tests.bench.commit_clock import CommitClock
from tests.bench.figures import Samples, Target

CHANNEL = ChannelName("bench")
ROOM = "room"
WARM_UP = 20
COMMITS_A_TURN = 2
"""A turn of the demo provider commits twice: the claim, then reply and settlement together."""


@define(eq=False)
class BenchChannel:
    """Says one thing after the other, and notes when what happened."""

    count: int
    out_folder: Callable[[], Path]
    name: ChannelName = field(default=CHANNEL, init=False)
    threaded: bool = field(default=False, init=False)
    keyed: bool = field(default=True, init=False)
    in_doubt: InDoubt = field(default=InDoubt.SEND_AGAIN, init=False)
    abilities: frozenset[Ability] = field(default=frozenset(), init=False)
    finished: trio.Event = field(factory=trio.Event, init=False)
    stages: dict[str, list[float]] = field(factory=dict[str, list[float]], init=False)
    _called: float = field(default=0.0, init=False)
    _arrived: trio.Event = field(factory=trio.Event, init=False)

    async def run(
        self,
        receive: Receive,
        *,
        ready: Callable[[], None],
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Send, wait for the reply, send again."""
        task_status.started()
        ready()
        await self._one(receive, "first")
        commits = CommitClock(self.out_folder())
        for number in range(WARM_UP):
            await self._one(receive, f"warm {number}")
        for number in range(self.count):
            # The runner's last housekeeping is over, as it is when a person types.
            await trio.sleep(0.02)
            commits.seen()
            start, stored, called = await self._one(receive, f"message {number}")
            self._note("accept → commit", start, stored)
            self._note("whole round trip", start, called)
            turn = [at for at in commits.seen() if at > start][:COMMITS_A_TURN]
            if len(turn) == COMMITS_A_TURN:
                self._note("commit → runner claimed", min(stored, turn[0]), turn[0])
                self._note("reply row → adapter called", turn[1], called)
        commits.close()
        self.finished.set()
        await trio.sleep_forever()

    async def deliver(self, message: Outgoing) -> str | None:
        """Note the time."""
        await trio.lowlevel.checkpoint()
        self._called = time.perf_counter()
        self._arrived.set()
        return message.key

    async def show_draft(self, _: Draft) -> None:
        """There are none."""
        await trio.lowlevel.checkpoint()

    async def _one(self, receive: Receive, text: str) -> tuple[float, float, float]:
        self._arrived = trio.Event()
        event = InboundEvent(
            channel=self.name,
            platform_message_id=mint("msg"),
            platform_id=ROOM,
            mention=True,
            is_group=False,
            sender_id=UserId("bench:1"),
            sender="Ada",
            text=text,
        )
        start = time.perf_counter()
        await receive(event)
        stored = time.perf_counter()
        with trio.fail_after(20):
            await self._arrived.wait()
        return start, stored, self._called

    def _note(self, stage: str, start: float, end: float) -> None:
        self.stages.setdefault(stage, []).append((end - start) * 1e3)


def measure(home: Path, engines: Callable[[], Sequence[Engine]], count: int) -> list[Samples]:
    """Run a real host in *home* and send *count* messages, one after the other."""
    make_folders(home)
    log_to_file(home / "bench.log")
    settings = config.Config(home=home, web=WebSettings(enabled=False))
    channel = BenchChannel(count, lambda: next(home.glob("sessions/*/*/out/*")))

    async def main() -> None:
        async with open_database(settings.database) as store:
            await store.transact(
                first_start,
                agent="Nano",
                operator=Operator(user=UserId("bench:1"), name="Ada", channel=CHANNEL, platform_id=ROOM),
                mint=mint,
                now=SystemClock().now(),
            )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(
                lambda: app.serve(settings, announce=lambda _: None, engines=engines, more_channels=lambda: [channel])
            )
            await channel.finished.wait()
            nursery.cancel_scope.cancel()

    with held(home, now=SystemClock().now()):
        trio.run(main)
    targets = {"whole round trip": (Target(percentile=50, most=15.0), Target(percentile=99, most=60.0))}
    return [Samples(name=name, values=values, targets=targets.get(name, ())) for name, values in channel.stages.items()]
