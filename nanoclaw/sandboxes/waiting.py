"""Waiting for a daemon that does not answer: again and again, with growing pauses, as long as the caller has time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import trio
from attrs import define, field

from nanoclaw.errors import SandboxError
from nanoclaw.sandboxes.docker_api import ENGINE, NoAnswerError, NotThereError, RequestError

T = TypeVar("T")

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 2.0
AWAY_SECONDS = 60.0
"""How long a start, an adoption or a burial waits for a daemon that is away."""


@define(eq=False)
class Waiting:
    """The pauses of one undertaking, and what it heard last."""

    why: str = ""
    """What the daemon, or the way to it, said last."""
    _pause: float = field(default=0.0, init=False)

    async def rest(self) -> None:
        """Wait a little longer than the time before; the first time, not at all. A checkpoint."""
        await trio.sleep(self._pause)
        self._pause = min(LONGEST_PAUSE, 2 * self._pause or FIRST_PAUSE)

    async def answered(self, request: Callable[[], Awaitable[T]]) -> T:
        """Make a request that may be repeated until it is answered. Whoever calls this bounds it.

        Raises:
          RequestError: the answer, if it is one of the others.
        """
        while True:
            try:
                return await request()
            except NoAnswerError as exc:
                self.why = exc.why
                await self.rest()


@contextmanager
def within_reach() -> Iterator[Waiting]:
    """Wait for the daemon within bounds.

    Raises:
      NotThereError: as it is answered.
      SandboxError: any other answer, or none.
    """
    waiting = Waiting()
    try:
        with trio.move_on_after(AWAY_SECONDS) as scope:
            yield waiting
    except NotThereError:
        raise
    except RequestError as exc:
        raise SandboxError(engine=ENGINE, why=exc.why) from exc
    if scope.cancelled_caught:
        why = f": {waiting.why}" if waiting.why else ""
        raise SandboxError(engine=ENGINE, why=f"the daemon does not answer{why}")
