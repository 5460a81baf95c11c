"""How long messages are on their way through one life of a sandbox, as the host sees it, on its own clocks.

What a runner says of times is not believed: a claim or an answer counts from when the host came to see it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from attrs import define, field

from nanoclaw.actors.meters import Hop, Meters
from nanoclaw.link.report import AckRow
from nanoclaw.store.dead import AGAIN
from schema.rows import AckStatus, InStatus, MessageIn

MOST_WATCHED = 1_000
"""Messages of a session that are on their way; those beyond are not timed."""


@define(eq=False)
class Journey:
    """That of one epoch. Moments are seconds on any one clock that only goes forward, unless they are times."""

    _meters: Meters
    _shown: dict[str, float] = field(factory=dict[str, float], init=False)
    """When each message that nobody has claimed could be seen."""
    _claimed: dict[str, float] = field(factory=dict[str, float], init=False)
    _rung: float | None = field(default=None, init=False)
    """When there was the first notice of what has not been looked at."""
    _looked: float | None = field(default=None, init=False)
    """The same, of what is being looked at."""

    def shown(self, messages: Iterable[MessageIn], moment: float, now: datetime) -> None:
        """The link shows these. One that was to wait, or comes again, is not timed from its row on."""
        for message in messages:
            if not message.trigger or message.status is not InStatus.PENDING or message.id in self._shown:
                continue
            if message.id in self._claimed or len(self._shown) + len(self._claimed) >= MOST_WATCHED:
                continue
            self._shown[message.id] = moment
            if _is_fresh(message):
                self._meters.took(Hop.ROW_TO_LINK, (now - message.timestamp).total_seconds())

    def notice(self, moment: float) -> None:
        """There was a notice of a commit of the runner's."""
        if self._rung is None:
            self._rung = moment

    def look(self) -> None:
        """What there was notice of is looked at now."""
        self._looked, self._rung = self._rung, None

    def absorbed(self, acks: Iterable[AckRow], moment: float, *, announced: bool) -> None:
        """News of the runner's is in the truth, these among it. *announced*: it was looked for because of a notice."""
        if self._looked is not None:
            self._meters.took(Hop.OUTBOX_TO_LEDGER, moment - self._looked)
            self._looked = None
        elif not announced:
            self._meters.unannounced += 1
        for ack in acks:
            if (shown := self._shown.pop(ack.message_id, None)) is not None:
                self._meters.took(Hop.LINK_TO_CLAIM, moment - shown)
                self._claimed[ack.message_id] = moment
            if ack.status is not AckStatus.PROCESSING and ack.message_id in self._claimed:
                self._meters.took(Hop.CLAIM_TO_OUTBOX, moment - self._claimed.pop(ack.message_id))
                self._meters.settled[ack.status.value] += 1


def _is_fresh(message: MessageIn) -> bool:
    """Does its time say when its row was written? A task's is when it was due, of one that comes again older."""
    again = message.tries > 0 or message.id.endswith(AGAIN)
    return message.process_after is None and message.series_id is None and not again
