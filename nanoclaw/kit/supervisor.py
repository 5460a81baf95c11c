"""Keep children running: start in order, restart after failures, stop in reverse."""

from __future__ import annotations

import math
from collections.abc import Awaitable
from typing import Protocol

import structlog
import trio
from attrs import define, field, frozen

from nanoclaw.errors import RestartIntensityError
from nanoclaw.kit.failures import sole
from nanoclaw.kit.restart import GiveUp, LetEnd, Restart, RestartAfter, RestartLedger, RestartPolicy
from nanoclaw.kit.tree import TreeNode

log = structlog.get_logger()


class Service(Protocol):
    """Work that runs until cancelled and says when it is ready."""

    def __call__(self, *, task_status: trio.TaskStatus[None]) -> Awaitable[object]: ...


@frozen(kw_only=True)
class ChildSpec:
    """One child of a supervisor: what to run, when to run it again, how long it may take to stop."""

    id: str
    run: Service
    restart: Restart = Restart.PERMANENT
    stop_seconds: float = 10.0
    """How long to wait for its clean-up before going on without it."""
    node: TreeNode | None = None
    """Its place in the tree, if it wants to say more there than the supervisor can."""


async def supervise(
    *children: ChildSpec,
    policy: RestartPolicy | None = None,
    node: TreeNode | None = None,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Start *children* left to right, keep them running, stop them right to left.

    Each child is started only once the one before it has called
    ``task_status.started()``, and is cancelled only once the one after it has
    exited, so a child may lean on everything listed before it.

    A child that fails before it is first ready fails the supervisor: there is
    nothing to restart yet. Later failures are logged and judged by *policy*.

    Args:
      children: What to run. Ids must differ; they appear in logs, errors and the tree.
      policy: How many restarts to forgive, counted over all the children.
      node: The supervisor's place in the tree; its children appear below it while it runs.
      task_status: Told once every child is ready.

    Raises:
      ValueError: two children have the same id.
      RestartIntensityError: the policy ran out; the cause is the last failure. It
        arrives inside an `ExceptionGroup`, as from any nursery.

    Cancellation: a cancelled supervisor asks its children to stop, one after
    the other, and gives each its `stop_seconds`. One that takes longer is
    logged and no longer held up for: the rest is stopped meanwhile. Its task
    is still waited for at the end, as Trio has no way to kill one. What a
    child raises while stopping is logged and goes no further.
    """
    if len({spec.id for spec in children}) < len(children):
        raise ValueError("two children with the same id")
    ledger = RestartLedger(policy or RestartPolicy())
    family: list[_Child] = []
    try:
        async with trio.open_nursery() as nursery:
            try:
                for spec in children:
                    child = _Child(spec, ledger, spec.node or TreeNode(spec.id, node))
                    family.append(child)
                    await nursery.start(child.keep_alive)
                task_status.started()
                await trio.sleep_forever()
            finally:
                for child in reversed(family):
                    await child.stop()
    finally:
        for child in family:
            child.leave_tree()


@define(eq=False)
class _Child:
    spec: ChildSpec
    ledger: RestartLedger
    node: TreeNode
    _scope: trio.CancelScope = field(factory=trio.CancelScope, init=False)
    _gone: trio.Event = field(factory=trio.Event, init=False)
    _ready: bool = field(default=False, init=False)
    _stopping: bool = field(default=False, init=False)

    async def keep_alive(self, *, task_status: trio.TaskStatus[None]) -> None:
        self.node.task = trio.lowlevel.current_task()
        try:
            with self._scope:
                while True:
                    delay = await self._run_once(task_status)
                    if delay is None:
                        return
                    await trio.sleep(delay)
        except Exception as exc:
            self.node.note_error(exc)
            if not self._stopping:
                raise
            # Out here the scope has taken its own Cancelled out of any group.
            log.warning("child_failed_while_stopping", child=self.spec.id, exc_info=sole(exc))
        finally:
            self.node.task = None
            self.node.set(state="stopped")
            self._gone.set()

    async def stop(self) -> None:
        self._stopping = True
        if not self._gone.is_set():
            self.node.set(state="stopping")
        self._scope.cancel(reason="supervisor is stopping")  # final, whatever shields the scope
        with trio.move_on_after(self.spec.stop_seconds, shield=True) as patience:
            await self._gone.wait()
        if patience.cancelled_caught:
            log.error("child_does_not_stop", child=self.spec.id, seconds=self.spec.stop_seconds)

    def leave_tree(self) -> None:
        if self.spec.node is None:
            self.node.remove()

    async def _run_once(self, task_status: trio.TaskStatus[None]) -> float | None:
        """Run the child to its end; return how long to wait before the next run, if any."""
        failure: BaseException | None = None
        try:
            async with trio.open_nursery() as nursery:
                await nursery.start(self.spec.run)
                self._is_ready(task_status)
        except Exception as exc:
            if self._stopping or not self._ready:
                raise
            failure = sole(exc)
        return None if self._stopping else self._judge(failure)

    def _is_ready(self, task_status: trio.TaskStatus[None]) -> None:
        self.node.set(state="running")
        if self._ready:
            return
        self._ready = True
        task_status.started()
        # From here only stop() may end the child, in its turn. Except when the
        # supervisor was cancelled while this one was starting: it still waits
        # for the start and cannot call stop(), so the child must go now.
        self._scope.shield = trio.current_effective_deadline() != -math.inf

    def _judge(self, failure: BaseException | None) -> float | None:
        if failure is not None:
            self.node.note_error(failure)
        now = trio.current_time()
        match self.ledger.judge(self.spec.restart, failed=failure is not None, now=now):
            case LetEnd():
                if failure is not None:
                    log.warning("child_ended", child=self.spec.id, exc_info=failure)
                return None
            case RestartAfter(delay):
                self.node.restarted()
                self.node.set(state="restarting")
                if self.spec.node is None:
                    self.node.clear()
                log.warning("child_restarting", child=self.spec.id, delay=delay, exc_info=failure)
                return delay
            case GiveUp(restarts):
                raise RestartIntensityError(
                    child=self.spec.id, restarts=restarts, period=self.ledger.policy.period
                ) from failure
