"""A start of a sandbox that may be called off: meanwhile, its session's mail says when to look who wants the end of it.

An engine may take long, or not answer at all; whoever parks or stops a session meanwhile does not wait for that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Never

import trio
from attrs import define, field

from nanoclaw.actors.letters import Letter
from nanoclaw.errors import SandboxError, StoreError
from nanoclaw.kit.mailbox import Mailbox
from nanoclaw.model.ids import EpochNumber, SessionId
from nanoclaw.sandboxes.engine import Sandbox
from nanoclaw.store import epochs
from nanoclaw.store.db import Store


@define(eq=False)
class CalledOff:
    """One start."""

    _store: Store
    _mail: Mailbox[Letter]
    """Whatever is read here says "look again", and everything is looked at once the sandbox is up."""
    _session: SessionId
    _epoch: EpochNumber
    why: str = field(default="", init=False)
    """Why it was called off; empty: it was not."""

    async def unless_told(self, begin: Callable[[], Awaitable[Sandbox]]) -> Sandbox | None:
        """The sandbox that *begin* starts; None: somebody wanted the epoch to end before it was up.

        Raises: what *begin* raises; not that it could not be started, where nobody wants it any more.

        Cancellation: as *begin*'s.
        """
        sandbox: Sandbox | None = None
        failure: Exception | None = None
        async with trio.open_nursery() as nursery:
            with trio.CancelScope() as starting:
                nursery.start_soon(self._watch, starting)
                try:
                    sandbox = await begin()
                except Exception as exc:
                    # Raised below, out of the nursery: as it was.
                    failure = exc
            nursery.cancel_scope.cancel()
        if failure is not None and not (self.why and isinstance(failure, SandboxError)):
            raise failure
        return sandbox

    async def _watch(self, starting: trio.CancelScope) -> Never:
        while True:
            await self._mail.read_all()
            try:
                why = await self._store.read(epochs.told_to_end, self._session, self._epoch)
            except StoreError:
                continue  # whoever starts the sandbox finds that out as well
            if why is not None:
                self.why = why
                starting.cancel()
                await trio.sleep_forever()
