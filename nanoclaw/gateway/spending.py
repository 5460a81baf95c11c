"""What a sandbox has asked for and moved: kept by the host, so that a new process of the gateway goes on from there."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import islice

import trio
from attrs import define, field, frozen

from nanoclaw.model.egress import EgressLimits

MINUTE = 60.0
MOST_TOLD = 10_000
"""Requests of which the next process is told, the newest: there is a bound to what is said to it at a time."""


@frozen(kw_only=True)
class Spent:
    """At one moment."""

    moved: int = 0
    """Bytes, in both directions together, for as long as the sandbox lives."""
    asked: tuple[float, ...] = ()
    """How many seconds ago each request of the last minute was, the oldest first."""


def untold(_: int) -> None:
    """Nobody else counts."""


@define(eq=False)
class Spending:
    """An account of one sandbox."""

    _before: Spent = field(default=Spent())
    _tell: Callable[[int], None] = untold
    """Told whenever it is known how many bytes have moved by now."""
    _moved: int = field(default=0, init=False)
    _asked: deque[float] = field(factory=deque[float], init=False)

    def __attrs_post_init__(self) -> None:
        self._moved = self._before.moved
        now = trio.current_time() if self._before.asked else 0.0
        self._asked.extend(now - ago for ago in self._before.asked)

    def ask(self) -> None:
        """A request has begun."""
        self._forget()
        self._asked.append(trio.current_time())

    def move(self, total: int) -> None:
        """So many bytes have moved by now."""
        self._moved = max(self._moved, total)
        self._tell(self._moved)

    def so_far(self) -> Spent:
        """What the next process is told."""
        if not self._asked:
            return Spent(moved=self._moved)
        self._forget()
        now = trio.current_time()
        told = islice(self._asked, max(0, len(self._asked) - MOST_TOLD), None)
        return Spent(moved=self._moved, asked=tuple(round(now - then, 1) for then in told))

    def is_over(self, limits: EgressLimits) -> bool:
        """Is the next request refused?"""
        self._forget()
        return self._moved >= limits.total_bytes or len(self._asked) >= limits.requests

    def _forget(self) -> None:
        while self._asked and self._asked[0] <= trio.current_time() - MINUTE:
            self._asked.popleft()
