"""Programs that are started from one thread: one that nobody wants any more is gone, and reaped."""

from __future__ import annotations

import sys
import threading

import pytest
import trio

from nanoclaw.kit.spawner import Command, Program, Spawner, start_program

SLEEPS = Command(argv=(sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"), environment={})
SECONDS = 30.0


class Held:
    """Starts programs, and says so only when it may."""

    def __init__(self) -> None:
        self.started = threading.Event()
        self.may_say = threading.Event()
        self.programs: list[Program] = []
        self.thread: threading.Thread | None = None

    def start(self, command: Command) -> Program:
        self.thread = threading.current_thread()
        self.programs.append(start_program(command))
        self.started.set()
        assert self.may_say.wait(SECONDS)
        return self.programs[0]

    def is_reaped(self) -> bool:
        """Has the thread ended, and the program been waited for by it?"""
        assert self.thread is not None
        self.thread.join(SECONDS)
        # Not `poll`, which would reap it.
        return not self.thread.is_alive() and self.programs[0].returncode is not None


async def cut_short(held: Held) -> None:
    """Cancel who has a program started, and end what starts them, before it is said that it was."""
    with trio.move_on_after(SECONDS) as scope:
        async with trio.open_nursery() as nursery:

            async def cut() -> None:
                await trio.to_thread.run_sync(held.started.wait)
                scope.cancel()

            nursery.start_soon(cut)
            spawner = Spawner(held.start)
            with spawner.running():
                await spawner.spawn(SLEEPS)


async def test_one_that_is_started_as_everything_ends_is_killed_and_reaped() -> None:
    held = Held()
    await cut_short(held)
    held.may_say.set()
    assert await trio.to_thread.run_sync(held.is_reaped)


def test_so_is_one_that_is_started_when_the_loop_has_gone() -> None:
    held = Held()
    trio.run(cut_short, held)
    held.may_say.set()
    assert held.is_reaped()


async def test_so_is_one_that_is_started_in_the_moment_that_nobody_wants_it_any_more() -> None:
    held, token, scope = Held(), trio.lowlevel.current_trio_token(), trio.CancelScope()

    def start(command: Command) -> Program:
        program = held.start(command)
        # The loop hears of this and of the program in one go.
        token.run_sync_soon(scope.cancel)
        return program

    held.may_say.set()
    spawner = Spawner(start)
    with spawner.running():
        with scope:
            await spawner.spawn(SLEEPS)
        assert scope.cancelled_caught
    assert await trio.to_thread.run_sync(held.is_reaped)


async def test_one_that_cannot_be_executed_is_said_to_be() -> None:
    spawner = Spawner()
    with spawner.running(), pytest.raises(FileNotFoundError):
        await spawner.spawn(Command(argv=("/nowhere/at-all",), environment={}))
