"""The docker engine: one hardened container for each session, and one stream of events for all of them.

What runs is decided by the names and labels that the daemon has, not by the memory of this process: a host that died,
a daemon that restarted and an answer that was lost all end in the same look at what is there.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import structlog
import trio
from attrs import define, field

from nanoclaw.core.sandbox_check import EngineFacts
from nanoclaw.core.sandbox_settle import Labels
from nanoclaw.core.sandbox_spec import (
    EPOCH_LABEL,
    INSTALL_LABEL,
    SESSION_LABEL,
    Image,
    User,
    container_name,
    sandbox_user,
)
from nanoclaw.errors import SandboxError
from nanoclaw.model.ids import AgentGroupId, SessionId
from nanoclaw.model.sandbox import Owner
from nanoclaw.sandboxes.docker_api import ENGINE, Container, ContainerId, NotThereError, RequestError
from nanoclaw.sandboxes.docker_events import Ears
from nanoclaw.sandboxes.docker_network_api import DockerApi
from nanoclaw.sandboxes.docker_networks import PrivateNetworks
from nanoclaw.sandboxes.docker_order import Order
from nanoclaw.sandboxes.docker_probe import DockerProbe
from nanoclaw.sandboxes.docker_sandbox import DockerSandbox, remove_for_good
from nanoclaw.sandboxes.docker_settings import DockerSettings
from nanoclaw.sandboxes.docker_spec import SpecMaker
from nanoclaw.sandboxes.docker_start import MEND_IMAGE, ContainerStart
from nanoclaw.sandboxes.engine import LifeName, Probe, SandboxSpec
from nanoclaw.sandboxes.inside import Said
from nanoclaw.sandboxes.runtime import Runtime
from nanoclaw.sandboxes.waiting import Waiting, within_reach

log = structlog.get_logger()

DISCARD_SECONDS = 5.0
"""How long a container that nobody wants any more may take to go while the host stops."""


@define(eq=False)
class DockerEngine:
    """Runs runners in containers."""

    _runtime: Runtime
    _api: DockerApi
    _settings: DockerSettings
    _host: User = field(factory=lambda: User(uid=os.getuid(), gid=os.getgid()))
    name: str = field(default=ENGINE, init=False)
    _labels: Mapping[str, str] = field(init=False)
    _specs: SpecMaker = field(init=False)
    _ears: Ears = field(init=False)
    _prober: DockerProbe = field(init=False)
    _networks: PrivateNetworks = field(init=False)
    _seats: trio.CapacityLimiter = field(init=False)
    _sandboxes: dict[ContainerId, DockerSandbox] = field(factory=dict[ContainerId, DockerSandbox], init=False)
    """Those that have not been removed."""
    _turns: dict[SessionId, trio.Lock] = field(factory=dict[SessionId, trio.Lock], init=False)
    """A session's starts, adoptions and burials come one after the other."""
    _jobs: trio.Nursery | None = field(default=None, init=False)
    _facts: EngineFacts | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        settings = self._settings
        self._labels = {INSTALL_LABEL: settings.install}
        self._specs = SpecMaker(self._runtime, settings.install, self._host)
        self._ears = Ears(self._api, self._labels, self._sandboxes, self._forget_facts)
        self._seats = trio.CapacityLimiter(settings.most_starts)
        self._networks = PrivateNetworks(self._api, settings.install)
        self._prober = DockerProbe(self._api, self._specs, settings, self._networks, self._host)

    @property
    def mounts_inside_agent(self) -> bool:
        """CLAUDE.md and its like are mounted inside the agent's own folder."""
        return True

    def owner_of(self, group: AgentGroupId) -> Owner | None:
        """A host that is root gives each agent group a user of its own."""
        if self._host.uid != 0:
            return None
        user = sandbox_user(self._settings.install, group, host=self._host)
        return Owner(user.uid, user.gid)

    @property
    def image(self) -> str:
        """Name or id of the image that agents run in that have none of their own."""
        return self._settings.image

    async def probe(self) -> Probe:
        """Find out by a real start, behind the same walls."""
        return await self._prober.run()

    async def look_inside(self, folder: Path, program: str) -> Said:
        """See `LooksInside`."""
        return await self._prober.look_inside(folder, program)

    async def network(self, life: LifeName, *, adopted: bool) -> str | None:
        """See `HasNetworks`."""
        return await self._networks.address(life, adopted=adopted)

    async def remove_network(self, life: LifeName) -> None:
        """See `HasNetworks`."""
        await self._networks.remove(life)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Hear of every end until cancelled. Containers are their owners' to end."""
        async with trio.open_nursery() as nursery:
            self._jobs = nursery
            nursery.start_soon(self._ears.run, nursery)
            task_status.started()
            try:
                await trio.sleep_forever()
            finally:
                # Before the last job is waited for: a nursery that is closing takes no more.
                self._jobs = None

    async def start(self, spec: SandboxSpec) -> DockerSandbox:
        """Start a container. What was asked of the daemon is seen to its end also when the caller is cancelled."""
        if self._jobs is None:
            raise SandboxError(engine=ENGINE, why="the engine is not running")
        order = Order(spec)
        self._jobs.start_soon(self._fulfil, order)
        try:
            await order.done.wait()
        except trio.Cancelled:
            order.abandoned = True
            if order.sandbox is not None and self._jobs is not None:
                self._jobs.start_soon(self._clear_up, order.sandbox.remove)
            raise
        if order.sandbox is None:
            raise order.failure
        return order.sandbox

    async def adopt(self, life: LifeName) -> DockerSandbox | None:
        """Take over *life*'s container from a dead host, if it still runs."""
        name = container_name(self._settings.install, life.session)
        async with self._turn(life.session):
            try:
                with within_reach() as waiting:
                    found = await waiting.answered(partial(self._api.inspect, name))
            except NotThereError:
                return None
            if not self._is_of(life, found.labels) or not found.state.lives:
                return None
            sandbox = self._register(found.id, life)
            sandbox.found(found)
            return sandbox

    async def bury(self, life: LifeName) -> None:
        """Remove every container of *life*."""
        labels = {**self._labels, SESSION_LABEL: life.session, EPOCH_LABEL: str(life.epoch)}
        async with self._turn(life.session):
            for container in await self._list(labels):
                await self._remove(container)
            await self._networks.remove(life)

    async def remove_others(self, keep: Collection[LifeName]) -> int:
        """Remove this home's containers that are none of *keep*, all at once."""
        others = [
            container
            for container in await self._list(self._labels)
            if not any(self._is_of(life, container.labels) for life in keep)
        ]
        failures: list[SandboxError] = []

        async def remove(container: Container) -> None:
            try:
                await self._remove(container)
            except SandboxError as exc:
                failures.append(exc)

        async with trio.open_nursery() as nursery:
            for container in others:
                nursery.start_soon(remove, container)
        if failures:
            raise failures[0]
        try:
            await self._networks.remove_others(keep)
        except SandboxError as exc:
            # Somebody else is on it, as `nanoclaw doctor` may be for a moment. None of ours is: nobody waits for it.
            log.warning("network_left", why=str(exc))
        return len(others)

    def hurry(self) -> None:
        """Kill every container; whoever waits for one sees it end."""
        for sandbox in self._sandboxes.values():
            if self._jobs is not None and sandbox.exit is None:
                self._jobs.start_soon(sandbox.kill)

    async def _fulfil(self, order: Order) -> None:
        """Carry out an order, or undo it: what comes of it is known before the session's next turn."""
        try:
            async with self._turn(order.spec.life.session):
                async with self._seats:
                    if not order.abandoned:
                        order.sandbox = await self._start(order.spec)
                if order.abandoned and order.sandbox is not None:
                    await self._clear_up(order.sandbox.remove)
        except Exception as exc:
            # Raised where the start was asked for: it is one session's trouble.
            order.failure = exc
        finally:
            order.done.set()

    async def _start(self, spec: SandboxSpec) -> DockerSandbox:
        for known in self._sandboxes.values():
            if known.life == spec.life and known.exit is None:
                return known
        attempt: ContainerStart | None = None
        sandbox: DockerSandbox | None = None
        try:
            with within_reach() as waiting:
                private = await self._networks.ready(spec)
                asked = self._specs.make(spec, await self._image(spec, waiting), private=private)
                attempt = ContainerStart(self._api, asked, await self._daemon_facts(waiting), waiting)
                while attempt is not None:
                    found = await attempt.create()
                    sandbox = self._register(found.id, spec.life)
                    if (launched := await attempt.launch(found)) is None:
                        await sandbox.remove()
                    else:
                        sandbox.found(launched)
                        attempt = None
        finally:
            if attempt is not None:
                await self._clear_up(attempt.discard)
                if sandbox is not None:
                    self._gone(sandbox)
        assert sandbox is not None
        return sandbox

    async def _image(self, spec: SandboxSpec, waiting: Waiting) -> Image:
        reference = spec.image or self._settings.image
        try:
            return await waiting.answered(partial(self._api.image, reference))
        except NotThereError as exc:
            raise SandboxError(engine=ENGINE, why=f"there is no image {reference} (try: {MEND_IMAGE})") from exc

    async def _daemon_facts(self, waiting: Waiting) -> EngineFacts:
        if self._facts is None:
            self._facts = await self._prober.facts(waiting)
        return self._facts

    async def _clear_up(self, remove: Callable[[], Awaitable[None]]) -> None:
        """Remove what nobody wants. What does not go is found by the next burial or start."""
        try:
            with trio.move_on_after(DISCARD_SECONDS, shield=True):
                await remove()
        except (SandboxError, RequestError) as exc:
            log.warning("container_left", why=str(exc))

    async def _list(self, labels: Mapping[str, str]) -> tuple[Container, ...]:
        with within_reach() as waiting:
            return await waiting.answered(partial(self._api.containers, labels))

    async def _remove(self, container: Container) -> None:
        await remove_for_good(self._api, container.id)
        if (sandbox := self._sandboxes.get(container.id)) is not None:
            await sandbox.remove()

    @asynccontextmanager
    async def _turn(self, session: SessionId) -> AsyncIterator[None]:
        lock = self._turns.setdefault(session, trio.Lock())
        try:
            async with lock:
                yield
        finally:
            if not lock.locked() and self._turns.get(session) is lock:
                del self._turns[session]

    def _register(self, container: ContainerId, life: LifeName) -> DockerSandbox:
        """The sandbox of that container: the same one for whoever asks."""
        if container not in self._sandboxes:
            self._sandboxes[container] = DockerSandbox(self._api, container, life, self._gone)
        return self._sandboxes[container]

    def _gone(self, sandbox: DockerSandbox) -> None:
        self._sandboxes.pop(sandbox.id, None)

    def _forget_facts(self) -> None:
        self._facts = None

    def _is_of(self, life: LifeName, labels: Labels) -> bool:
        ours = (self._settings.install, life.session, life.epoch)
        return (labels.install, labels.session, labels.epoch) == ours
