"""How many sandboxes there are at once: a place for each, a fair queue for the rest, and room made by the idle."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog
import trio
from attrs import define, field

from nanoclaw.core.admission import Guest, Pressure, whom_to_ask
from nanoclaw.kit.every import every
from nanoclaw.kit.memory import free_share
from nanoclaw.kit.threads import WORKER_THREADS, Threads
from nanoclaw.kit.tree import TreeNode
from nanoclaw.model.ids import SessionId

log = structlog.get_logger()


@define(eq=False)
class Place:
    """One sandbox's place. Whoever holds it says when the sandbox is idle."""

    _session: SessionId
    _make_room: Callable[[], None]
    """Asks for the place back. May be heeded late, or never while there is work."""
    _idled: Callable[[], None]
    _idle_since: float | None = field(default=None, init=False)
    _asked: bool = field(default=False, init=False)

    def at_work(self) -> None:
        """There is something to do."""
        self._idle_since, self._asked = None, False

    def idle(self) -> None:
        """There is nothing to do. May be repeated."""
        if self._idle_since is None:
            self._idle_since = trio.current_time()
            self._idled()

    def ask(self) -> None:
        """Ask for it back."""
        self._asked = True
        self._make_room()

    @property
    def guest(self) -> Guest:
        """As the decision sees it."""
        return Guest(session=self._session, idle_since=self._idle_since, asked=self._asked)


@define(eq=False)
class Admission:
    """Gives out places, first come, first served."""

    most: int
    """Sandboxes that may exist at once."""
    least_free: float = 0.0
    """The part of the machine's memory that shall stay free."""
    _free_share: Callable[[], float | None] = free_share
    _threads: Threads = field(default=WORKER_THREADS, kw_only=True)
    _places: dict[SessionId, Place] = field(factory=dict[SessionId, Place], init=False)
    _queue: deque[trio.Event] = field(factory=deque[trio.Event], init=False)
    _promised: int = field(default=0, init=False)
    """Places of those who were called from the queue and have not come yet."""
    _memory_short: bool = field(default=False, init=False)

    @property
    def taken(self) -> int:
        """Places that are taken."""
        return len(self._places)

    @property
    def waiting(self) -> int:
        """Sessions that wait for one."""
        return len(self._queue)

    @asynccontextmanager
    async def place(
        self, session: SessionId, make_room: Callable[[], None], node: TreeNode, *, at_once: bool = False
    ) -> AsyncIterator[Place]:
        """Hold a place for the length of the block, after waiting for it.

        Args:
          session: Whose sandbox it is for; it has none.
          make_room: Called when others wait and this one idles. Never blocks.
          node: Where the waiting shows.
          at_once: For a sandbox that exists already: it is counted, and does not wait.

        Cancellation: leaves the queue.
        """
        if at_once or (self._is_free and not self._queue):
            await trio.lowlevel.checkpoint_if_cancelled()
            place = self._take(session, make_room)
        else:
            with node.busy(f"waiting for one of {self.most} places, {self.waiting} before it"):
                await self._wait()
            place = self._take(session, make_room)
        try:
            yield place
        finally:
            del self._places[session]
            self._admit()

    async def watch_memory(self, seconds: float) -> None:
        """Every *seconds*, look at the machine's memory; have idle sandboxes end while too little is free.

        Runs until cancelled.
        """
        await every(seconds, self._look)

    @property
    def _is_free(self) -> bool:
        return self.taken + self._promised < self.most

    def _take(self, session: SessionId, make_room: Callable[[], None]) -> Place:
        assert session not in self._places, session
        place = self._places[session] = Place(session, make_room, self._ask)
        return place

    async def _wait(self) -> None:
        turn = trio.Event()
        self._queue.append(turn)
        self._ask()
        try:
            await turn.wait()
        except trio.Cancelled:
            if turn.is_set():
                self._promised -= 1
                self._admit()
            else:
                self._queue.remove(turn)
            raise
        self._promised -= 1

    def _admit(self) -> None:
        """Promise the place that is free now to the first of the queue."""
        if self._queue and self._is_free:
            self._promised += 1
            self._queue.popleft().set()

    async def _look(self) -> None:
        free = await self._threads.run(self._free_share)
        self._memory_short = free is not None and free < self.least_free
        if self._memory_short:
            log.warning("memory_short", free=free, least=self.least_free, sandboxes=self.taken)
            self._ask()

    def _ask(self) -> None:
        pressure = Pressure(waiting=self.waiting, memory_short=self._memory_short)
        for session in whom_to_ask((place.guest for place in self._places.values()), pressure):
            log.info("room_wanted", session=session, waiting=pressure.waiting, memory_short=pressure.memory_short)
            self._places[session].ask()
