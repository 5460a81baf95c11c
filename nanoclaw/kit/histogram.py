"""Counts how often something took how long, in fixed steps: cheap enough for every message, and never larger."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from attrs import define, field

STEPS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0)
"""Seconds."""


@define(eq=False)
class Histogram:
    """What has been seen since the host started."""

    total: float = field(default=0.0, init=False)
    """Of all that was seen, in seconds."""
    _counts: list[int] = field(factory=lambda: [0] * (len(STEPS) + 1), init=False)

    def observe(self, seconds: float) -> None:
        """It took so long. Less than nothing, after the wall clock was set back, counts as nothing."""
        seconds = max(0.0, seconds)
        self.total += seconds
        self._counts[bisect_left(STEPS, seconds)] += 1

    @property
    def count(self) -> int:
        """How often anything was seen."""
        return sum(self._counts)

    def up_to(self) -> Iterator[tuple[float, int]]:
        """How often it took no longer than each step, and than for ever."""
        so_far = 0
        for step, count in zip((*STEPS, float("inf")), self._counts, strict=True):
            so_far += count
            yield step, so_far
