"""Names what holds up the loop: a turn of it that takes longer than a tenth of a second, with the stack of meanwhile.

While that lasts nothing else in the host happens. The loop itself can say so only afterwards, so a thread looks at it
meanwhile: ten times a second while anything happens, and once a second while nothing does.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
import trio
from attrs import define, field, frozen

log = structlog.get_logger()

LIMIT_SECONDS = 0.1
LOOK_SECONDS = 0.1
IDLE_SECONDS = 1.0
MOST_FRAMES = 12


@frozen(kw_only=True)
class Held:
    """One turn of the loop that took too long."""

    seconds: float
    stack: tuple[str, ...]
    """Where it was when the thread looked, the innermost last; empty: it was over before, or there were many steps."""


def log_held(held: Held) -> None:
    """Write it into the log."""
    log.warning("loop_held", seconds=round(held.seconds, 3), stack=list(held.stack))


@define(eq=False)
class SlowTurns(trio.abc.Instrument):
    """Watches one loop. Whoever is told must be quick: it is told on the loop."""

    _tell: Callable[[Held], None] = log_held
    limit: float = field(default=LIMIT_SECONDS, kw_only=True)
    look: float = field(default=LOOK_SECONDS, kw_only=True)
    count: int = field(default=0, init=False)
    longest: Held | None = field(default=None, init=False)
    _began: float = field(default=0.0, init=False)
    """When the turn that runs began; 0: the loop waits."""
    _turns: int = field(default=0, init=False)
    _seen: tuple[float, tuple[str, ...]] = field(default=(0.0, ()), init=False)
    """The beginning of a turn that took too long, and its stack."""
    _over: threading.Event = field(factory=threading.Event, init=False)

    @contextmanager
    def watching(self) -> Iterator[SlowTurns]:
        """Watch the loop that this is called on, for the length of the block."""
        thread = threading.Thread(target=self._watch, args=(threading.get_ident(),), name="loop-watch", daemon=True)
        trio.lowlevel.add_instrument(self)
        thread.start()
        try:
            yield self
        finally:
            trio.lowlevel.remove_instrument(self)
            self._over.set()
            thread.join()

    def signals(self) -> dict[str, str]:
        """How often the loop was held up, for the console; nothing, if it never was."""
        if self.longest is None:
            return {}
        where = f" in {self.longest.stack[-1]}" if self.longest.stack else ""
        return {"loop": f"held up {self.count} times, the longest for {self.longest.seconds:.2f} s{where}"}

    def after_io_wait(self, _: float) -> None:
        """A turn begins."""
        self._turns += 1
        self._began = time.monotonic()

    def before_io_wait(self, _: float) -> None:
        """It is over."""
        began, self._began = self._began, 0.0
        if not began or (took := time.monotonic() - began) <= self.limit:
            return
        at, stack = self._seen
        held = Held(seconds=took, stack=stack if at == began else ())
        self.count += 1
        if self.longest is None or took > self.longest.seconds:
            self.longest = held
        self._tell(held)

    def _watch(self, loop: int) -> None:
        turns = -1
        while not self._over.wait(self.look if self._began or turns != self._turns else max(self.look, IDLE_SECONDS)):
            turns, began = self._turns, self._began
            if not began or time.monotonic() - began <= self.limit or self._seen[0] == began:
                continue
            frame = sys._current_frames().get(loop)  # noqa: SLF001 - there is no other way to see another thread's
            if frame is not None:
                lines = traceback.extract_stack(frame)[-MOST_FRAMES:]
                self._seen = (began, tuple(f"{line.name} {line.filename}:{line.lineno}" for line in lines))
