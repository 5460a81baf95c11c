"""When the host rang at a sandbox and when it saw an answer, on its own clock: whether the runner's loop goes round."""

from __future__ import annotations

from datetime import timedelta

from attrs import define, field

from nanoclaw.core.signals import Loop, Mute, loop_of

RING_SECONDS = 1.0
"""From an answered ring to the next."""


@define(eq=False)
class Doorbell:
    """One ring is out at a time. Times are seconds on any one clock that only goes forward."""

    _ring: int | None = field(default=None, init=False)
    """What answers the ring that is out."""
    _rung_at: float | None = field(default=None, init=False)
    _looked_at: float = field(default=0.0, init=False)
    """When an answer was last looked for: nobody is blamed for a host that did not look."""
    _answered_at: float | None = field(default=None, init=False)

    def wants_ringing(self, now: float) -> bool:
        """Is it time for another ring?"""
        return self._ring is None and (self._rung_at is None or now - self._rung_at >= RING_SECONDS)

    def rung(self, ring: int | None, now: float) -> None:
        """It was rung, and *ring* is what answers it; None: it could not be."""
        if ring is not None:
            self._ring, self._rung_at, self._looked_at = ring, now, now

    def looked(self, answer: int | None, now: float) -> bool:
        """The runner's answer is *answer*: it counts if it is to the ring that is out.

        Returns whether it is by this look that the ring was not answered in time.
        """
        was_mute = isinstance(self.loop(now), Mute)
        self._looked_at = now
        if self._ring is not None and answer == self._ring:
            self._ring, self._answered_at = None, now
        return not was_mute and isinstance(self.loop(now), Mute)

    def paused(self) -> None:
        """It was let go on after a pause, in which it could not answer: what was out is forgotten."""
        self._ring = self._rung_at = self._answered_at = None

    def loop(self, now: float) -> Loop:
        """What that says of the loop."""
        unanswered = None if self._ring is None else _since(self._rung_at, self._looked_at)
        return loop_of(unanswered=unanswered, answered=_since(self._answered_at, now))


def _since(at: float | None, now: float) -> timedelta | None:
    return None if at is None else timedelta(seconds=now - at)
