"""Who connects to a port says the secret of its way first, or is sent off: counted, and told in the log."""

from __future__ import annotations

import hmac
from collections.abc import Callable

import structlog
import trio
from attrs import define, field

from nanoclaw.kit.openings import digest
from schema.way_file import GREETING_BYTES

log = structlog.get_logger()

GREETING_SECONDS = 5.0
"""For the secret to be said."""
REFUSED_SECONDS = 0.5
"""How long a connection that was sent off keeps its place: as many at a time as there are places may guess."""
LOG_SECONDS = 10.0
"""How often the log says so."""


@define(eq=False)
class Seal:
    """The secret of one way, known by its digest."""

    _digest: str
    _whose: str
    """The session, for the log."""
    _now: Callable[[], float] = trio.current_time
    refused: int = field(default=0, init=False)
    """How many were."""
    _told_at: float = field(default=float("-inf"), init=False)

    async def admits(self, stream: trio.SocketStream) -> bool:
        """Does whoever connected know the secret? Takes the greeting and nothing behind it from *stream*.

        Cancellation: nothing is decided.
        """
        heard = b""
        with trio.move_on_after(GREETING_SECONDS):
            try:
                while len(heard) < GREETING_BYTES and (data := await stream.receive_some(GREETING_BYTES - len(heard))):
                    heard += data
            except trio.BrokenResourceError:
                heard = b""
        if hmac.compare_digest(digest(heard.removesuffix(b"\n")), self._digest):
            return True
        self.refused += 1
        if self._now() - self._told_at >= LOG_SECONDS:
            self._told_at = self._now()
            log.warning("gateway_stranger", session=self._whose, refused=self.refused)
        return False
