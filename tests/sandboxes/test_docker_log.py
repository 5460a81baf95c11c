"""What a container said is in its log once, in order, up to the bound, and the last of it in any case."""

from __future__ import annotations

from pathlib import Path

import trio
from attrs import define, field

from nanoclaw.sandboxes.docker_api import LogLine
from nanoclaw.sandboxes.log import SandboxLog
from tests.sandboxes.docker_world import World, world
from tests.support.lossy_api import Trouble


@define(eq=False)
class Speaker:
    """Makes lines; those of one call are of one very time."""

    world: World
    path: Path
    _calls: int = field(default=0, init=False)

    def say(self, *texts: str) -> None:
        self._calls += 1
        (container,) = self.world.docker.there.values()
        at = f"2026-11-26T05:08:32.{self._calls:09}Z"
        container.said += [LogLine(at=at, text=f"{text}\n".encode()) for text in texts]

    async def written(self, lines: int) -> list[str]:
        """What is in the file, once there are so many lines."""
        with trio.fail_after(10):
            while True:
                found = await trio.to_thread.run_sync(self._read)
                if len(found) >= lines:
                    return found
                await trio.sleep(0.01)

    def _read(self) -> list[str]:
        return self.path.read_text().split() if self.path.exists() else []


async def test_it_is_copied_when_somebody_wants_to_see_it_and_at_the_end(tmp_path: Path) -> None:
    async with world() as here:
        sandbox = await here.start()
        speaker, log = Speaker(here, tmp_path / "logs" / "1.log"), SandboxLog(tmp_path / "logs" / "1.log")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sandbox.copy_log, log)
            speaker.say("one", "two")
            sandbox.show_log()
            assert await speaker.written(2) == ["one", "two"]
            speaker.say("three")
            here.docker.end(here.of(sandbox), 0)
        assert await speaker.written(3) == ["one", "two", "three"]


async def test_lines_of_one_time_are_copied_once_each(tmp_path: Path) -> None:
    async with world() as here:
        sandbox = await here.start()
        speaker, log = Speaker(here, tmp_path / "1.log"), SandboxLog(tmp_path / "1.log")
        speaker.say("one", "one")
        here.of(sandbox).said.append(LogLine(at=here.of(sandbox).said[-1].at, text=b"one\n"))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sandbox.copy_log, log)
            sandbox.show_log()
            await speaker.written(3)
            here.of(sandbox).said.append(LogLine(at=here.of(sandbox).said[-1].at, text=b"two\n"))
            here.docker.end(here.of(sandbox), 0)
        assert await speaker.written(4) == ["one", "one", "one", "two"]


async def test_it_goes_on_where_it_was_when_it_was_cancelled(tmp_path: Path) -> None:
    async with world() as here:
        sandbox = await here.start()
        speaker, log = Speaker(here, tmp_path / "1.log"), SandboxLog(tmp_path / "1.log")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sandbox.copy_log, log)
            speaker.say("one")
            sandbox.show_log()
            await speaker.written(1)
            nursery.cancel_scope.cancel()
        speaker.say("two")
        await sandbox.stop(1)
        await sandbox.copy_log(log)
        assert await speaker.written(2) == ["one", "two"]


async def test_one_that_talks_too_much_fills_its_log_and_its_last_words_are_known(tmp_path: Path) -> None:
    async with world() as here:
        sandbox = await here.start()
        speaker, log = Speaker(here, tmp_path / "1.log"), SandboxLog(tmp_path / "1.log", most_bytes=1000)
        for number in range(500):
            speaker.say(f"word-{number}")
        here.docker.end(here.of(sandbox), 1)
        await sandbox.copy_log(log)
        assert (tmp_path / "1.log").stat().st_size == 1000
        assert log.last_lines.endswith("word-499")


async def test_an_answer_that_is_lost_costs_no_line(tmp_path: Path) -> None:
    async with world() as here:
        sandbox = await here.start()
        speaker, log = Speaker(here, tmp_path / "1.log"), SandboxLog(tmp_path / "1.log")
        speaker.say("one", "two")
        here.docker.end(here.of(sandbox), 1)
        here.trouble("logs", Trouble.LOST, Trouble.ANSWER_LOST)
        await sandbox.copy_log(log)
        assert await speaker.written(2) == ["one", "two"]


async def test_the_log_of_one_that_is_gone_is_over(tmp_path: Path) -> None:
    async with world() as here:
        sandbox = await here.start()
        await sandbox.remove()
        with trio.fail_after(5):
            await sandbox.copy_log(SandboxLog(tmp_path / "1.log"))
