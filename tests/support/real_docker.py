"""A home whose sandboxes are real containers with programs of a test's own in them. Whatever it starts, it removes."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import trio
from attrs import define, field

from nanoclaw.core.sandbox_spec import INSTALL_LABEL, User
from nanoclaw.model.ids import AgentGroupId, EpochNumber, SessionId
from nanoclaw.sandboxes.docker import DockerEngine
from nanoclaw.sandboxes.docker_client import DockerClient
from nanoclaw.sandboxes.docker_network_api import DockerApi
from nanoclaw.sandboxes.docker_settings import DockerSettings
from nanoclaw.sandboxes.docker_spec import SpecMaker
from nanoclaw.sandboxes.engine import LifeName, SandboxSpec
from nanoclaw.sandboxes.inside import FRAGMENTS
from nanoclaw.sandboxes.runtime import find_runtime
from schema import files
from tests.support.session_owner import spec_of

GROUP = AgentGroupId("nano")
HOST = User(uid=os.getuid(), gid=os.getgid())


@define(eq=False)
class ScriptedSpecs(SpecMaker):
    """Puts a Python text where the runner would be."""

    script: str = ""

    def _runner(self) -> tuple[str, ...]:
        return ("python3", "-I", "-S", "-u", "-c", self.script)


@define(eq=False)
class RealHome:
    """The folders of a home, and what its host has."""

    path: Path
    image: str
    client: DockerClient
    nursery: trio.Nursery
    install: str = field(factory=lambda: f"test-{uuid4().hex}")
    script: str = ""

    def engine(self, api: DockerApi | None = None, way_out: str = "auto", **settings: int) -> DockerEngine:
        """An engine of this home; it does not run yet."""
        engine = DockerEngine(
            find_runtime(),
            api or self.client,
            DockerSettings(
                install=self.install,
                image=self.image,
                scratch=self.path,
                allow_old_engine=True,
                way_out=way_out,
                **settings,
            ),
            HOST,
        )
        if self.script:
            engine._specs = ScriptedSpecs(find_runtime(), self.install, HOST, script=self.script)
        return engine

    async def running_engine(self) -> DockerEngine:
        """One that runs until the home is closed."""
        engine = self.engine()
        await self.nursery.start(engine.run)
        return engine

    def life(self, session: str = "alpha", epoch: int = 1) -> LifeName:
        """A life of a session, with its folders."""
        life = LifeName(
            session=SessionId(session),
            epoch=EpochNumber(epoch),
            outbound=self.path / session / "out" / str(epoch),
        )
        for name in ("in", "gateway"):
            (self.path / session / name).mkdir(parents=True, exist_ok=True)
        life.outbound.mkdir(parents=True, exist_ok=True)
        self.give(life.outbound)
        return life

    def spec(self, life: LifeName | None = None) -> SandboxSpec:
        """What a host would ask for."""
        return spec_of(life or self.life(), self.path, GROUP)

    def give(self, folder: Path) -> None:
        """Let a sandbox write there, as a host does."""
        owner = self.engine().owner_of(GROUP)
        if owner is not None:
            os.chown(folder, owner.uid, owner.gid)

    def make_folders(self) -> None:
        """What all sandboxes of an agent group share."""
        for name in ("agent", "state", "composed", "skills"):
            (self.path / name).mkdir()
        for name, inner in (("agent", files.FRAGMENTS), ("composed", FRAGMENTS), ("composed", files.PROGRAMS)):
            (self.path / name / inner).mkdir()
            (self.path / name / files.CLAUDE_MD).touch()
            (self.path / name / files.CONTAINER_JSON).write_text(json.dumps({}))
        for name in ("agent", "state"):
            self.give(self.path / name)


@asynccontextmanager
async def real_home(image: str, script: str = "") -> AsyncIterator[RealHome]:
    """A home with docker behind it, as long as the block lasts."""
    folder = Path(tempfile.mkdtemp(prefix="nc-"))
    client = DockerClient()
    try:
        async with trio.open_nursery() as nursery:
            home = RealHome(folder, image, client, nursery, script=script)
            home.make_folders()
            try:
                yield home
            finally:
                with trio.move_on_after(60, shield=True):
                    for container in await client.containers({INSTALL_LABEL: home.install}):
                        await client.remove(container.id)
                    for network in await client.networks({INSTALL_LABEL: home.install}):
                        await client.remove_network(network.id)
            nursery.cancel_scope.cancel()
    finally:
        client.close()
        shutil.rmtree(folder)
