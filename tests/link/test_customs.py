"""The pool: a worker may die, hang or talk nonsense, and the next look is answered all the same."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from nanoclaw.link import wire
from nanoclaw.link.customs import Customs
from nanoclaw.link.report import Inspected, Quarantine, Report
from nanoclaw.link.snapshot import Snapshot, Stamp
from nanoclaw.link.workers import Programs, WorkerStartError
from tests.link.outbox import ids, outbox, saying

PATIENCE = 20.0
"""Seconds for what an honest worker does in milliseconds, where the machine has more to do."""
NO_STAMP = Stamp(0, 0, 0, 0, b"", None)


def picture(db: bytes, journal: bytes | None = None) -> Snapshot:
    return Snapshot(db=db, journal=journal, stamp=NO_STAMP)


STRANGERS: set[int] = set()
"""Children of this process from before the test."""
HONEST = picture(outbox(saying(1, 2)))
GARBAGE = picture(b"garbage")


@asynccontextmanager
async def running(customs: Customs) -> AsyncIterator[Customs]:
    async with trio.open_nursery() as nursery:
        await nursery.start(customs.run)
        yield customs
        nursery.cancel_scope.cancel()
    assert children() == []


@pytest.fixture(autouse=True)
def only_ours() -> None:
    """What other tests have left to this process is none of these tests' doing."""
    STRANGERS.clear()
    STRANGERS.update(children())


def children() -> list[int]:
    """The workers of this process that are not waited for."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            command = path.with_name("cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == os.getpid() and (b"nanoclaw.link.worker" in command or fields[0] == "Z"):
            found.append(int(path.parent.name))
    return [child for child in found if child not in STRANGERS]


def is_honest(found: Inspected) -> bool:
    return isinstance(found, Report) and ids(found) == ["m1", "m2"]


async def until(condition: Callable[[], bool]) -> None:
    with trio.fail_after(2 * PATIENCE):
        while not condition():  # noqa: ASYNC110  # the table of processes has no event
            await trio.sleep(0.01)


async def test_an_honest_file_is_read_and_its_worker_kept() -> None:
    async with running(Customs(deadline=PATIENCE)) as customs:
        before = sorted(children())
        assert len(before) == 2
        for _ in range(5):
            assert is_honest(await customs.inspect(HONEST, after=0))
        found = await customs.inspect(HONEST, after=1)
        assert isinstance(found, Report)
        assert ids(found) == ["m2"]
        assert sorted(children()) == before
        assert customs.replaced == 0


async def test_a_large_answer_comes_through() -> None:
    image = outbox(saying(*range(1, 21), content='{"text": "' + "x" * 150_000 + '"}'))
    async with running(Customs(size=1, deadline=PATIENCE)) as customs:
        found = await customs.inspect(picture(image, b"\0" * (1 << 20)), after=0)
        assert isinstance(found, Report)
        assert len(found.rows) == 13


async def test_a_worker_that_read_a_bad_file_reads_no_other() -> None:
    async with running(Customs(size=1, deadline=PATIENCE)) as customs:
        (before,) = children()
        assert isinstance(await customs.inspect(GARBAGE, after=0), Quarantine)
        assert is_honest(await customs.inspect(HONEST, after=0))
        assert customs.replaced == 1
        assert before not in children()


async def test_a_worker_that_died_while_idle_costs_no_file() -> None:
    async with running(Customs(deadline=PATIENCE)) as customs:
        for worker in children():
            os.kill(worker, signal.SIGKILL)
        assert is_honest(await customs.inspect(HONEST, after=0))
        await until(lambda: customs.replaced == 2)
        await until(lambda: len(children()) == 2)
        assert is_honest(await customs.inspect(HONEST, after=0))


async def test_a_worker_that_hangs_is_killed_at_the_deadline() -> None:
    async with running(Customs(deadline=0.1)) as customs:
        for worker in children():
            os.kill(worker, signal.SIGSTOP)
        stopped = children()
        found = await customs.inspect(HONEST, after=0)
        assert found == Quarantine(reason="deadline", detail="not read within 0.1 s")
        await until(lambda: len(set(children()) - set(stopped)) == 1)
        assert customs.replaced == 1


async def test_a_hanging_worker_does_not_hold_up_other_files() -> None:
    async with running(Customs(deadline=PATIENCE)) as customs:
        first, _ = children()
        os.kill(first, signal.SIGSTOP)
        verdicts: list[Inspected] = []

        async def look() -> None:
            verdicts.append(await customs.inspect(HONEST, after=0))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(look)
            nursery.start_soon(look)
            await until(lambda: len(verdicts) == 1)
            for _ in range(3):
                await look()
            assert len(verdicts) == 4
            os.kill(first, signal.SIGKILL)
        assert all(is_honest(verdict) for verdict in verdicts)


async def test_looks_wait_their_turn() -> None:
    async with running(Customs(size=1, deadline=PATIENCE)) as customs:
        verdicts: list[Inspected] = []

        async def look() -> None:
            verdicts.append(await customs.inspect(HONEST, after=0))

        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(look)
        assert len(verdicts) == 20
        assert all(is_honest(verdict) for verdict in verdicts)


async def test_a_cancelled_look_costs_its_worker_and_nothing_else() -> None:
    async with running(Customs(size=1, deadline=PATIENCE)) as customs:
        (worker,) = children()
        os.kill(worker, signal.SIGSTOP)
        with trio.move_on_after(0.05) as scope:
            await customs.inspect(HONEST, after=0)
        assert scope.cancelled_caught
        assert is_honest(await customs.inspect(HONEST, after=0))
        assert worker not in children()


async def test_a_look_under_way_when_customs_closes_goes_on_when_it_is_back() -> None:
    customs = Customs(size=1, deadline=PATIENCE)
    verdicts: list[Inspected] = []

    async def look() -> None:
        verdicts.append(await customs.inspect(HONEST, after=0))

    async with trio.open_nursery() as looks:
        async with running(customs):
            (worker,) = children()
            os.kill(worker, signal.SIGSTOP)
            looks.start_soon(look)
            await wait_all_tasks_blocked()
        assert verdicts == []
        async with running(customs):
            await until(lambda: len(verdicts) == 1)
    assert is_honest(verdicts[0])


async def test_workers_left_from_before_are_not_asked() -> None:
    customs = Customs(size=1, deadline=PATIENCE)
    async with running(customs):
        pass
    async with running(customs):
        assert is_honest(await customs.inspect(HONEST, after=0))


HELLO = wire.frame(b'{"process": 0, "given_up": []}')
GREETING = f"import sys, time; put = sys.stdout.buffer.write; get = sys.stdin.buffer.read; put({HELLO!r}); "


def pretending(program: str, *, greeting: str = GREETING) -> Customs:
    """Customs whose worker is *program*."""
    flush = "sys.stdout.buffer.flush(); get(1); "
    return Customs(size=1, deadline=PATIENCE, source=Programs((sys.executable, "-I", "-c", greeting + flush + program)))


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("put(b'\\x06')", "worker-died"),
        ("put(b'\\x06\\0\\0')", "worker-died"),
        ("put(b'\\x06\\0\\0\\1\\0 {}')", "worker-died"),
        ("put(b'x')", "nonsense"),
        ("put(b'\\x06\\0\\0\\0\\2{}')", "nonsense"),
        ("put(b'\\x06\\0\\0\\0\\4null')", "nonsense"),
        ("put(b'\\x06\\0\\0\\0\\2{}\\0\\0\\0\\2{}')", "nonsense"),
        ("put(b'\\x06\\xff\\xff\\xff\\xff' + b'x' * 100000)", "nonsense"),
        ("put(b'\\x06\\0\\3\\0\\0' + b'[' * 196608)", "nonsense"),
        ("", "worker-died"),
    ],
)
async def test_a_worker_that_talks_nonsense_is_believed_in_nothing(program: str, reason: str) -> None:
    async with running(pretending(program)) as customs:
        found = await customs.inspect(HONEST, after=0)
        assert isinstance(found, Quarantine)
        assert found.reason == reason


async def test_a_worker_that_closes_its_ears_counts_as_gone() -> None:
    async with running(pretending("import os; os.close(0); time.sleep(60)")) as customs:
        big = picture(b"x" * (4 << 20))
        with trio.fail_after(2 * PATIENCE):
            found = await customs.inspect(big, after=0)
        assert found == Quarantine(reason="worker-died", detail="3 workers ended before they had all of it")


@pytest.mark.parametrize(
    "greeting",
    [
        "raise SystemExit(1); ",
        "import sys; get = int; sys.stdout.buffer.write(b'\\0\\0\\0\\1x'); ",
        "import sys; get = int; sys.stdout.buffer.write(b'\\0\\0\\0\\1'); sys.stdout.flush(); sys.exit(); ",
    ],
)
async def test_a_worker_that_does_not_come_up_is_said_aloud(greeting: str) -> None:
    with pytest.RaisesGroup(
        pytest.RaisesExc(WorkerStartError, match="should wait for its input"), flatten_subgroups=True
    ):
        async with running(pretending("", greeting=greeting)):
            pass
    assert children() == []


def test_a_request_is_one_piece_when_it_is_small() -> None:
    small, large = wire.request(b"db", None, 0), wire.request(b"x" * (1 << 20), b"j", 7)
    assert [wire.REQUEST.unpack_from(parts[0]) for parts in (small, large)] == [(2, -1, 0), (1 << 20, 1, 7)]
    assert (len(small), len(large)) == (1, 3)
