"""The template: its workers are as those that start by themselves, come soon, and are gone when it is."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import trio

from nanoclaw.link import wire, worker_template
from nanoclaw.link.customs import Customs
from nanoclaw.link.report import Quarantine, Report
from nanoclaw.link.workers import Template, WorkerStartError
from tests.link.test_customs import GARBAGE, HONEST, PATIENCE, children, until


@asynccontextmanager
async def running(template: Template) -> AsyncIterator[None]:
    """The template at work; nothing of it is left at the end."""
    async with trio.open_nursery() as nursery:
        await nursery.start(template.run)
        there = children_of(*children())
        yield
        there += children_of(*children())
        nursery.cancel_scope.cancel()
    assert children() == []
    await until(lambda: not any(lives(number) for number in there))


def children_of(*parents: int) -> list[int]:
    """The processes that these have started."""
    found = []
    for parent in parents:
        text = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii")
        found += [int(number) for number in text.split()]
    return found


def descriptors(number: int) -> dict[str, str]:
    """What a process has open."""
    return {path.name: str(path.readlink()) for path in Path(f"/proc/{number}/fd").iterdir()}


def lives(number: int) -> bool:
    """Is there such a process, and does it run?"""
    try:
        return Path(f"/proc/{number}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_workers_read_are_replaced_when_spent_and_leave_nothing_behind() -> None:
    template = Template()
    async with running(template), trio.open_nursery() as nursery:
        customs = Customs(deadline=PATIENCE, source=template)
        await nursery.start(customs.run)
        (parent,) = children()
        before = set(children_of(parent))
        assert len(before) == 2
        for _ in range(4):
            assert isinstance(await customs.inspect(HONEST, after=0), Report)
        assert set(children_of(parent)) == before
        for _ in range(3):
            assert isinstance(await customs.inspect(GARBAGE, after=0), Quarantine)
            assert isinstance(await customs.inspect(HONEST, after=0), Report)
        await until(lambda: customs.replaced == 3)
        await until(lambda: len(children_of(parent)) == 2)
        assert not before & set(children_of(parent))
        nursery.cancel_scope.cancel()


async def test_a_worker_has_given_up_what_one_that_starts_by_itself_has() -> None:
    template = Template()
    async with running(template), template.worker():
        (number,) = children_of(*children())
        proc = Path(f"/proc/{number}")
        status = (proc / "status").read_text(encoding="ascii")
        limits = {line[:26].strip(): line[26:].split()[:2] for line in (proc / "limits").read_text().splitlines()}
        pipes = descriptors(number)
        assert "NoNewPrivs:\t1" in status
        assert limits["Max open files"] == ["3", "3"]
        assert limits["Max processes"] == ["0", "0"]
        assert limits["Max file size"] == ["0", "0"]
        assert sorted(pipes) == ["0", "1", "2"]
        assert pipes["0"].startswith("pipe:")
        assert pipes["1"].startswith("pipe:")
        assert pipes["2"] == "/dev/null"
        assert (proc / "environ").read_bytes() == b""


async def test_a_template_that_ends_takes_its_workers_along_and_another_makes_new_ones() -> None:
    template = Template()
    async with running(template), trio.open_nursery() as nursery:
        customs = Customs(deadline=PATIENCE, source=template)
        await nursery.start(customs.run)
        (parent,) = children()
        workers = children_of(parent)
        os.kill(parent, signal.SIGKILL)
        await until(lambda: not any(lives(number) for number in workers))
        await until(lambda: template.replaced == 1)
        with trio.fail_after(2 * PATIENCE):
            while not isinstance(await customs.inspect(HONEST, after=0), Report):
                pass
        nursery.cancel_scope.cancel()


async def test_a_hundred_workers_come_and_go() -> None:
    template = Template()
    async with running(template):
        for _ in range(10):
            async with AsyncExitStack() as ten:
                for _ in range(10):
                    await ten.enter_async_context(template.worker())
        (parent,) = children()
        assert children_of(parent) == []
        assert len(descriptors(parent)) <= 5, "no pipe is left open"


async def test_a_worker_that_nobody_waits_for_any_more_ends_by_itself() -> None:
    template = Template()
    async with running(template):
        (parent,) = children()
        os.kill(parent, signal.SIGSTOP)
        with trio.move_on_after(0.05):
            async with template.worker():
                raise AssertionError("it cannot have come")
        os.kill(parent, signal.SIGCONT)
        async with template.worker():
            await until(lambda: sum(lives(number) for number in children_of(parent)) == 1)


@pytest.mark.parametrize("program", ["raise SystemExit(1)", "import os; os.write(0, b'x'); os.read(0, 9)"])
async def test_a_template_that_does_not_come_up_is_said_aloud(program: str) -> None:
    template = Template((sys.executable, "-I", "-c", program))
    with pytest.RaisesGroup(
        pytest.RaisesExc(WorkerStartError, match="should wait for its input"), flatten_subgroups=True
    ):
        async with running(template):
            pass
    assert children() == []


def test_orders_are_carried_out_one_after_the_other() -> None:
    ours, theirs = socket.socketpair()
    requests, answers = os.pipe(), os.pipe()
    socket.send_fds(ours, [wire.ORDER.pack(0, True)], [requests[0], answers[1]])
    ours.sendall(wire.ORDER.pack(2**31 - 1, False))
    ours.sendall(b"half")
    ours.close()
    with theirs:
        worker_template.serve(theirs)
    os.close(requests[0])
    os.close(answers[1])
    with os.fdopen(answers[0], "rb") as said:
        (size,) = wire.LENGTH.unpack(said.read(wire.LENGTH.size))
        number = json.loads(said.read(size))["process"]
        assert number in children_of(os.getpid())
        worker_template.end(number)
        assert not lives(number)
        assert said.read() == b""
    os.close(requests[1])
    worker_template.end(number)


def test_a_number_that_is_no_worker_of_ours_any_more_harms_nobody() -> None:
    with subprocess.Popen((sys.executable, "-c", "input()"), stdin=subprocess.PIPE) as ours:
        stranger = os.getppid()
        worker_template.end(stranger)
        assert lives(stranger)
        worker_template.end(ours.pid)
        assert not lives(ours.pid)
        worker_template.end(ours.pid)


def test_a_worker_that_cannot_be_forked_is_one_that_closes_its_pipes(monkeypatch: pytest.MonkeyPatch) -> None:
    def fork() -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "fork", fork)
    ours, theirs = socket.socketpair()
    source, sink = os.pipe()
    socket.send_fds(ours, [wire.ORDER.pack(0, True)], [source, sink])
    os.close(sink)
    ours.close()
    with theirs:
        worker_template.serve(theirs)
    assert os.read(source, 1) == b""
    os.close(source)
