"""A paused sandbox: how fast it is at work again, and what it holds meanwhile."""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import trio
from attrs import evolve, frozen

from nanoclaw.kit.clock import SystemClock
from nanoclaw.kit.spool import Spool
from nanoclaw.link.inbox import Inbox
from nanoclaw.link.projector import InboundFile
from nanoclaw.model.ids import EpochNumber
from nanoclaw.sandboxes.engine import Engine
from schema import payloads
from schema.commit_watch import CommitWatch
from schema.rows import InKind, InStatus, MessageIn
from tests.bench.cold_start import a_link, a_spec, first_look
from tests.bench.figures import Samples, Target

SETTLE_SECONDS = 0.3


@frozen(kw_only=True)
class Paused:
    """What was measured."""

    wakes: Samples
    idle_bytes: int
    paused_bytes: int


def measure(work: Path, make_engine: Callable[[], Engine], count: int, targets: tuple[Target, ...]) -> Paused:
    """Pause one sandbox *count* times, each time until a message has it claim: the time from the resuming on."""
    values: list[float] = []
    sizes: list[int] = []

    async def main() -> None:
        whole = await a_link(work / "paused.db")
        engine = make_engine()
        async with trio.open_nursery() as nursery:
            await nursery.start(engine.run)
            layout, spec = a_spec(work, engine, EpochNumber(1), whole)
            sandbox, _ = await first_look(engine, layout, spec)
            file, watch = (
                InboundFile.open(layout.inbound, Inbox(layout.inbox, Spool(layout.root / "spool"))),
                CommitWatch(),
            )
            watch.add(layout.out_dir(1))
            for number in range(count + 1):
                await trio.sleep(SETTLE_SECONDS)
                sizes.append(memory(spec.life.outbound))
                await sandbox.pause()
                sizes.append(memory(spec.life.outbound))
                watch.drain()
                start = time.perf_counter()
                await sandbox.resume()
                await trio.to_thread.run_sync(file.write, evolve(whole.changes, messages=(_message(number),)))
                await trio.to_thread.run_sync(select.select, [watch.fd], [], [], 20)
                values.append((time.perf_counter() - start) * 1e3)
            watch.close()
            file.close()
            await sandbox.stop(0)
            await sandbox.remove()
            nursery.cancel_scope.cancel()

    trio.run(main)
    # The first turn loads what every later one finds loaded.
    wakes = Samples(name="paused → turn begun", values=values[1:], targets=targets)
    return Paused(wakes=wakes, idle_bytes=max(sizes[2::2]), paused_bytes=max(sizes[3::2]))


def memory(outbound: Path) -> int:
    """The bytes that the processes of a sandbox hold for themselves alone: every process with that folder open."""
    return sum(_private(pid) for pid in _of(str(outbound)))


def _of(folder: str) -> Iterable[int]:
    # The mounts of a process name the folder on this machine, in whatever namespace it runs.
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != "self":
            try:
                said = (entry / "mountinfo").read_text(encoding="utf-8"), (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if f" {folder} " in said[0] or folder.encode() in said[1]:
                yield int(entry.name)


def _private(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def _message(number: int) -> MessageIn:
    now = SystemClock().now()
    said = payloads.ChatIn(text=f"message {number}", sender="Ada", sender_id="bench:1")
    return MessageIn(
        id=f"m{number}",
        seq=2 * (number + 1),
        kind=InKind.CHAT,
        timestamp=now,
        status=InStatus.PENDING,
        channel_type="bench",
        platform_id="room",
        content=payloads.write(said),
    )
