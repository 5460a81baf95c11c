"""What sessions cost that ask for nothing: the sweep's look, a restart, and a host that idles beside warm sandboxes."""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trio
from attrs import frozen
from rich.console import Console

from nanoclaw.actors.sweep import Chore, Sweep
from nanoclaw.kit.clock import SystemClock
from nanoclaw.kit.every import every
from nanoclaw.kit.tree import TreeNode
from nanoclaw.store import inbound
from nanoclaw.store.db import open_database
from tests.bench import idle_host, many_sessions

RESTING = (100, 1_000, 10_000)
WARM = (0, 100, 1_000)
LOOKS = 500
WARM_UP_LOOKS = 50
STARTS = 5
WINDOW_SECONDS = 60.0
"""Whatever looks unasked does so once a minute at the least."""
PAUSE_AFTER_MINUTES = 2 * WINDOW_SECONDS / 60
SETTLE_SECONDS = 2.0
MOST_START_SECONDS = 2.0
MOST_SHARE = 0.5
"""Percent of one processor."""
MOST_MIB = 150.0
MIB = 1 << 20
_TICKS = os.sysconf("SC_CLK_TCK")


@frozen(kw_only=True)
class Look:
    """What the looks for all sessions take of the processor, in milliseconds."""

    sweep: float
    """The sweep's: what is due, and when the next thing is."""
    sessions: float
    """The net's under the sessions: which have work."""


def looks(home: Path, count: int) -> Look:
    """Have a real sweep look again and again, in a home with *count* sessions that rest."""
    many_sessions.make(home, count)
    taken: list[float] = []

    async def main() -> Look:
        async with open_database(home / "nanoclaw.db") as store, trio.open_nursery() as nursery:
            enough = trio.Event()

            async def note() -> None:
                await trio.lowlevel.checkpoint()
                taken.append(time.process_time())
                if len(taken) > WARM_UP_LOOKS + LOOKS:
                    enough.set()

            each_look = Chore(name="note", seconds=0.0, do=note)
            sweep = Sweep(store, SystemClock(), lambda _: None, lambda _: None, TreeNode("sweep"), [each_look])
            await nursery.start(sweep.run)
            await enough.wait()
            nursery.cancel_scope.cancel()
            start = time.process_time()
            with trio.CancelScope(shield=True, relative_deadline=WINDOW_SECONDS):
                for _ in range(LOOKS):
                    await store.read(inbound.sessions_to_wake)
            each = (time.process_time() - start) / LOOKS
        return Look(sweep=(taken[-1] - taken[WARM_UP_LOOKS]) * 1e3 / LOOKS, sessions=each * 1e3)

    return trio.run(main)


@frozen(kw_only=True)
class Restart:
    """From starting the process to everything being up: the fastest of some, as others use the machine too."""

    seconds: float
    cpu_seconds: float


def restart(home: Path, count: int) -> Restart:
    """Start a host again and again in a home with *count* sessions that rest."""
    many_sessions.make(home, count)
    found = []
    for _ in range(STARTS):
        start = time.perf_counter()
        with _host(home, 1) as host:
            found.append(Restart(seconds=time.perf_counter() - start, cpu_seconds=_cpu(host.pid)))
    return min(found, key=lambda one: one.seconds)


@frozen(kw_only=True)
class Idle:
    """What an idle host takes, its workers of customs included: a share of one processor in percent, and memory."""

    waiting: float
    """While the sandboxes run and nothing is asked of them."""
    paused: float
    """While they stand still."""
    host_bytes: int
    """What the host itself holds."""


def idle(home: Path, count: int) -> Idle:
    """A host with *count* sandboxes that have answered, then idle, then are paused."""
    many_sessions.make(home, count, waiting=count > 0)
    with _host(home, count) as host:
        _wait_until_answered(home)
        time.sleep(SETTLE_SECONDS)
        waiting = _share(host.pid)
        if count:
            _expect(host, idle_host.PAUSED)
            time.sleep(SETTLE_SECONDS)
        return Idle(waiting=waiting, paused=_share(host.pid), host_bytes=resident_bytes(host.pid))


def show_looks(console: Console, work: Path) -> None:
    """Print what a look of the sweep takes, by the number of sessions that rest."""
    for count in RESTING:
        with console.status(f"sweep: {count:,} sessions"):
            found = looks(work / f"sweep-{count}", count)
        console.print(
            f"{count:>6,} sessions that rest: a look of the sweep {found.sweep:.2f} ms of the processor, "
            f"the look for sessions with work {found.sessions:.2f} ms",
            highlight=False,
        )


def show_restarts(console: Console, work: Path) -> None:
    """Print what a restart takes, by the number of sessions that rest."""
    for count in RESTING:
        with console.status(f"restart: {count:,} sessions"):
            found = restart(work / f"restart-{count}", count)
        console.print(
            f"{count:>6,} sessions that rest: up {_judged(found.seconds, MOST_START_SECONDS, 's')} after its start, "
            f"{found.cpu_seconds:.2f} s of it on the processor",
            highlight=False,
        )


def show_idle(console: Console, work: Path) -> None:
    """Print what an idle host takes, by the number of its sandboxes."""
    for count in WARM:
        with console.status(f"idle: {count:,} sandboxes, some minutes"):
            found = idle(work / f"idle-{count}", count)
        console.print(
            f"{count:>6,} warm sandboxes: {_judged(found.waiting, MOST_SHARE, '%')} of a processor while they idle, "
            f"{_judged(found.paused, MOST_SHARE, '%')} once they are paused; "
            f"{_judged(found.host_bytes / MIB, MOST_MIB, 'MiB')} in memory",
            highlight=False,
        )


def _judged(figure: float, most: float, unit: str) -> str:
    colour, verdict = ("green", "") if figure <= most else ("red", ", MISSED")
    return f"[{colour}]{figure:.2f} {unit}[/{colour}] (target ≤ {most:g}{verdict})"


@contextmanager
def _host(home: Path, sessions: int) -> Iterator[subprocess.Popen[str]]:
    arguments = (str(home), str(sessions), str(PAUSE_AFTER_MINUTES))
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.idle_host", *arguments], stdout=subprocess.PIPE, text=True
    ) as host:
        _expect(host, idle_host.UP)
        yield host
        host.send_signal(signal.SIGKILL)


def _expect(host: subprocess.Popen[str], line: str) -> None:
    assert host.stdout is not None
    found = host.stdout.readline().strip()
    if found != line:
        raise RuntimeError(f"the host said {found!r}, not {line!r}")


def _wait_until_answered(home: Path) -> None:
    async def main() -> None:
        async with open_database(home / "nanoclaw.db") as store:
            with trio.CancelScope() as answered:

                async def look() -> None:
                    if not await store.read(inbound.sessions_to_wake):
                        answered.cancel()

                await every(1.0, look)

    trio.run(main)


def _share(pid: int) -> float:
    start = _cpu(pid)
    time.sleep(WINDOW_SECONDS)
    return (_cpu(pid) - start) / WINDOW_SECONDS * 100


def _cpu(pid: int) -> float:
    """Seconds that a process and those it started have taken."""
    own = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    # A child is listed with the thread that started it, and with another one when that has ended.
    lists = [task.read_text(encoding="ascii").split() for task in Path(f"/proc/{pid}/task").glob("*/children")]
    return (int(own[11]) + int(own[12])) / _TICKS + sum(_cpu(int(child)) for child in itertools.chain(*lists))


def resident_bytes(pid: int) -> int:
    """What a process has in memory, whosever it is."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"))
    return int(found.group(1)) * 1024 if found else 0
