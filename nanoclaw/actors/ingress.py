"""An event comes in: store it with its whole fan-out, wake whom it concerns, then say that we have it."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from attrs import define

from nanoclaw.channels.base import NotHeard, Receipt, Stored
from nanoclaw.kit.clock import Clock
from nanoclaw.kit.ids import mint
from nanoclaw.model.ids import SessionId
from nanoclaw.model.messages import InboundEvent
from nanoclaw.store.db import Store
from nanoclaw.store.events import Accepted, Duplicate, Ignored, accept

log = structlog.get_logger()


@define(eq=False)
class Ingress:
    """Where all channels bring their events."""

    _store: Store
    _clock: Clock
    _wake: Callable[[SessionId], None]

    async def receive(self, event: InboundEvent) -> Receipt:
        """Store *event*. When this returns, it survives power loss; the same event again is no second one.

        Raises:
          StoreError: it is not stored; its platform must not be told that it is.

        Cancellation: leaves open whether it was stored; its platform will send it again.
        """
        verdict = await self._store.transact(accept, event, mint=mint, now=self._clock.now())
        match verdict:
            case Accepted(event=stored, sessions=sessions) | Duplicate(event=stored, sessions=sessions):
                log.debug("event_stored", channel=event.channel, id=stored, sessions=len(sessions))
                for session in sessions:
                    self._wake(session)
                return Stored()
            case Ignored(reason=reason, detail=detail):
                log.info("event_dropped", channel=event.channel, reason=reason)
                return NotHeard(reason, detail)
