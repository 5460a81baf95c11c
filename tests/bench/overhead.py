"""What it costs that the host counts and times its own work: a share of the processor, told apart from the noise.

Two runs differ by more than what is to be found. So one process takes many short rounds by turns, measured and not,
with a fixed number of events each. Compared is the processor's time of the loop's thread, on which all of it happens,
with that of the round next to it: other programs are not in it, nor the disk, and a table that grows meets both alike.
The median of the pairs is the figure; the error is that of a median, from the spread of the pairs.
"""

from __future__ import annotations

import gc
import statistics
import time
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import trio
from attrs import define, frozen
from rich.console import Console

from nanoclaw.actors.ingress import Ingress
from nanoclaw.actors.journey import Journey
from nanoclaw.actors.meters import Hop, Meters
from nanoclaw.kit.clock import SystemClock
from nanoclaw.kit.slow_turns import SlowTurns
from nanoclaw.kit.spool import Spool
from nanoclaw.link.report import AckRow
from nanoclaw.model.ids import ChannelName
from nanoclaw.store.db import Database, open_database
from schema.rows import AckStatus, InKind, InStatus, MessageIn
from tests.bench import ingress
from tests.bench.ingress import CHANNEL, FanOut

PAIRS = 300
EVENTS = 160
"""Of a round."""
FAN_OUT = FanOut(agents=1, least=0)
MESSAGES = 20_000
MOST_PERCENT = 2.0


@define(eq=False)
class Unmeasured(Meters):
    """Counts nothing."""

    def took(self, hop: Hop, seconds: float) -> None:
        """Forget it."""

    def event(self, channel: ChannelName, verdict: str) -> None:
        """Forget it."""


@frozen(kw_only=True)
class Found:
    """Shares are of what it takes without, in percent."""

    median: float
    error: float
    """Twice the standard error of the median."""
    event: float
    """Microseconds of the processor that an event takes."""


def ingress_overhead(path: Path) -> Found:
    """Take in events by turns, with meters and a watched loop, and without."""

    async def main() -> Found:
        async with open_database(path) as store:
            await store.transact(ingress._fill, FAN_OUT)
            with_it, without = _ingress(store, Meters()), _ingress(store, Unmeasured())
            await _round(with_it, watched=True)
            shares, plain = [], []
            for number in range(PAIRS):
                # Which of them comes first alternates as well: what grows meets both alike.
                first = bool(number % 2)
                one = await _round(with_it if first else without, watched=first)
                other = await _round(without if first else with_it, watched=not first)
                measured, bare = (one, other) if first else (other, one)
                shares.append(100 * (measured.loop - bare.loop) / bare.all)
                plain.append(bare.all)
            quartiles = statistics.quantiles(shares, n=4)
            deviation = (quartiles[2] - quartiles[0]) / 1.349
            return Found(
                median=statistics.median(shares),
                error=2 * 1.253 * deviation / len(shares) ** 0.5,
                event=1e6 * statistics.median(plain) / EVENTS,
            )

    return trio.run(main)


def _ingress(store: Database, meters: Meters) -> Ingress:
    return Ingress(store, SystemClock(), Spool(Path()), {CHANNEL: False}, *(lambda _: None,) * 3, meters=meters)


@frozen(kw_only=True)
class _Round:
    """Seconds of the processor."""

    loop: float
    """Of the loop's thread."""
    all: float
    """Of all threads together."""


async def _round(taking: Ingress, *, watched: bool) -> _Round:

    async def send() -> None:
        for _ in range(EVENTS // ingress.SENDERS):
            await ingress._say_something(taking)

    gc.collect()
    with SlowTurns().watching() if watched else nullcontext():
        loop, everything = time.thread_time(), time.process_time()
        async with trio.open_nursery() as nursery:
            for _ in range(ingress.SENDERS):
                nursery.start_soon(send)
        return _Round(loop=time.thread_time() - loop, all=time.process_time() - everything)


def a_message() -> float:
    """Microseconds of the processor that all figures of one message take, from its event to its delivery."""
    meters, now, channel = Meters(), datetime.now(UTC), ChannelName("bench")
    journey = Journey(meters)
    message = MessageIn(id="m", seq=2, kind=InKind.CHAT, timestamp=now, status=InStatus.PENDING, content="{}")
    claimed = AckRow(message_id="m", status=AckStatus.PROCESSING, error=None)
    settled = AckRow(message_id="m", status=AckStatus.COMPLETED, error=None)
    began = time.process_time()
    for number in range(MESSAGES):
        moment = float(number)
        meters.took(Hop.EVENT_TO_ROW, 0.003)
        meters.event(channel, "accepted")
        journey.shown([message], moment, now)
        for ack in (claimed, settled):
            journey.notice(moment)
            journey.look()
            journey.absorbed([ack], moment, announced=True)
        meters.reply(channel, "delivered")
        meters.took(Hop.LEDGER_TO_SENT, 0.02)
    return 1e6 * (time.process_time() - began) / MESSAGES


def report(console: Console, work: Path) -> None:
    """Print both."""
    with console.status("overhead of figures"):
        found = ingress_overhead(work / "overhead.db")
    colour = "green" if found.median <= MOST_PERCENT else "red"
    console.print(
        f"figures and a watched loop: [{colour}]{found.median:.2f} ± {found.error:.2f} %[/{colour}] of the processor"
        f" at ingress (target ≤ {MOST_PERCENT:g} %; {PAIRS} pairs of {EVENTS} events, {found.event:.0f} us each);"
        f" all figures of a message, from its event to its delivery, {a_message():.1f} us",
        highlight=False,
    )
