"""What becomes of the occurrences of a task whose time has come, or has passed. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeAlias

from attrs import frozen

from nanoclaw.core.recurrence import Recurrence
from nanoclaw.model.tasks import Misfire, Outcome

GRACE = timedelta(minutes=5)
"""What is taken up within this time of its own is on time."""
MOST_AT_ONCE = 500
"""Occurrences that are each decided by itself when many have passed; those behind them are decided together."""
MOST_WAITING = {Misfire.LATEST: 1, Misfire.SKIP: 1, Misfire.ALL: 100}
"""Runs of one task that wait or are under way at a time."""
MOST_FAILURES = 5
"""Failed runs in a row after which a task is paused."""


@frozen
class Run:
    """This occurrence is put to the agent."""

    due: datetime


@frozen
class Pass:
    """This occurrence is not put to the agent."""

    due: datetime
    outcome: Outcome
    reason: str


Step: TypeAlias = Run | Pass


@frozen
class Due:
    """What is to be done about a task now."""

    steps: tuple[Step, ...]
    """In the order of their times, each once."""
    next: datetime | None
    """The occurrence to plan; None: there is no other."""


def come_due(due: datetime, recurrence: Recurrence | None, misfire: Misfire, *, now: datetime, waiting: int) -> Due:
    """Decide about the planned occurrence *due* and all that followed it up to *now*.

    Args:
      due: The planned one; later than *now*: nothing is to be done yet.
      recurrence: When others come; None: it is the only one.
      misfire: What the task wants of occurrences that have passed.
      now: The time.
      waiting: How many of its earlier runs are not over.
    """
    if due > now:
        return Due((), due)
    passed = _passed(due, recurrence, now)
    last = passed[-1]
    steps: list[Step] = []
    for one in passed:
        step = _step(one, misfire, is_last=one == last, now=now, waiting=waiting)
        if isinstance(step, Run):
            waiting += 1
        elif len(passed) > MOST_AT_ONCE and one == passed[-2]:
            step = Pass(one, step.outcome, f"{step.reason}; so it was with all up to the next that is recorded")
        steps.append(step)
    return Due(tuple(steps), None if recurrence is None else recurrence.after(last))


def is_late(due: datetime, taken_up: datetime) -> bool:
    """Was an occurrence taken up well after its time?"""
    return taken_up - due > GRACE


def _step(due: datetime, misfire: Misfire, *, is_last: bool, now: datetime, waiting: int) -> Step:
    match misfire:
        case Misfire.LATEST if not is_last:
            return Pass(due, Outcome.MISSED, "its time passed, and that of a later one as well")
        case Misfire.SKIP if not is_last or is_late(due, now):
            return Pass(due, Outcome.MISSED, "its time passed, and this task does not make up for it")
        case _ if waiting >= MOST_WAITING[misfire]:
            return Pass(due, Outcome.SKIPPED, "a run before it is not over")
        case _:
            return Run(due)


def _passed(due: datetime, recurrence: Recurrence | None, now: datetime) -> list[datetime]:
    """*due*, and what followed it up to *now*: the first `MOST_AT_ONCE`, and the last."""
    if recurrence is None:
        return [due]
    passed = [due, *islice(_until(recurrence.from_then_on(due), now), MOST_AT_ONCE - 1)]
    if len(passed) == MOST_AT_ONCE:
        last = recurrence.latest(now, since=passed[-1])
        if last > passed[-1]:
            passed.append(last)
    return passed


def _until(moments: Iterator[datetime], end: datetime) -> Iterator[datetime]:
    for one in moments:
        if one > end:
            return
        yield one
