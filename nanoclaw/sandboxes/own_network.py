"""A network for the length of a sandbox's life, where its engine needs one for the sandbox to reach its gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol, runtime_checkable

import structlog
import trio

from nanoclaw.errors import SandboxError
from nanoclaw.sandboxes.engine import LifeName

log = structlog.get_logger()

REMOVE_SECONDS = 5.0
"""For the network to go once its sandbox has."""


@runtime_checkable
class HasNetworks(Protocol):
    """An engine whose sandboxes may reach their gateway over a network of their own."""

    async def network(self, life: LifeName, *, adopted: bool) -> str | None:
        """This machine's address on the network of *life*, which is made if need be; None: sockets reach it.

        Args:
          life: Which.
          adopted: Its sandbox runs already: it has what it was started with.

        Raises:
          SandboxError: there can be no network, or it is not as it should be.
        """
        ...

    async def remove_network(self, life: LifeName) -> None:
        """Remove it, when nobody is on it any more. Raises `SandboxError`."""
        ...


@asynccontextmanager
async def own_network(engine: object, life: LifeName, *, adopted: bool = False) -> AsyncIterator[str | None]:
    """Where the gateway of *life* has to listen, for the length of the block; None: at sockets.

    What is left behind here, as when the sandbox is, `Engine.bury` and `Engine.remove_others` find.

    Raises:
      SandboxError: see `HasNetworks.network`.

    Cancellation: the network is removed, within `REMOVE_SECONDS`.
    """
    if not isinstance(engine, HasNetworks):
        await trio.lowlevel.checkpoint()
        yield None
        return
    address = await engine.network(life, adopted=adopted)
    try:
        yield address
    finally:
        if address is not None:
            try:
                why = f"it was not removed within {REMOVE_SECONDS:g} s"
                with trio.move_on_after(REMOVE_SECONDS, shield=True):
                    await engine.remove_network(life)
                    why = ""
            except SandboxError as exc:
                why = str(exc)
            if why:
                log.warning("network_left", session=life.session, epoch=life.epoch, why=why)
