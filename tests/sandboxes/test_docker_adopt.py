"""What a dead host left: adopted while it runs, buried when it is over, and others' left alone."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from nanoclaw.errors import SandboxError
from nanoclaw.sandboxes.docker_api import State
from nanoclaw.sandboxes.engine import Exit
from tests.sandboxes.docker_world import an_engine, life_of, world
from tests.support.lossy_api import Trouble


async def test_a_dead_hosts_sandbox_is_adopted_while_it_runs(autojump_clock: trio.testing.MockClock) -> None:
    async with world() as here:
        await (await here.start()).pause()
        later = an_engine(here.api)
        await here.nursery.start(later.run)
        adopted = await later.adopt(life_of())
        assert adopted is not None
        await adopted.resume()
        assert here.of(adopted).state is State.RUNNING
        here.docker.end(here.of(adopted), 5)
        with trio.fail_after(1):
            assert await adopted.wait() == Exit(code=5)


async def test_what_is_over_or_another_life_or_another_homes_is_not(autojump_clock: trio.testing.MockClock) -> None:
    async with world() as here:
        sandbox = await here.start()
        assert await here.engine.adopt(life_of(epoch=2)) is None
        assert await here.engine.adopt(life_of("beta")) is None
        assert await an_engine(here.api, install="another").adopt(life_of()) is None
        here.docker.end(here.of(sandbox), 0)
        assert await here.engine.adopt(life_of()) is None


async def test_a_burial_removes_one_life_and_no_other(autojump_clock: trio.testing.MockClock) -> None:
    async with world() as here:
        buried, other = await here.start(), await here.start(life_of("beta"))
        await here.engine.bury(life_of(epoch=2))
        assert len(here.docker.running()) == 2
        await here.engine.bury(life_of())
        assert [one.id for one in here.docker.there.values()] == [other.id]
        assert await buried.wait() == Exit(code=-9)


async def test_what_was_created_and_never_started_is_buried_as_well(autojump_clock: trio.testing.MockClock) -> None:
    async with world() as here:
        sandbox = await here.start()
        here.of(sandbox).state = State.CREATED
        await an_engine(here.api).bury(life_of())
        assert here.docker.there == {}


async def test_a_burial_without_an_answer_is_an_error(autojump_clock: trio.testing.MockClock) -> None:
    async with world() as here:
        here.docker.up = False
        with pytest.raises(SandboxError, match="does not answer"):
            await here.engine.bury(life_of())


async def test_what_nobody_keeps_is_removed_and_other_homes_are_left_alone(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with world() as here:
        kept = await here.start()
        gone = [await here.start(life_of(name)) for name in ("beta", "gamma")]
        here.docker.end(here.of(gone[0]), 0)
        neighbour = an_engine(here.api, install="another")
        assert await neighbour.remove_others([]) == 0
        assert await here.engine.remove_others([life_of()]) == 2
        assert set(here.docker.there) == {kept.id}


async def test_one_that_would_not_go_is_an_error_after_the_others_have_gone(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with world() as here:
        for name in ("alpha", "beta"):
            await here.start(life_of(name))
        here.trouble("remove", *[Trouble.REFUSED] * 1)
        assert await here.engine.remove_others([]) == 2
        await here.start()
        here.docker.refuse["remove"] = "busy"
        with pytest.raises(SandboxError, match="busy"):
            await here.engine.remove_others([])
