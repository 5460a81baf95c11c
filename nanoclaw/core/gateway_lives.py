"""When the gateway's process is started again after one has ended. Pure."""

from __future__ import annotations

from attrs import define, field

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 30.0
GOOD_SECONDS = 60.0
"""A life of this length makes good for those before."""


@define
class Lives:
    """Those that ended too early, in a row."""

    _short: int = field(default=0, init=False)

    def ended(self, *, lasted: float, luck: float) -> float:
        """One ended after so many seconds: how many to wait before the next; *luck* in [0, 1) spreads it."""
        self._short = 0 if lasted >= GOOD_SECONDS else self._short
        longest = min(FIRST_PAUSE * 2.0 ** min(self._short, 16), LONGEST_PAUSE)
        self._short += 1
        return longest * (0.5 + luck / 2)
