"""What a session's actor does with its sandboxes, and nothing more: one at a time, each life once, all to their end."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

import trio
from attrs import define, field

from nanoclaw.errors import SandboxError
from nanoclaw.model.ids import AgentGroupId, SessionId
from nanoclaw.sandboxes.docker import DockerEngine
from nanoclaw.sandboxes.docker_sandbox import DockerSandbox
from nanoclaw.sandboxes.engine import LifeName, SandboxSpec


def spec_of(life: LifeName, home: Path, group: str = "nano") -> SandboxSpec:
    """The sandbox of *life*, with the folders that a home has."""
    return SandboxSpec(
        life=life,
        agent_group=AgentGroupId(group),
        inbound=life.outbound.parent.parent / "in",
        gateway=life.outbound.parent.parent / "gateway",
        agent=home / "agent",
        state=home / "state",
        composed=home / "composed",
        skills=home / "skills",
    )


@define(eq=False)
class SessionOwner:
    """One session. What it knows of its open life outlives a host; what it holds of a sandbox does not."""

    session: SessionId
    home: Path
    make_life: Callable[[str, int], LifeName]
    """Makes a life's folders, where there are any."""
    engine: DockerEngine | None = None
    epoch: int = 0
    open: LifeName | None = None
    """The life that is not known to be over."""
    sandbox: DockerSandbox | None = None
    _turn: trio.Lock = field(factory=trio.Lock)

    def host_died(self) -> None:
        """What was held in memory is gone."""
        self.engine, self.sandbox, self._turn = None, None, trio.Lock()

    async def boot(self, engine: DockerEngine) -> None:
        """A new host: go on with what runs, bury what does not."""
        async with self._turn:
            self.engine = engine
            if self.open is not None:
                try:
                    self.sandbox = await engine.adopt(self.open)
                except SandboxError:
                    return
                if self.sandbox is None:
                    await self._bury()

    async def wake(self, give_up_after: float) -> None:
        """Have a sandbox: the one there is, or a new life."""
        async with self._turn:
            assert self.engine is not None
            if self.sandbox is not None and self.sandbox.exit is None:
                return
            if not await self._end():
                return
            self.epoch += 1
            life = self.open = self.make_life(self.session, self.epoch)
            with trio.move_on_after(give_up_after):
                with contextlib.suppress(SandboxError):
                    self.sandbox = await self.engine.start(spec_of(life, self.home))
            if self.sandbox is None:
                await self._bury()

    async def sleep(self) -> None:
        """Let it go."""
        async with self._turn:
            await self._end()

    async def pause(self) -> None:
        async with self._turn:
            if self.sandbox is not None and self.sandbox.exit is None:
                with contextlib.suppress(SandboxError):
                    await self.sandbox.pause()

    async def resume(self) -> None:
        async with self._turn:
            if self.sandbox is not None and self.sandbox.exit is None:
                with contextlib.suppress(SandboxError):
                    await self.sandbox.resume()

    async def _end(self) -> bool:
        """End the open life. Is it over for sure?"""
        if self.sandbox is None:
            return self.open is None or await self._bury()
        try:
            await self.sandbox.stop(1.0)
            await self.sandbox.remove()
        except SandboxError:
            return False
        self.sandbox, self.open = None, None
        return True

    async def _bury(self) -> bool:
        assert self.engine is not None
        assert self.open is not None
        try:
            await self.engine.bury(self.open)
        except SandboxError:
            return False
        self.open = None
        return True


def open_lives(owners: Sequence[SessionOwner]) -> list[LifeName]:
    """Those that a host keeps."""
    return [owner.open for owner in owners if owner.open is not None]
