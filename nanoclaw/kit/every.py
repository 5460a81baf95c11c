"""A periodic loop that never overlaps itself and never drifts into a busy loop."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import NoReturn

import trio


async def every(seconds: float, do: Callable[[], Awaitable[None]]) -> NoReturn:
    """Call *do* on each beat: first after *seconds*, then at whole multiples of it from now.

    A call that outlasts its beat delays nothing and is never doubled: the
    beats it covered are skipped. What *do* raises ends the loop.

    Args:
      seconds: Between two beats, more than 0.
      do: What to call; awaited before the next beat is looked for.

    Raises:
      ValueError: *seconds* is not more than 0.

    Cancellation: a checkpoint between beats, even when *do* is none.
    """
    if not seconds > 0:
        raise ValueError(f"no beat every {seconds} s")
    start = trio.current_time()
    beat = 0
    while True:
        # The beat's number always grows, so that rounding cannot give one beat twice.
        beat = max(beat + 1, math.ceil((trio.current_time() - start) / seconds))
        await trio.sleep_until(start + beat * seconds)
        await do()
