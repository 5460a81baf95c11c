"""Hears of every container that ends: from one stream for all of them, and by looking when that may have missed one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Never

import structlog
import trio
from attrs import define, field

from nanoclaw.kit.every import every
from nanoclaw.sandboxes.docker_api import ContainerApi, ContainerId, Ended, RequestError
from nanoclaw.sandboxes.docker_sandbox import DockerSandbox
from nanoclaw.sandboxes.waiting import Waiting

log = structlog.get_logger()

NET_SECONDS = 30.0
"""How often all containers are looked at without an event."""


@define(eq=False)
class Ears:
    """Tells sandboxes that they have ended. An event is a reason to look; what is seen then is what counts."""

    _api: ContainerApi
    _labels: Mapping[str, str]
    """What all containers of this home have."""
    _sandboxes: Mapping[ContainerId, DockerSandbox]
    _connected: Callable[[], None]
    """Told when the daemon answers after a silence: it may be another one."""
    _waiting: Waiting = field(factory=Waiting, init=False)
    _hears: bool | None = field(default=None, init=False)
    """None: it has not tried yet."""

    async def run(self, nursery: trio.Nursery) -> Never:
        """Hear and look until cancelled; looks at single sandboxes are tasks of *nursery*."""
        nursery.start_soon(partial(every, NET_SECONDS, partial(self.look, nursery)))
        while True:
            await self._waiting.rest()
            try:
                await self._api.listen(
                    self._labels,
                    partial(self._heard, nursery),
                    partial(self._can_hear, nursery),
                )
            except RequestError as exc:
                if self._hears is not False:
                    log.warning("docker_events_lost", why=exc.why)
                self._hears = False

    async def look(self, nursery: trio.Nursery) -> None:
        """Compare what should be running with what is, as far as the daemon says."""
        # Whoever starts meanwhile is not judged by a list that was made before.
        expected = [sandbox for sandbox in self._sandboxes.values() if sandbox.exit is None]
        if not expected:
            await trio.lowlevel.checkpoint()
            return
        try:
            there = {container.id for container in await self._api.containers(self._labels) if container.state.lives}
        except RequestError as exc:
            log.warning("containers_not_listed", why=str(exc))
            return
        for sandbox in expected:
            if sandbox.id not in there:
                nursery.start_soon(self._see, sandbox, None)

    def _can_hear(self, nursery: trio.Nursery) -> None:
        if self._hears is False:
            log.info("docker_events_heard_again")
        self._waiting, self._hears = Waiting(), True
        self._connected()
        nursery.start_soon(self.look, nursery)

    def _heard(self, nursery: trio.Nursery, ended: Ended) -> None:
        sandbox = self._sandboxes.get(ended.container)
        if sandbox is not None and sandbox.exit is None:
            nursery.start_soon(self._see, sandbox, ended.exit_code)

    async def _see(self, sandbox: DockerSandbox, exit_code: int | None) -> None:
        await Waiting().answered(partial(sandbox.look, exit_code))
