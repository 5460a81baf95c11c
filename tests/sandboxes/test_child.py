"""Child sandboxes: asked, then killed; found again by their folder; each waited for by as many as like."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
import trio.testing
from attrs import define, field

from nanoclaw.errors import SandboxError
from nanoclaw.kit.spawner import Command
from nanoclaw.model.ids import EpochNumber, SessionId
from nanoclaw.sandboxes.child import ChildEngine, ChildSandbox, processes_of
from nanoclaw.sandboxes.engine import Exit, LifeName
from nanoclaw.sandboxes.log import SandboxLog
from nanoclaw.sandboxes.runtime import find_runtime

READY = b"ready"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
STAY = "import sys, time; sys.stderr.write('ready'); sys.stderr.flush(); time.sleep(1000)\n"


@define(eq=False)
class PythonEngine(ChildEngine):
    """Starts a Python text."""

    name: str = field(default="python", init=False)

    async def start(self, text: str, *arguments: str) -> ChildSandbox:
        """Start *text* and wait until it says that it is ready."""
        command = Command(argv=[sys.executable, "-c", text, *arguments], environment={})
        child = await self._start(command, engine=self.name, wrapped=False)
        said = b""
        while text.endswith(STAY) and said != READY:
            said += await child.stderr.receive_some(100)
        return child

    async def start_program(self, program: str) -> ChildSandbox:
        """Start *program* itself."""
        return await self._start(Command(argv=[program], environment={}), engine=self.name, wrapped=False)


@asynccontextmanager
async def engine() -> AsyncIterator[PythonEngine]:
    python = PythonEngine(find_runtime())
    async with trio.open_nursery() as nursery:
        await nursery.start(python.run)
        yield python
        nursery.cancel_scope.cancel()


async def ended(child: ChildSandbox) -> Exit:
    """The end of *child*, which is near."""
    with trio.fail_after(10):
        exit_ = await child.wait()
    await child.stderr.aclose()
    return exit_


async def test_the_exit_code_is_the_programs_own_for_all_who_wait() -> None:
    async with engine() as python:
        child = await python.start("raise SystemExit(7)")
        found: list[Exit] = []

        async def wait() -> None:
            found.append(await child.wait())

        with trio.fail_after(10):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(wait)
                nursery.start_soon(wait)
        assert found == [Exit(code=7)] * 2
        assert await ended(child) == Exit(code=7)


async def test_a_program_that_heeds_sigterm_is_not_killed() -> None:
    async with engine() as python:
        heeding = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))\n"
        child = await python.start(heeding + STAY)
        assert await child.stop(20) == Exit(code=3)
        await ended(child)


async def test_one_that_does_not_is_killed_when_its_grace_is_over() -> None:
    async with engine() as python:
        child = await python.start(STUBBORN + STAY)
        assert await child.stop(0.05) == Exit(code=-9)
        await ended(child)


async def test_a_cancelled_stop_kills_at_once() -> None:
    async with engine() as python:
        child = await python.start(STUBBORN + STAY)
        with trio.move_on_after(0.05):
            await child.stop(1000)
        assert await ended(child) == Exit(code=-9)


async def test_hurry_ends_a_stop_that_waits_for_a_stubborn_program() -> None:
    async with engine() as python:
        child = await python.start(STUBBORN + STAY)
        with trio.fail_after(20):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(child.stop, 1000)
                await trio.testing.wait_all_tasks_blocked()
                python.hurry()
        assert await ended(child) == Exit(code=-9)
        python.hurry()


async def test_what_a_dead_host_left_is_found_by_its_folder_and_nobody_else_is(tmp_path: Path) -> None:
    mine, others, bystander = str(tmp_path / "1"), str(tmp_path / "2"), str(tmp_path / "1")
    async with engine() as python:
        left = await python.start(STUBBORN + STAY, "--out", mine)
        bound = await python.start(STUBBORN + STAY, "--bind", mine)
        other = await python.start(STUBBORN + STAY, "--out", others)
        looking = await python.start(STUBBORN + STAY, bystander)
        assert set(processes_of(Path(mine))) == {left.pid, bound.pid}
        await python.bury(LifeName(session=SessionId("ses"), epoch=EpochNumber(1), outbound=Path(mine)))
        assert await ended(left) == await ended(bound) == Exit(code=-9)
        for child in (other, looking):
            assert await child.stop(0) == Exit(code=-9)
            await ended(child)


async def test_a_program_that_is_not_there_is_a_sandbox_error() -> None:
    async with engine() as python:
        with pytest.raises(SandboxError, match="no/such/program"):
            await python.start_program("/no/such/program")


COUNTING = (
    "import sys, time\nfrom pathlib import Path\nfile = Path(sys.argv[1])\n"
    "for number in range(100_000):\n    file.write_text(str(number)); time.sleep(0.002)\n"
    "    if file.with_name('end').exists(): break\n"
)
IN_A_CHILD_OF_A_THREAD = (
    "import subprocess, sys, threading\n"
    f"threading.Thread(target=subprocess.run, args=([sys.executable, '-c', {COUNTING!r}, sys.argv[1]],)).start()\n"
)


@pytest.mark.parametrize("program", [COUNTING, IN_A_CHILD_OF_A_THREAD], ids=["itself", "a child of a thread"])
async def test_a_paused_program_does_nothing_until_it_is_resumed(tmp_path: Path, program: str) -> None:
    number = tmp_path / "number"
    async with engine() as python:
        child = await python.start(program, str(number))
        with trio.fail_after(20):
            while not number.exists():  # noqa: ASYNC110 - another process makes it
                await trio.sleep(0.01)
            await child.pause()
            stood = number.read_text()
            await trio.sleep(0.05)
            assert number.read_text() == stood
            await child.pause()
            await child.resume()
            while number.read_text() == stood:  # noqa: ASYNC110 - another process writes it
                await trio.sleep(0.01)
        (tmp_path / "end").touch()
        await child.stop(0)
        await child.remove()


async def test_a_paused_program_still_hears_that_it_shall_end() -> None:
    async with engine() as python:
        heeding = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))\n"
        child = await python.start(heeding + STAY)
        await child.pause()
        assert await child.stop(20) == Exit(code=3)
        await child.remove()


async def test_the_log_holds_all_that_was_said_also_after_the_copying_was_cut_short(tmp_path: Path) -> None:
    async with engine() as python:
        child = await python.start("import sys; sys.stderr.write('x' * 100_000 + 'the end')")
        log = SandboxLog(tmp_path / "1.log")
        with trio.move_on_after(0.01):
            await child.copy_log(log)
        with trio.fail_after(20):
            await child.copy_log(log)
            await child.wait()
        await child.remove()
        assert log.path.read_bytes() == b"x" * 100_000 + b"the end"
        assert log.last_lines.endswith("the end")
