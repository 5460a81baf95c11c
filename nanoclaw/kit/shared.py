"""One look for all who want to see the same at the same time: whoever comes shortly after is shown what was seen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import trio
from attrs import define, field

T = TypeVar("T")


@define(eq=False)
class Shared(Generic[T]):
    """What `_make` gives, which is asked one at a time and, unless `forget` says so, once in `_seconds` at the most."""

    _make: Callable[[], Awaitable[T]]
    _seconds: float
    """How old may be what somebody is shown, counted from when it was begun."""
    _turn: trio.Lock = field(factory=trio.Lock, init=False)
    _found: tuple[float, T] | None = field(default=None, init=False)
    _forgotten: int = field(default=0, init=False)
    """How often: what was being made meanwhile is not kept."""

    def forget(self) -> None:
        """Whoever asks from now on is shown nothing that was begun before."""
        self._found = None
        self._forgotten += 1

    async def get(self) -> T:
        """What there is, made anew if it is too old. What cannot be made is not kept: the next one tries again.

        Raises:
          Whatever making it raised.

        Cancellation: a checkpoint. Whoever makes it stops; the next of those who wait makes it instead.
        """
        async with self._turn:
            now = trio.current_time()
            if self._found is None or now - self._found[0] >= self._seconds:
                self._found = None
                forgotten, made = self._forgotten, await self._make()
                if forgotten == self._forgotten:
                    self._found = now, made
                return made
            return self._found[1]
