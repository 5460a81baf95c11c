"""The sweep: whatever waits for a time, taken up when it comes. One look for all, then sleep to the next time.

It makes messages of occurrences that are due, wakes sessions and lanes whose messages are, and lets requests and
questions expire. The wake-ups are a net, since sessions and lanes keep their own time; the rest is its own work.
Trouble with one thing never keeps it from the others.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import Never, TypeAlias, assert_never

import structlog
import trio
from attrs import define, field, frozen

from nanoclaw.actors.nets import Nets
from nanoclaw.errors import StoreBrokenError
from nanoclaw.kit.clock import Clock
from nanoclaw.kit.failures import one_line
from nanoclaw.kit.mailbox import Mailbox
from nanoclaw.kit.tree import TreeNode
from nanoclaw.model.ids import SessionId, TaskId
from nanoclaw.store import approvals, occurrences, questions, tasks
from nanoclaw.store.db import Store
from nanoclaw.store.due import (
    MOST_DUE,
    ApprovalDue,
    Item,
    LaneDue,
    OccurrenceDue,
    QuestionDue,
    SessionDue,
    due,
    next_due,
)
from nanoclaw.store.ledger import Lane
from schema.sqlite import Connection

log = structlog.get_logger()


@frozen
class Chore:
    """Something to do now and then, such as removing what is old enough."""

    name: str
    seconds: float
    """Between two times."""
    do: Callable[[], Awaitable[None]]


@frozen
class _Look:
    """Something may be due, or due earlier."""


Letter: TypeAlias = _Look


@define(eq=False)
class Sweep:
    """Looks for what is due. One for all sessions."""

    _store: Store
    _clock: Clock
    _wake: Callable[[SessionId], None]
    _nudge: Callable[[Iterable[Lane]], None]
    _node: TreeNode
    _chores: Sequence[Chore] = ()
    _longest_sleep: float = field(default=Nets().sweep, kw_only=True)
    """Seconds after which it looks unasked: a letter may be lost, and the wall clock may jump."""
    _mail: Mailbox[Letter] = field(factory=Mailbox[Letter], init=False)
    _done: dict[str, float] = field(factory=dict[str, float], init=False)
    """When each chore was last begun, in Trio's time."""

    def look(self) -> None:
        """Something may be due, or due earlier than it was. Never blocks, never fails, may be repeated."""
        self._mail.post(_Look())

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> Never:
        """Sweep until cancelled.

        Raises:
          StoreBrokenError: there is no truth to sweep any more.

        Cancellation: between two transactions; what was not taken up is still due at the next start.
        """
        self._node.mailbox = self._mail.unread
        task_status.started()
        while True:
            self._mail.read_nowait()
            now = self._clock.now()
            found = await self._store.read(due, now=now)
            with self._node.busy(f"{len(found)} due"):
                progress = [await self._try(item, now) for item in found]
            await self._do_chores()
            if len(found) >= MOST_DUE and any(progress):
                continue  # there may be more than one look can carry
            pause = await self._until_next(now)
            self._node.set(doing=f"sleeping {pause:.0f} s")
            with trio.move_on_after(pause):
                await self._mail.read()

    async def _try(self, item: Item, now: datetime) -> bool:
        """Do what *item* asks for, whatever became of the others; says whether it is done with."""
        try:
            return await self._do(item, now)
        except StoreBrokenError:
            raise
        except Exception as exc:
            log.exception("sweep_failed", item=repr(item))
            if isinstance(item, OccurrenceDue):
                await self._set_aside(item.task, one_line(exc))
            return False

    async def _do(self, item: Item, now: datetime) -> bool:
        match item:
            case OccurrenceDue(task):
                session = await self._store.transact(_take_up, task, now=now)
                if session is not None:
                    self._wake(session)
                return True
            case SessionDue(session):
                self._wake(session)
            case LaneDue(lane):
                self._nudge([lane])
            case ApprovalDue(approval):
                over = await self._store.transact(approvals.expire, approval, now=now)
                if over is not None:
                    asker, places = over
                    self._nudge(places)
                    if asker is not None:
                        self._wake(asker)
                return True
            case QuestionDue(question):
                ended = await self._store.transact(questions.expire, question, now=now)
                if ended is not None:
                    session, lanes = ended
                    self._nudge(lanes)
                    self._wake(session)
                return True
            case _:
                assert_never(item)
        await trio.lowlevel.checkpoint()
        return False

    async def _set_aside(self, task: TaskId, why: str) -> None:
        """A task that cannot be taken up must not be due for ever."""
        try:
            await self._store.transact(tasks.set_aside, task, why, now=self._clock.now())
        except StoreBrokenError:
            raise
        except Exception:
            log.exception("sweep_cannot_set_aside", task=task)

    async def _do_chores(self) -> None:
        for chore in self._chores:
            begun = self._done.get(chore.name)
            if begun is not None and trio.current_time() - begun < chore.seconds:
                continue
            self._done[chore.name] = trio.current_time()
            try:
                await chore.do()
            except StoreBrokenError:
                raise
            except Exception:
                log.exception("chore_failed", chore=chore.name)

    async def _until_next(self, now: datetime) -> float:
        """Seconds to the next time of anything, at most the net's."""
        at = await self._store.read(next_due, now=now)
        pauses = [self._longest_sleep] if at is None else [self._longest_sleep, (at - now).total_seconds()]
        pauses += [chore.seconds for chore in self._chores]
        return max(0.0, min(pauses))


def _take_up(conn: Connection, task: TaskId, *, now: datetime) -> SessionId | None:
    """Take up what is due of *task*; the session that has something to do because of it."""
    if not occurrences.take_up(conn, task, now=now):
        return None
    found = tasks.get(conn, task)
    return None if found is None else found.session_id
