"""Starting a container: one for each session, whatever answers get lost, and none that is not as it was asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest
import trio
import trio.testing

from nanoclaw.core.sandbox_check import EngineFacts
from nanoclaw.core.sandbox_spec import Image, container_name, create_body
from nanoclaw.errors import SandboxError
from nanoclaw.sandboxes.docker_api import State
from nanoclaw.sandboxes.docker_sandbox import DockerSandbox
from nanoclaw.sandboxes.engine import Exit
from nanoclaw.sandboxes.waiting import AWAY_SECONDS
from tests.sandboxes.docker_world import HOME, INSTALL, an_engine, life_of, world
from tests.support.fake_container import FakeContainer
from tests.support.fake_docker import GOOD, IMAGE
from tests.support.inspected import a_spec
from tests.support.lossy_api import Trouble
from tests.support.session_owner import spec_of


async def test_a_started_container_runs_and_is_the_sessions_own(autojump_clock: trio.testing.MockClock) -> None:
    async with world() as here:
        sandbox = await here.start()
        container = here.of(sandbox)
        assert container.state is State.RUNNING
        assert container.name == container_name(INSTALL, life_of().session)
        assert container.labels["nanoclaw.epoch"] == "1"
        assert "/home/nc/runner" in str(container.document["HostConfig"]["Mounts"])


async def test_a_hundred_starts_of_one_life_are_one_container(autojump_clock: trio.testing.MockClock) -> None:
    async with world() as here:
        found: list[DockerSandbox] = []

        async def start() -> None:
            found.append(await here.start())

        async with trio.open_nursery() as nursery:
            for _ in range(100):
                nursery.start_soon(start)
        assert len(here.docker.there) == len({sandbox.id for sandbox in found}) == 1
        assert len({id(sandbox) for sandbox in found}) == 1
        assert here.of(found[0]).starts == 1


@pytest.mark.parametrize("request_", ["create", "start", "inspect", "image", "daemon"])
@pytest.mark.parametrize("kind", [Trouble.LOST, Trouble.ANSWER_LOST, Trouble.LATE, Trouble.SLOW])
async def test_no_lost_answer_makes_two_or_none(
    autojump_clock: trio.testing.MockClock, request_: str, kind: Trouble
) -> None:
    async with world() as here:
        here.trouble(request_, kind)
        sandbox = await here.start()
        await trio.sleep(100)
        assert here.docker.doubles == []
        assert [one.id for one in here.docker.running()] == [sandbox.id]
        assert here.of(sandbox).starts == 1
        assert sandbox.exit is None


async def test_a_container_of_an_earlier_life_goes_before_the_next_comes(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with world() as here:
        first = await here.start(life_of(epoch=1))
        second = await here.start(life_of(epoch=2))
        assert [one.id for one in here.docker.running()] == [second.id]
        assert here.docker.doubles == []
        assert first.exit is not None


async def test_a_strangers_container_is_left_alone_and_people_are_told_what_to_do(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with world() as here:
        name = container_name(INSTALL, life_of().session)
        stranger = await here.docker.create(
            name, create_body(attrs.evolve(a_spec(image=here.docker.images[IMAGE]), install="another"))
        )
        with pytest.raises(SandboxError, match=f"docker rm --force {name}"):
            await here.start()
        assert set(here.docker.there) == {stranger}


def _privileged(document: dict[str, Any]) -> None:
    document["HostConfig"]["Privileged"] = True


def _bound(document: dict[str, Any]) -> None:
    document["Mounts"].append({"Type": "bind", "Source": "/", "Destination": "/machine", "RW": True})


@pytest.mark.parametrize(("tamper", "named"), [(_privileged, "HostConfig.Privileged"), (_bound, "Mounts has")])
async def test_a_daemon_that_makes_something_else_is_not_asked_to_start_it(
    autojump_clock: trio.testing.MockClock, tamper: Callable[[dict[str, Any]], None], named: str
) -> None:
    async with world() as here:
        here.docker.tamper = tamper
        ran: list[object] = []
        here.docker.behave = ran.append
        with pytest.raises(SandboxError, match=named):
            await here.start()
        assert here.docker.there == {}
        assert ran == []


async def test_a_daemon_that_was_replaced_is_asked_anew_who_it_is(autojump_clock: trio.testing.MockClock) -> None:
    async with world() as here:
        await here.start()
        here.docker.who = attrs.evolve(GOOD, facts=EngineFacts(runtime="crun"))
        here.docker.tamper = lambda document: document["HostConfig"].update(Runtime="crun")
        await here.docker.restart(1, kills=True)
        await trio.sleep(5)
        await here.start(life_of("beta"))


async def test_without_an_image_people_are_told_how_to_make_one(autojump_clock: trio.testing.MockClock) -> None:
    async with world() as here:
        here.docker.images.clear()
        with pytest.raises(SandboxError, match="nanoclaw image build"):
            await here.start()


async def test_an_agent_group_has_its_own_image_if_it_asks_for_one(autojump_clock: trio.testing.MockClock) -> None:
    async with world() as here:
        here.docker.images["nano:7"] = Image(id="sha256:7")
        sandbox = await here.engine.start(attrs.evolve(spec_of(life_of(), HOME), image="nano:7"))
        assert here.of(sandbox).document["Image"] == "sha256:7"


@pytest.mark.parametrize("request_", ["create", "start"])
async def test_what_the_daemon_refuses_is_said_and_leaves_nothing(
    autojump_clock: trio.testing.MockClock, request_: str
) -> None:
    async with world() as here:
        here.docker.refuse[request_] = "no space left on device"
        with pytest.raises(SandboxError, match="no space left on device"):
            await here.start()
        assert here.docker.there == {}


async def test_a_start_waits_for_a_daemon_that_restarts(autojump_clock: trio.testing.MockClock) -> None:
    async with world() as here:
        here.nursery.start_soon(lambda: here.docker.restart(AWAY_SECONDS - 10, kills=True))
        await trio.testing.wait_all_tasks_blocked()
        sandbox = await here.start()
        assert here.of(sandbox).state is State.RUNNING


async def test_it_does_not_wait_for_ever(autojump_clock: trio.testing.MockClock) -> None:
    async with world() as here:
        here.docker.up = False
        began = trio.current_time()
        with pytest.raises(SandboxError, match=r"does not answer: connection refused"):
            await here.start()
        assert AWAY_SECONDS <= trio.current_time() - began < AWAY_SECONDS + 10


@pytest.mark.parametrize("kind", [Trouble.LATE, Trouble.ANSWER_LOST, Trouble.LOST])
async def test_a_program_that_ends_at_once_is_not_run_again_by_a_start_that_comes_late(
    autojump_clock: trio.testing.MockClock, kind: Trouble
) -> None:
    async with world() as here:
        ran: list[FakeContainer] = []

        def run(one: FakeContainer) -> None:
            ran.append(one)
            here.docker.end(one, 0)

        here.docker.behave = run
        here.trouble("start", kind)
        sandbox = await here.start()
        assert await sandbox.wait() == Exit(code=0)
        await trio.sleep(100)
        assert [one.starts for one in ran] == [1]


@pytest.mark.parametrize("after", [0.005, 0.03, 0.1, 0.15, 0.2, 0.25])
async def test_a_cancelled_start_leaves_nothing(autojump_clock: trio.testing.MockClock, after: float) -> None:
    async with world() as here:
        with trio.move_on_after(after) as scope:
            await here.start()
        assert scope.cancelled_caught
        await trio.sleep(100)
        assert here.docker.there == {}


@pytest.mark.parametrize("ticks", range(12))
async def test_one_that_is_cancelled_in_the_very_moment_in_which_it_is_done_leaves_nothing_either(
    autojump_clock: trio.testing.MockClock, ticks: int
) -> None:
    async with world() as here:
        scope = trio.CancelScope()

        async def cancel() -> None:
            for _ in range(ticks):
                await trio.lowlevel.checkpoint()
            scope.cancel()

        here.docker.behave = lambda _: here.nursery.start_soon(cancel)
        sandbox: DockerSandbox | None = None
        with scope:
            sandbox = await here.start()
        await trio.sleep(100)
        assert len(here.docker.there) == (0 if sandbox is None else 1)


@pytest.mark.parametrize("request_", ["create", "start", "inspect"])
async def test_once_its_life_is_buried_nothing_of_a_cancelled_start_can_run(
    autojump_clock: trio.testing.MockClock, request_: str
) -> None:
    async with world() as here:
        here.trouble(request_, Trouble.SLOW)
        with trio.move_on_after(0.5) as scope:
            await here.start()
        assert scope.cancelled_caught
        await here.engine.bury(life_of())
        assert here.docker.there == {}
        ran: list[FakeContainer] = []
        here.docker.behave = ran.append
        await trio.sleep(100)
        assert ran == []
        assert here.docker.there == {}


async def test_as_many_start_at_once_as_are_allowed_and_the_first_comes_first(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with world(most_starts=3) as here:
        order: list[int] = []

        async def start(number: int) -> None:
            await here.start(life_of(f"session-{number}"))
            order.append(number)

        async with trio.open_nursery() as nursery:
            for number in range(12):
                nursery.start_soon(start, number)
                await trio.testing.wait_all_tasks_blocked()
        assert here.docker.most_at_once == 3
        assert [sorted(order[at : at + 3]) for at in range(0, 12, 3)] == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]
        assert len(here.docker.running()) == 12


async def test_an_engine_that_does_not_run_says_so(autojump_clock: trio.testing.MockClock) -> None:
    async with world() as here:
        with pytest.raises(SandboxError, match="not running"):
            await an_engine(here.api).start(spec_of(life_of(), HOME))


async def test_a_start_that_the_engines_own_end_overtakes_is_a_failure_and_not_a_riddle(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with world() as here:
        engine = an_engine(here.api)
        async with trio.open_nursery() as nursery:
            await nursery.start(engine.run)

            async def start() -> None:
                with pytest.raises(SandboxError, match="stopping"):
                    await engine.start(spec_of(life_of(), HOME))

            here.nursery.start_soon(start)
            await trio.sleep(0.15)
            nursery.cancel_scope.cancel()
        assert here.docker.there == {}


@pytest.mark.parametrize("ticks", range(8))
async def test_however_near_to_the_engines_end_a_start_is_refused_with_its_reason(
    autojump_clock: trio.testing.MockClock, ticks: int
) -> None:
    async with world() as here:
        engine = an_engine(here.api)

        async def start() -> None:
            with trio.move_on_after(60, shield=True):
                for _ in range(ticks):
                    await trio.lowlevel.checkpoint()
                with pytest.raises(SandboxError, match=r"running|stopping"):
                    await engine.start(spec_of(life_of(), HOME))

        async with trio.open_nursery() as nursery:
            await nursery.start(engine.run)
            nursery.cancel_scope.cancel()
            here.nursery.start_soon(start)
        await trio.sleep(100)
        assert here.docker.there == {}
