"""Wakes, exits, kills, pauses, dying hosts and restarting daemons, in any order, over a way that loses answers.

Whatever happens: never two running containers of one session, no program run twice, nothing left at the end, and
nobody else's container touched.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any

import trio
import trio.testing
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.sandbox_spec import INSTALL_LABEL, SESSION_LABEL, User, create_body
from nanoclaw.model.ids import SessionId
from nanoclaw.sandboxes.docker import DockerEngine
from nanoclaw.sandboxes.docker_api import RequestError, State
from nanoclaw.sandboxes.docker_settings import DockerSettings
from tests.sandboxes.docker_world import HOME, RUNTIME, life_of
from tests.support.fake_container import FakeContainer
from tests.support.fake_docker import IMAGE, FakeDocker, fake_docker
from tests.support.inspected import a_spec
from tests.support.lossy_api import LossyApi, Trouble, lossy
from tests.support.session_owner import SessionOwner, open_lives

SESSIONS = ("alpha", "beta")
OURS = "home-of-ours"
REQUESTS = ("create", "start", "inspect", "signal", "pause", "unpause", "remove", "containers", "image", "listen")

sessions = st.sampled_from(SESSIONS)
soon = st.sampled_from([0.0, 0.05, 0.12, 0.5, 4.0])
steps = st.one_of(
    st.tuples(st.just("wake"), sessions, st.sampled_from([0.05, 0.15, 0.25, 1000.0, 1000.0, 1000.0])),
    st.tuples(st.just("sleep"), sessions),
    st.tuples(st.just("pause"), sessions),
    st.tuples(st.just("resume"), sessions),
    st.tuples(st.just("ends"), sessions, st.sampled_from([0, 1, 137])),
    st.tuples(st.just("stubborn"), sessions),
    st.tuples(st.just("vanishes"), sessions),
    st.tuples(st.just("hurry")),
    st.tuples(st.just("host_dies")),
    st.tuples(st.just("daemon_restarts"), st.sampled_from([0.2, 3.0, 70.0]), st.booleans()),
    st.tuples(st.just("stream_breaks")),
    st.tuples(st.just("events"), st.sampled_from([0, 1, 2])),
    st.tuples(st.just("trouble"), st.sampled_from(REQUESTS), st.sampled_from(Trouble)),
    st.tuples(st.just("time"), soon),
    st.tuples(st.just("time"), soon),
)


@define(eq=False)
class Machine:
    """Two sessions, a host, a daemon, and the way between them."""

    world: trio.Nursery
    docker: FakeDocker
    api: LossyApi
    troubles: dict[str, deque[Trouble]] = field(factory=dict[str, deque[Trouble]])
    owners: dict[str, SessionOwner] = field(init=False)
    host: trio.CancelScope | None = None
    engine: DockerEngine | None = None
    jobs: trio.Nursery | None = None
    killed: bool = False
    """Has the daemon taken its containers with it?"""
    everything: dict[str, FakeContainer] = field(factory=dict[str, FakeContainer])

    def __attrs_post_init__(self) -> None:
        self.owners = {name: SessionOwner(SessionId(name), HOME, life_of) for name in SESSIONS}
        self.api.trouble = lambda request: queue.popleft() if (queue := self.troubles.get(request)) else None
        self.docker.behave = lambda one: self.everything.__setitem__(one.id, one)

    async def boot(self) -> None:
        """A host starts, and takes over what an earlier one left."""
        await self.world.start(self._host)

    async def _host(self, *, task_status: trio.TaskStatus[None]) -> None:
        settings = DockerSettings(install=OURS, image=IMAGE, scratch=HOME)
        engine = DockerEngine(RUNTIME, self.api, settings, User(uid=0, gid=0))
        async with trio.open_nursery() as nursery:
            self.host, self.engine, self.jobs = nursery.cancel_scope, engine, nursery
            await nursery.start(engine.run)
            for owner in self.owners.values():
                owner.engine = engine
            nursery.start_soon(self._take_over, engine)
            task_status.started()

    async def _take_over(self, engine: DockerEngine) -> None:
        for owner in self.owners.values():
            await owner.boot(engine)

    async def do(self, name: str, *arguments: Any) -> None:
        """One step; what takes longer goes on in the background."""
        await getattr(self, name)(*arguments)
        await trio.sleep(0.001)

    async def wake(self, session: str, give_up_after: float) -> None:
        self._go_on(session, "wake", give_up_after)

    async def sleep(self, session: str) -> None:
        self._go_on(session, "sleep")

    async def pause(self, session: str) -> None:
        self._go_on(session, "pause")

    async def resume(self, session: str) -> None:
        self._go_on(session, "resume")

    def _go_on(self, session: str, what: str, *arguments: Any) -> None:
        assert self.jobs is not None
        self.jobs.start_soon(getattr(self.owners[session], what), *arguments)

    async def ends(self, session: str, code: int) -> None:
        for one in self._of(session):
            self.docker.end(one, code)

    async def stubborn(self, session: str) -> None:
        for one in self._of(session):
            one.stubborn = True

    async def vanishes(self, session: str) -> None:
        for one in self._of(session):
            with contextlib.suppress(RequestError):
                await self.docker.remove(one.id)

    async def hurry(self) -> None:
        assert self.engine is not None
        self.engine.hurry()

    async def host_dies(self) -> None:
        assert self.host is not None
        self.host.cancel()
        for owner in self.owners.values():
            owner.host_died()
        await trio.testing.wait_all_tasks_blocked()
        await self.boot()

    async def daemon_restarts(self, seconds: float, kills: bool) -> None:
        self.killed |= kills
        if self.docker.up:
            self.world.start_soon(self._restart, seconds, kills)

    async def _restart(self, seconds: float, kills: bool) -> None:
        await self.docker.restart(seconds, kills=kills)

    async def stream_breaks(self) -> None:
        self.docker.break_streams()

    async def events(self, times: int) -> None:
        self.docker.events = times

    async def trouble(self, request: str, kind: Trouble) -> None:
        self.troubles.setdefault(request, deque()).append(kind)

    async def time(self, seconds: float) -> None:
        await trio.sleep(seconds)

    def _of(self, session: str) -> list[FakeContainer]:
        ours = {INSTALL_LABEL: OURS, SESSION_LABEL: session}.items()
        return [one for one in self.docker.running() if ours <= one.labels.items()]

    async def calm(self) -> None:
        """No more trouble; then all that was known late is known."""
        self.troubles.clear()
        self.docker.events = 1
        await trio.sleep(300)
        assert self.docker.up
        for owner in self.owners.values():
            if owner.sandbox is not None:
                there = self.docker.there.get(owner.sandbox.id)
                assert (owner.sandbox.exit is None) == (there is not None and there.state.lives)

    async def close(self) -> None:
        """Everybody lets go."""
        assert self.engine is not None
        for owner in self.owners.values():
            await owner.sleep()
            assert owner.open is None
        await self.engine.remove_others(open_lives(list(self.owners.values())))


def run_machine(plan: Callable[[Machine], Any]) -> Machine:
    """Run *plan* and judge what it left."""
    found: list[Machine] = []

    async def main() -> None:
        async with fake_docker() as docker, lossy(docker) as api, trio.open_nursery() as world:
            machine = Machine(world, docker, api)
            found.append(machine)
            foreign = await docker.create("bystander", create_body(a_spec(session="alpha", image=docker.images[IMAGE])))
            await docker.start(foreign)
            await machine.boot()
            await plan(machine)
            await machine.calm()
            await machine.close()
            assert set(docker.there) == {foreign}
            assert machine.killed or docker.there[foreign].state is State.RUNNING
            world.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    (machine,) = found
    assert machine.docker.doubles == []
    assert [one.starts for one in machine.everything.values() if one.starts != 1] == []
    return machine


@given(st.lists(steps, max_size=25))
def test_whatever_happens_a_session_has_one_container_at_most_and_none_is_left(plan: list[tuple[Any, ...]]) -> None:
    async def follow(machine: Machine) -> None:
        for step in plan:
            await machine.do(*step)

    run_machine(follow)
