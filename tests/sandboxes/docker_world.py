"""An engine and the daemon it talks to, for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio
from attrs import define

from nanoclaw.core.sandbox_spec import User
from nanoclaw.model.ids import EpochNumber, SessionId
from nanoclaw.sandboxes.docker import DockerEngine
from nanoclaw.sandboxes.docker_sandbox import DockerSandbox
from nanoclaw.sandboxes.docker_settings import DockerSettings
from nanoclaw.sandboxes.engine import LifeName
from nanoclaw.sandboxes.runtime import Runtime
from tests.support.fake_container import FakeContainer
from tests.support.fake_docker import IMAGE, FakeDocker, fake_docker
from tests.support.lossy_api import LossyApi, Trouble, lossy
from tests.support.session_owner import spec_of

HOME = Path("/home/nc")
INSTALL = "home-1"
RUNTIME = Runtime(
    interpreter=HOME / "python", prefix=HOME, runner=HOME / "runner", schema=HOME / "schema", packages=HOME / "packages"
)


def life_of(session: str = "alpha", epoch: int = 1) -> LifeName:
    """A life of a session."""
    return LifeName(
        session=SessionId(session), epoch=EpochNumber(epoch), outbound=HOME / "sessions" / session / "out" / str(epoch)
    )


def an_engine(api: LossyApi, *, install: str = INSTALL, most_starts: int = 4, way_out: str = "auto") -> DockerEngine:
    """An engine of a host that is root."""
    settings = DockerSettings(install=install, image=IMAGE, scratch=HOME, most_starts=most_starts, way_out=way_out)
    return DockerEngine(RUNTIME, api, settings, User(uid=0, gid=0))


@define(eq=False)
class World:
    """One engine that runs, one daemon, and the way between them."""

    docker: FakeDocker
    api: LossyApi
    engine: DockerEngine
    nursery: trio.Nursery

    async def start(self, life: LifeName | None = None) -> DockerSandbox:
        """A sandbox of *life*."""
        return await self.engine.start(spec_of(life or life_of(), HOME))

    def trouble(self, request: str, *kinds: Trouble) -> None:
        """What befalls the next requests of that name."""
        left = list(kinds)
        self.api.trouble = lambda name: left.pop(0) if name == request and left else None

    def of(self, sandbox: DockerSandbox) -> FakeContainer:
        """The container of *sandbox*."""
        return self.docker.there[sandbox.id]


@asynccontextmanager
async def world(most_starts: int = 4, way_out: str = "auto") -> AsyncIterator[World]:
    """An engine that runs, as long as the block lasts."""
    async with fake_docker() as docker, lossy(docker) as api, trio.open_nursery() as nursery:
        engine = an_engine(api, most_starts=most_starts, way_out=way_out)
        await nursery.start(engine.run)
        yield World(docker, api, engine, nursery)
        nursery.cancel_scope.cancel()
