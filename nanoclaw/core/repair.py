"""What would `nanoclaw repair` do about what `verify` found? Pure: problems with their evidence in, steps out.

What was settled stays settled, and what may have been sent is never sent again by itself: a message out whose state
makes no sense is in doubt, for a person to decide. Nothing that cannot be made anew is deleted: it is set aside.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from enum import Enum
from typing import TypeAlias

from attrs import frozen

from nanoclaw.core.promises import Broken, Problem


class Mend(Enum):
    """A change of rows that keeps a promise again. The value is for people."""

    RECORD_LOSS = "write down that its message was lost: it is told by nanoclaw drops list"
    GIVE_BACK = "have it answered by the next sandbox"
    DOUBT = "hold it to be in doubt: it is not sent by itself, and nanoclaw dead list shows it"
    KEEP_DECIDED = "let it stay decided as it was"
    SETTLE_IN = "let it stay settled as it was"
    GIVE_UP_IN = "let it have failed: nanoclaw dead list shows it"
    PLAN = "plan its next time"
    UNPLAN = "take back what is planned"
    DECIDE_RUN = "decide the run as its message was"
    END_QUESTION = "let it have come to nothing, and tell its agent"
    FORGET_KEPT = "forget what was kept"
    EXPIRE = "let it be over undone, and tell whoever asked"
    FORGET_PROGRAM = "forget it: it is not started in any case; its agent can ask again"
    CATCH_UP = "set the counter to the last change"
    FORGET_STATE = "forget it: its next turn begins a new conversation with its model"
    FORGET_FILE = "let the message do without it, and write down that it was lost"


@frozen(kw_only=True)
class MendRow:
    """Change rows."""

    how: Mend
    problem: Problem


@frozen(kw_only=True)
class SetAside:
    """Move a file or a folder out of the way, to where a person can look at it."""

    path: str
    problem: Problem
    anew: bool = False
    """Is it made anew from the truth when it is needed?"""


@frozen(kw_only=True)
class RebuildIndexes:
    """Make all indexes anew: their tables are whole."""

    problem: Problem


@frozen(kw_only=True)
class NextStart:
    """Nothing: the next start of a host does it."""

    problem: Problem


@frozen(kw_only=True)
class ByHand:
    """Nothing that a program should decide."""

    problem: Problem
    mend: str


Change: TypeAlias = MendRow | SetAside | RebuildIndexes
Step: TypeAlias = Change | NextStart | ByHand

RESTORE = "nanoclaw backup restore NAME; nanoclaw backup list shows those there are"
REPORT = "restore a backup, or report it"
OUT = "out"
"""The evidence of a file that a message out is to take along."""
OF_AN_INDEX = (
    "wrong # of entries in index ",
    "missing from index ",
    "non-unique entry in index ",
)
MENDED_BY_ROWS = {
    Broken.UNHEARD: Mend.RECORD_LOSS,
    Broken.ORPHAN_CLAIM: Mend.GIVE_BACK,
    Broken.UNREADABLE_IN: Mend.GIVE_UP_IN,
    Broken.UNREADABLE_OUT: Mend.DOUBT,
    Broken.PARTS: Mend.DOUBT,
    Broken.IN_STATE: Mend.SETTLE_IN,
    Broken.UNPLANNED: Mend.PLAN,
    Broken.PLANNED_AFTER_ITS_END: Mend.UNPLAN,
    Broken.RUN_WITHOUT_END: Mend.DECIDE_RUN,
    Broken.UNSEEN_QUESTION: Mend.END_QUESTION,
    Broken.KEPT_AFTER_ITS_END: Mend.FORGET_KEPT,
    Broken.OTHER_PAYLOAD: Mend.EXPIRE,
    Broken.OTHER_PROGRAM: Mend.FORGET_PROGRAM,
    Broken.COUNTER_BEHIND: Mend.CATCH_UP,
    Broken.PROVIDER_STATE: Mend.FORGET_STATE,
}
SET_ASIDE = {
    Broken.STRAY_SESSION: False,
    Broken.STRAY_EPOCH: False,
    Broken.STRAY_FILE: False,
    Broken.CHANGED_FILE: False,
    Broken.LEFT_RESTORE: False,
    Broken.BROKEN_LINK: True,
}
"""Whether each is made anew."""


def plan(problems: Iterable[Problem]) -> tuple[Step, ...]:
    """What to do about each of *problems*, in their order; what says the same twice is done once."""
    return tuple(dict.fromkeys(judge(problem) for problem in problems))


def judge(problem: Problem) -> Step:
    """What to do about one problem."""
    broken = Broken(problem.what)
    if broken in MENDED_BY_ROWS:
        return MendRow(how=MENDED_BY_ROWS[broken], problem=problem)
    if broken in SET_ASIDE:
        return SetAside(path=problem.where, problem=problem, anew=SET_ASIDE[broken])
    match broken:
        case Broken.DAMAGED if any(words in problem.where for words in OF_AN_INDEX):
            return RebuildIndexes(problem=problem)
        case Broken.DAMAGED | Broken.DANGLING:
            return ByHand(problem=problem, mend=RESTORE)
        case Broken.OUT_STATE:
            # What has an end keeps it; what has none, or one that nobody knows, may have been sent.
            decided = problem.evidence.partition(",")[0] in ("delivered", "dead", "unknown", "rejected")
            return MendRow(how=Mend.KEEP_DECIDED if decided else Mend.DOUBT, problem=problem)
        case Broken.LOST_FILE:
            return (
                NextStart(problem=problem)
                if problem.evidence == OUT
                else MendRow(how=Mend.FORGET_FILE, problem=problem)
            )
        case Broken.LEFT_OPEN:
            return NextStart(problem=problem)
        case _:
            return ByHand(problem=problem, mend=problem.mend or REPORT)


def changes(steps: Iterable[Step]) -> tuple[Change, ...]:
    """Those of *steps* that change something. All of them want a home in which no host runs."""
    return tuple(step for step in steps if isinstance(step, Change))


def given_up(steps: Iterable[Step], done: AbstractSet[Change]) -> tuple[Step, ...]:
    """*steps* of another look, after some were *done*: what is to be done again did not help, and is for a person."""
    return tuple(
        ByHand(problem=step.problem, mend=REPORT) if isinstance(step, Change) and step in done else step
        for step in steps
    )
