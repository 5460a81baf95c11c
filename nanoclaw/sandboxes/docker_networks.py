"""The networks of sandboxes that cannot reach a unix socket of the host: one for each epoch, with one container on it.

What there is is decided by names and labels, as with containers: an answer that was lost, and a host that died between
any two requests, leave nothing that a later look would not find.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial

from attrs import define

from nanoclaw.core.private_networks import MOST_ATTEMPTS, Address, PrivateNetwork, read_network
from nanoclaw.core.sandbox_spec import EPOCH_LABEL, INSTALL_LABEL, SESSION_LABEL, container_name
from nanoclaw.core.way_choice import WayOut
from nanoclaw.errors import SandboxError
from nanoclaw.model.sandbox import Network
from nanoclaw.sandboxes.docker_api import (
    ENGINE,
    ConflictError,
    NoAnswerError,
    NotThereError,
    RefusedError,
    RequestError,
)
from nanoclaw.sandboxes.docker_network_api import FoundNetwork, NetworkApi
from nanoclaw.sandboxes.engine import LifeName, SandboxSpec
from nanoclaw.sandboxes.waiting import Waiting, within_reach


@define(eq=False)
class PrivateNetworks:
    """Makes and removes those of one home; others' are left alone."""

    _api: NetworkApi
    _install: str
    way: WayOut = WayOut.SOCKET
    """Are they needed?"""

    async def address(self, life: LifeName, *, adopted: bool) -> str | None:
        """See `HasNetworks.network`."""
        if adopted:
            with within_reach() as waiting:
                return await self._find(self._of(life), waiting)
        return await self.make(life) if self.way is WayOut.NETWORK else None

    async def ready(self, spec: SandboxSpec) -> str | None:
        """The name of the network that a new sandbox is on, which is there then; None: it needs none.

        Raises:
          SandboxError: see `make`.
        """
        if self.way is WayOut.SOCKET or spec.network is Network.OPEN:
            return None
        await self.make(spec.life)
        return self._of(spec.life).name

    async def make(self, life: LifeName) -> str:
        """See to it that *life* has a network; returns this machine's address on it. May be repeated.

        Raises:
          SandboxError: the daemon makes none, or has made another one than was asked for.

        Cancellation: a network may be left, which `remove` finds.
        """
        wanted, attempt = self._of(life), 0
        with within_reach() as waiting:
            while True:
                if (found := await self._find(wanted, waiting)) is not None:
                    return found
                try:
                    await self._api.create_network(wanted.body(attempt))
                except RefusedError as exc:
                    # Somebody else's network may have some of the addresses.
                    attempt += 1
                    if attempt == MOST_ATTEMPTS:
                        raise SandboxError(engine=ENGINE, why=f"the daemon makes no network: {exc.why}") from exc
                except (ConflictError, NoAnswerError) as exc:
                    waiting.why = exc.why
                    await waiting.rest()

    async def remove(self, life: LifeName) -> None:
        """Remove the network of *life*, on which nobody may be any more. May be repeated. Raises `SandboxError`."""
        labels = {INSTALL_LABEL: self._install, SESSION_LABEL: life.session, EPOCH_LABEL: str(life.epoch)}
        await self._remove_all(labels, ())

    async def remove_others(self, keep: Collection[LifeName]) -> None:
        """Remove this home's networks of lives that are none of *keep*; one that stays holds up no other.

        Raises:
          SandboxError: one stays, or more do.
        """
        await self._remove_all({INSTALL_LABEL: self._install}, keep)

    async def _remove_all(self, labels: Mapping[str, str], keep: Collection[LifeName]) -> None:
        kept = {(life.session, life.epoch) for life in keep}
        stays: list[RequestError] = []
        with within_reach() as waiting:
            for one in await waiting.answered(partial(self._api.networks, labels)):
                if (one.labels.session, one.labels.epoch) not in kept:
                    try:
                        await self._remove(one, waiting)
                    except RequestError as exc:
                        stays.append(exc)
            if stays:
                raise stays[0]

    async def _remove(self, one: FoundNetwork, waiting: Waiting) -> None:
        try:
            await waiting.answered(partial(self._api.remove_network, one.id))
        except NotThereError:
            return

    def _of(self, life: LifeName) -> PrivateNetwork:
        return PrivateNetwork(install=self._install, session=life.session, epoch=life.epoch)

    async def _find(self, wanted: PrivateNetwork, waiting: Waiting) -> str | None:
        try:
            found = await waiting.answered(partial(self._api.network, wanted.name))
        except NotThereError:
            return None
        read = read_network(wanted, found.document, container_name(wanted.install, wanted.session))
        if isinstance(read, Address):
            return read.text
        raise SandboxError(engine=ENGINE, why=f"the network {wanted.name} is not as it should be: {read.why}")
