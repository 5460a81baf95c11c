"""Children by key, started on demand; one that keeps failing is parked, not fatal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Generic, TypeAlias, TypeVar

import structlog
import trio
from attrs import define, field, frozen

from nanoclaw.kit.failures import sole
from nanoclaw.kit.restart import Park, ParkLedger, ParkPolicy, RestartAfter
from nanoclaw.kit.supervisor import Service
from nanoclaw.kit.tree import TreeNode

log = structlog.get_logger()

KeyT = TypeVar("KeyT", bound=Hashable)

OnPark: TypeAlias = Callable[[KeyT, BaseException, float, bool], Awaitable[None]]
"""Called with the key, the last failure, the pause in seconds, and whether it opens a streak."""


@define(eq=False)
class Pool(Generic[KeyT]):
    """Runs at most one child for each key, from the first `ensure` until the child returns.

    A child's trouble is its own: it is restarted after a pause and, when it
    keeps failing, parked for a longer one. Neither the pool nor a sibling
    notices. Each run is a fresh ``start(key)``, so nothing of a failed run
    survives in it.

    Args:
      start: Makes the service to run for a key. What it raises counts as the child's failure.
      policy: When to restart and when to park, judged for each child alone.
      on_park: Told of each parking, in the child's task and before its pause is slept out.
        What it raises is logged and changes nothing.
      node: The pool's place in the tree; its children appear below it.
    """

    _start: Callable[[KeyT], Service] = field(alias="start")
    _policy: ParkPolicy = field(factory=ParkPolicy, alias="policy")
    _on_park: OnPark[KeyT] | None = field(default=None, alias="on_park")
    _node: TreeNode | None = field(default=None, alias="node")
    _children: dict[KeyT, _Child] = field(factory=dict[KeyT, "_Child"], init=False)
    _ledgers: dict[KeyT, ParkLedger] = field(factory=dict[KeyT, ParkLedger], init=False)
    _wanted: dict[KeyT, None] = field(factory=dict[KeyT, None], init=False)
    """Keys ensured while the pool does not run."""
    _nursery: trio.Nursery | None = field(default=None, init=False)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled, beginning with what was ensured before.

        Cancellation: all children are cancelled together and waited for. What
        they raise meanwhile is logged and goes no further.
        """
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            wanted, self._wanted = self._wanted, {}
            for key in wanted:
                self.ensure(key)
            try:
                task_status.started()
                await trio.sleep_forever()
            finally:
                self._nursery = None
                for child in self._children.values():
                    child.node.set(state="stopping")

    def ensure(self, key: KeyT) -> None:
        """See to it that a run of *key*'s child begins after this call. Never blocks.

        A child that runs already may be on its way out without having seen
        why it was called, so a call during a run is remembered: when that run
        returns, another begins. A child that waits to be restarted or is
        parked begins its next run when its pause ends, and that one counts.
        """
        child = self._children.get(key)
        if child is not None:
            child.again = True
        elif self._nursery is None:
            self._wanted[key] = None
        else:
            child = self._children[key] = _Child(TreeNode(str(key), self._node))
            self._nursery.start_soon(self._live, key, child, name=f"pool child {key}")

    def hurry(self, key: KeyT) -> None:
        """If *key*'s child waits to be restarted or is parked, its next run begins now. Never blocks."""
        child = self._children.get(key)
        if child is not None:
            child.hurried = True
            if child.pause is not None:
                child.pause.cancel()

    def running(self) -> frozenset[KeyT]:
        """The keys whose child runs, or waits the moment before a restart."""
        return frozenset(key for key, child in self._children.items() if child.until is None)

    def parked(self) -> Mapping[KeyT, float]:
        """The keys whose child is parked, and when each pause ends on Trio's clock."""
        return {key: child.until for key, child in self._children.items() if child.until is not None}

    def node_of(self, key: KeyT) -> TreeNode:
        """The child's place in the tree, for ``start`` to hand on. Raises KeyError if none runs."""
        return self._children[key].node

    async def _live(self, key: KeyT, child: _Child) -> None:
        child.node.task = trio.lowlevel.current_task()
        try:
            while True:
                # A service may return without ever waiting; the loop must not.
                await trio.lowlevel.checkpoint()
                failure = await self._run_once(key, child)
                if failure is not None:
                    await self._wait_out(key, child, failure)
                elif not child.again:
                    # No checkpoint between this look and the removal below:
                    # an ensure() finds either the child or its absence.
                    return
        finally:
            del self._children[key]
            child.node.remove()

    async def _run_once(self, key: KeyT, child: _Child) -> BaseException | None:
        """Run the child to its end and return its failure, if it was one."""
        failure: BaseException | None = None
        child.again = False
        child.node.clear()
        child.node.set(state="starting")
        try:
            await self._start(key)(task_status=_Ready(child.node))
        except* Exception as group:
            failure = sole(group)
            child.node.note_error(failure)
            log.warning("pool_child_failed", child=str(key), exc_info=failure)
        return failure

    async def _wait_out(self, key: KeyT, child: _Child, failure: BaseException) -> None:
        await trio.lowlevel.checkpoint_if_cancelled()
        child.node.restarted()
        child.hurried = False
        now = trio.current_time()
        match self._ledger(key, now).judge(now=now):
            case RestartAfter(delay):
                child.node.set(state="restarting")
                await _rest(child, now + delay)
            case Park(pause, restarts, first):
                log.error("pool_child_parked", child=str(key), pause=pause, restarts=restarts)
                child.node.set(state="parked")
                child.until = now + pause
                try:
                    await self._tell(key, failure, pause, first)
                    await _rest(child, child.until)
                finally:
                    child.until = None

    async def _tell(self, key: KeyT, failure: BaseException, pause: float, first: bool) -> None:
        if self._on_park is None:
            await trio.lowlevel.checkpoint()
            return
        try:
            await self._on_park(key, failure, pause, first)
        except* Exception as group:
            log.warning("pool_parking_not_told", child=str(key), exc_info=sole(group))

    def _ledger(self, key: KeyT, now: float) -> ParkLedger:
        """The key's ledger. It outlives the child: a return between two failures excuses neither.

        Ledgers with nothing left to say go, so that they are no more than the recent failures.
        """
        self._ledgers = {k: kept for k, kept in self._ledgers.items() if not kept.is_cold(now=now)}
        return self._ledgers.setdefault(key, ParkLedger(self._policy))


async def _rest(child: _Child, until: float) -> None:
    """Wait until then, or until somebody is in a hurry."""
    with trio.CancelScope() as pause:
        child.pause = pause
        if child.hurried:
            pause.cancel()
        try:
            await trio.sleep_until(until)
        finally:
            child.pause = None


@define(eq=False)
class _Child:
    node: TreeNode
    again: bool = False
    """Ensured since the current run began."""
    hurried: bool = False
    """Wanted at once since its last run failed."""
    pause: trio.CancelScope | None = None
    """What it waits in before its next run."""
    until: float | None = None
    """When its parking ends."""


@frozen
class _Ready:
    """The task status of a pool's child: nobody waits for it but the console."""

    node: TreeNode

    def started(self, value: None = None) -> None:
        self.node.set(state="running")
