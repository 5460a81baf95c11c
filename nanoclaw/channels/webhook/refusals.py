"""What the log says of refused calls: so much that one sees it, and so little that a crowd drowns nothing else."""

from __future__ import annotations

import structlog
import trio
from attrs import define, field

from nanoclaw.channels.webhook.signatures import Refused
from nanoclaw.model.ids import ChannelName

log = structlog.get_logger()

QUIET_SECONDS = 10.0
MOST_PATH = 100


@define(eq=False)
class Refusals:
    """Those of one channel."""

    _channel: ChannelName
    _next: float = field(default=0.0, init=False)
    """When one may be told of again, on Trio's clock."""
    _untold: int = field(default=0, init=False)

    def note(self, path: str, refused: Refused) -> None:
        """Tell of one, or count it until the next that is told of."""
        now = trio.current_time()
        if now < self._next:
            self._untold += 1
            return
        log.warning(
            "webhook_refused",
            channel=self._channel,
            path=path[:MOST_PATH],
            status=refused.status,
            why=refused.why,
            untold=self._untold,
        )
        self._next, self._untold = now + QUIET_SECONDS, 0
