"""Two hundred random steps on a real daemon, over a way that loses answers: never two containers of one session."""

from __future__ import annotations

import contextlib
import os
import random
from collections import Counter, deque
from collections.abc import Callable

import pytest
import trio
from attrs import define, field

from nanoclaw.core.sandbox_spec import INSTALL_LABEL
from nanoclaw.model.ids import SessionId
from nanoclaw.sandboxes.docker import DockerEngine
from nanoclaw.sandboxes.docker_api import Container, RequestError
from tests.conftest import Figures
from tests.support.lossy_api import LossyApi, Trouble, lossy
from tests.support.real_docker import RealHome, real_home
from tests.support.session_owner import SessionOwner, open_lives

STEPS = 200
SESSIONS = ("alpha", "beta")
REQUESTS = ("create", "start", "inspect", "signal", "pause", "unpause", "remove", "containers", "image", "listen")
PROGRAM = """
import os, random, signal, sys, time
signal.signal(signal.SIGTERM, (lambda *_: sys.exit(0)) if random.random() < 0.7 else signal.SIG_IGN)
for _ in range(random.choice((0, 30, 1000))):
    time.sleep(0.05)
sys.exit(random.choice((0, 1)))
"""


@define(eq=False)
class RealMachine:
    """Two sessions, their host, and what befalls them."""

    home: RealHome
    api: LossyApi
    dice: random.Random
    troubles: dict[str, deque[Trouble]] = field(factory=dict[str, deque[Trouble]])
    doubles: list[str] = field(factory=list[str])
    looks: int = 0
    owners: list[SessionOwner] = field(init=False)
    host: trio.CancelScope = field(factory=trio.CancelScope)
    dead: trio.Event = field(factory=trio.Event)
    engine: DockerEngine | None = None
    jobs: trio.Nursery | None = None

    def __attrs_post_init__(self) -> None:
        self.owners = [SessionOwner(SessionId(name), self.home.path, self.home.life) for name in SESSIONS]
        self.api.trouble = lambda request: queue.popleft() if (queue := self.troubles.get(request)) else None
        self.api.later = 1.0

    async def boot(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Be a host until it dies."""
        engine = self.home.engine(self.api)
        dead = self.dead = trio.Event()
        async with trio.open_nursery() as nursery:
            self.host, self.engine, self.jobs = nursery.cancel_scope, engine, nursery
            await nursery.start(engine.run)
            for owner in self.owners:
                owner.engine = engine
                nursery.start_soon(owner.boot, engine)
            task_status.started()
        dead.set()

    async def step(self) -> None:
        """Anything that can happen."""
        assert self.jobs is not None
        assert self.engine is not None
        owner = self.dice.choice(self.owners)
        soon: dict[str, Callable[[], object]] = {
            "wake": lambda: self._soon(owner.wake, self.dice.choice((0.05, 0.3, 30.0, 30.0, 30.0))),
            "sleep": lambda: self._soon(owner.sleep),
            "pause": lambda: self._soon(owner.pause),
            "resume": lambda: self._soon(owner.resume),
            "hurry": self.engine.hurry,
            "break": self.api.break_streams,
            "trouble": self._trouble,
            "kill": lambda: self._soon(self._behind_its_back, owner, "kill"),
            "vanish": lambda: self._soon(self._behind_its_back, owner, "vanish"),
        }
        name = self.dice.choices([*soon, "die"], [8, 3, 3, 3, 1, 1, 4, 2, 1, 1])[0]
        if name == "die":
            self.host.cancel()
            await self.dead.wait()
            for one in self.owners:
                one.host_died()
            await self.home.nursery.start(self.boot)
        else:
            soon[name]()
        await trio.sleep(self.dice.choice((0.0, 0.05, 0.2)))

    def _soon(self, what: Callable[..., object], *arguments: object) -> None:
        assert self.jobs is not None
        self.jobs.start_soon(what, *arguments)  # type: ignore[arg-type]  # whatever it is, it is async

    def _trouble(self) -> None:
        self.troubles.setdefault(self.dice.choice(REQUESTS), deque()).append(self.dice.choice(list(Trouble)))

    async def _behind_its_back(self, owner: SessionOwner, what: str) -> None:
        for container in await self.all():
            if container.labels.session == owner.session and container.state.lives:
                with contextlib.suppress(RequestError):
                    if what == "kill":
                        await self.home.client.signal(container.id, "SIGKILL")
                    else:
                        await self.home.client.remove(container.id)

    async def all(self) -> tuple[Container, ...]:
        """Every container of this home."""
        return await self.home.client.containers({INSTALL_LABEL: self.home.install})

    async def watch(self) -> None:
        """Ten times a second: does a session have two?"""
        while True:
            alive = Counter(one.labels.session for one in await self.all() if one.state.lives)
            self.doubles += [str(session) for session, times in alive.items() if times > 1]
            self.looks += 1
            await trio.sleep(0.1)

    async def _has_arrived(self) -> None:
        """Whatever was late when it was asked for is done by now."""
        await trio.sleep(2 * self.api.later)
        while self.api.under_way:  # noqa: ASYNC110 - on a machine that is busy with others that takes longer
            await trio.sleep(0.05)

    async def close(self) -> None:
        """No more trouble, and everybody lets go."""
        self.troubles.clear()
        await self._has_arrived()
        assert self.engine is not None
        for owner in self.owners:
            await owner.sleep()
            assert owner.open is None
        await self.engine.remove_others(open_lives(self.owners))


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_two_hundred_random_steps_never_make_two_containers(agent_image: str, figures: Figures) -> None:
    seed = int(os.environ.get("NANOCLAW_SEED", random.randrange(1 << 30)))
    print(f"NANOCLAW_SEED={seed}")
    async with real_home(agent_image, PROGRAM) as home, lossy(home.client) as api:
        machine = RealMachine(home, api, random.Random(seed))
        await home.nursery.start(machine.boot)
        home.nursery.start_soon(machine.watch)
        for _ in range(STEPS):
            await machine.step()
        with trio.fail_after(120):
            await machine.close()
        assert await machine.all() == ()
        assert machine.doubles == []
        figures(steps=STEPS, epochs=sum(owner.epoch for owner in machine.owners), looks=machine.looks)
        home.nursery.cancel_scope.cancel()
