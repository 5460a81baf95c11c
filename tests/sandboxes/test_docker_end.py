"""A container's end: seen whatever becomes of events, brought about in two steps, and nothing left of it."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from nanoclaw.errors import SandboxError
from nanoclaw.sandboxes.docker_api import State
from nanoclaw.sandboxes.docker_events import NET_SECONDS
from nanoclaw.sandboxes.engine import Exit
from tests.sandboxes.docker_world import World, life_of, world
from tests.support.lossy_api import Trouble


async def wait(here: World, seconds: float = 5.0) -> Exit:
    """The end of alpha's sandbox, which is near."""
    with trio.fail_after(seconds):
        return await (await here.start()).wait()


@pytest.mark.parametrize(
    ("code", "expected"), [(0, 0), (3, 3), (137, -9), (143, -15), (255, 255)], ids=["ok", "own", "kill", "term", "high"]
)
async def test_the_exit_code_is_the_programs_own(
    autojump_clock: trio.testing.MockClock, code: int, expected: int
) -> None:
    async with world() as here:
        here.docker.behave = lambda one: here.docker.end(one, code)
        assert await wait(here) == Exit(code=expected)


async def test_one_that_wanted_too_much_memory_is_told_from_others(autojump_clock: trio.testing.MockClock) -> None:
    async with world() as here:
        here.docker.behave = lambda one: here.docker.end(one, 137, out_of_memory=True)
        assert str(await wait(here)) == "signal 9, out of memory"


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_an_event_that_comes_more_than_once_does_no_harm(
    autojump_clock: trio.testing.MockClock, times: int
) -> None:
    async with world() as here:
        here.docker.events = times
        here.docker.behave = lambda one: here.docker.end(one, 3)
        assert await wait(here) == Exit(code=3)


async def test_an_event_that_is_not_true_is_not_believed(autojump_clock: trio.testing.MockClock) -> None:
    async with world() as here:
        sandbox = await here.start()
        container = here.of(sandbox)
        here.docker.end(container, 0)
        container.state = State.RUNNING
        await trio.sleep(5)
        assert sandbox.exit is None


async def test_an_end_whose_event_is_lost_is_seen_by_the_next_look(autojump_clock: trio.testing.MockClock) -> None:
    async with world() as here:
        here.docker.events = 0
        sandbox = await here.start()
        here.docker.end(here.of(sandbox), 3)
        with trio.fail_after(NET_SECONDS + 1):
            assert await sandbox.wait() == Exit(code=3)


async def test_what_died_with_the_daemon_is_known_when_it_is_back(autojump_clock: trio.testing.MockClock) -> None:
    async with world() as here:
        sandbox = await here.start()
        here.nursery.start_soon(lambda: here.docker.restart(20, kills=True))
        with trio.fail_after(25):
            assert await sandbox.wait() == Exit(code=-9)


async def test_what_outlives_the_daemon_is_left_running(autojump_clock: trio.testing.MockClock) -> None:
    async with world() as here:
        sandbox = await here.start()
        await here.docker.restart(20, kills=False)
        await trio.sleep(100)
        assert sandbox.exit is None
        here.docker.end(here.of(sandbox), 0)
        with trio.fail_after(1):
            await sandbox.wait()


async def test_one_that_somebody_removed_has_ended(autojump_clock: trio.testing.MockClock) -> None:
    async with world() as here:
        sandbox = await here.start()
        await here.docker.remove(sandbox.id)
        with trio.fail_after(1):
            assert await sandbox.wait() == Exit(code=-9)
        await sandbox.remove()


@pytest.mark.parametrize("paused", [False, True])
async def test_a_program_that_heeds_sigterm_is_not_killed(autojump_clock: trio.testing.MockClock, paused: bool) -> None:
    async with world() as here:
        sandbox = await here.start()
        if paused:
            await sandbox.pause()
        assert await sandbox.stop(10) == Exit(code=0)
        await sandbox.remove()
        assert here.docker.there == {}


async def test_one_that_does_not_is_killed_when_its_grace_is_over(autojump_clock: trio.testing.MockClock) -> None:
    async with world() as here:
        sandbox = await here.start()
        here.of(sandbox).stubborn = True
        began = trio.current_time()
        assert await sandbox.stop(10) == Exit(code=-9)
        assert 10 <= trio.current_time() - began < 11


async def test_a_cancelled_stop_kills_at_once(autojump_clock: trio.testing.MockClock) -> None:
    async with world() as here:
        sandbox = await here.start()
        here.of(sandbox).stubborn = True
        with trio.move_on_after(1):
            await sandbox.stop(1000)
        assert sandbox.exit == Exit(code=-9)


@pytest.mark.parametrize("kind", [Trouble.LOST, Trouble.ANSWER_LOST, Trouble.LATE, Trouble.REFUSED])
async def test_a_signal_that_gets_lost_is_sent_again(autojump_clock: trio.testing.MockClock, kind: Trouble) -> None:
    async with world() as here:
        sandbox = await here.start()
        here.trouble("signal", kind, kind)
        assert await sandbox.stop(10) == Exit(code=0)


async def test_one_that_does_not_die_is_an_error_and_no_end(autojump_clock: trio.testing.MockClock) -> None:
    async with world() as here:
        sandbox = await here.start()
        here.docker.refuse["signal"] = "the kernel does not let go of it"
        with pytest.raises(SandboxError, match="does not die"):
            await sandbox.stop(1)
        assert sandbox.exit is None
        del here.docker.refuse["signal"]
        assert await sandbox.stop(1) == Exit(code=0)


async def test_nobody_says_that_one_is_dead_while_the_daemon_is_away(autojump_clock: trio.testing.MockClock) -> None:
    async with world() as here:
        sandbox = await here.start()
        here.docker.up = False
        with pytest.raises(SandboxError, match="nobody can say"):
            await sandbox.stop(1)


async def test_removing_is_over_when_it_is_gone(autojump_clock: trio.testing.MockClock) -> None:
    async with world() as here:
        sandbox = await here.start()
        here.nursery.start_soon(here.docker.remove, sandbox.id)
        await trio.sleep(0.05)
        assert here.of(sandbox).state is State.REMOVING
        await sandbox.remove()
        assert here.docker.there == {}
        await sandbox.remove()


async def test_one_that_does_not_go_is_an_error_that_says_why(autojump_clock: trio.testing.MockClock) -> None:
    async with world() as here:
        sandbox = await here.start()
        here.docker.refuse["remove"] = "device or resource busy"
        with pytest.raises(SandboxError, match="device or resource busy"):
            await sandbox.remove()


@pytest.mark.parametrize("kind", [None, Trouble.LOST, Trouble.ANSWER_LOST, Trouble.SLOW])
async def test_pausing_and_resuming_are_what_they_say_they_are(
    autojump_clock: trio.testing.MockClock, kind: Trouble | None
) -> None:
    async with world() as here:
        sandbox = await here.start()
        for request, act, state in (
            ("pause", sandbox.pause, State.PAUSED),
            ("unpause", sandbox.resume, State.RUNNING),
        ):
            if kind is not None:
                here.trouble(request, kind)
            await act()
            assert here.of(sandbox).state is state
        await sandbox.resume()


async def test_a_pause_that_is_refused_is_an_error_and_the_container_runs(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with world() as here:
        sandbox = await here.start()
        here.docker.refuse["pause"] = "the freezer is not there"
        with pytest.raises(SandboxError, match="the freezer is not there"):
            await sandbox.pause()
        assert sandbox.paused is False


async def test_a_pause_that_comes_late_does_not_outlive_the_next_resume(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with world() as here:
        sandbox = await here.start()
        here.trouble("pause", Trouble.SLOW)
        with trio.move_on_after(1):
            await sandbox.pause()
        await trio.sleep(5)
        assert here.of(sandbox).state is State.PAUSED
        await sandbox.resume()
        assert here.of(sandbox).state is State.RUNNING


async def test_what_has_ended_cannot_be_paused(autojump_clock: trio.testing.MockClock) -> None:
    async with world() as here:
        sandbox = await here.start()
        here.docker.end(here.of(sandbox), 0)
        with pytest.raises(SandboxError, match="has ended"):
            await sandbox.pause()


async def test_hurry_ends_every_sandbox_whatever_its_owner_waits_for(autojump_clock: trio.testing.MockClock) -> None:
    async with world() as here:
        sandboxes = [await here.start(life_of(name)) for name in ("alpha", "beta")]
        for sandbox in sandboxes:
            here.of(sandbox).stubborn = True
        here.nursery.start_soon(sandboxes[0].stop, 1000)
        await trio.testing.wait_all_tasks_blocked()
        here.engine.hurry()
        with trio.fail_after(1):
            assert [await sandbox.wait() for sandbox in sandboxes] == [Exit(code=-9)] * 2
        here.engine.hurry()
