"""What can be wrong with a home, each kind in one sentence: `nanoclaw verify` finds it, `nanoclaw repair` judges it."""

from __future__ import annotations

from enum import Enum

from attrs import frozen


class Broken(Enum):
    """A promise that is not kept. The value is for people."""

    DAMAGED = "the file is damaged"
    DANGLING = "a row refers to nothing"
    UNHEARD = "an accepted event has neither a message nor a record of why not"
    ORPHAN_CLAIM = "a message is claimed by a sandbox that is gone"
    NUMBER_TWICE = "two messages of a session have one number"
    WRONG_SIDE = "a message has a number of the wrong side"
    OUT_STATE = "a message out is in no state, or in two"
    IN_STATE = "a message in is in no state, or in two"
    UNREADABLE_IN = "a message in cannot be read"
    UNREADABLE_OUT = "a message out cannot be read"
    PARTS = "a message is not in as many parts as it was cut into, or they arrived out of order"
    UNPLANNED = "an active task has nothing planned and nothing under way"
    PLANNED_AFTER_ITS_END = "a task that is not active has something planned"
    RUN_WITHOUT_END = "a run of a task is under way, and its message is settled"
    UNSEEN_QUESTION = "a question waits for an answer, and its message never arrived"
    KEPT_AFTER_ITS_END = "what was said is still kept for a request that is over"
    OTHER_PAYLOAD = "a request would do something else than was asked for"
    OTHER_PROGRAM = "a program that is kept is not the one that was approved"
    COUNTER_BEHIND = "the counter of changes is behind a change"
    PROVIDER_STATE = "what a session's model wants to be told again cannot be read"
    TWO_OPEN = "a session has two open epochs"
    PATTERN = "a wiring has a pattern that does not compile"
    LEFT_OPEN = "an epoch was left open by a host that died"
    NO_ACTOR = "an open epoch belongs to no actor"
    FORGOTTEN = "messages wait and nobody works on them"
    STRAY_SESSION = "a folder belongs to no session"
    STRAY_EPOCH = "a folder belongs to no open epoch"
    BROKEN_LINK = "an inbox that a sandbox would read is damaged"
    STRAY_FILE = "a file in the spool belongs to no message"
    CHANGED_FILE = "a file in the spool is not what came"
    LOST_FILE = "a file of a message is not in the spool"
    LEFT_RESTORE = "a restore was broken off before it was decided"


@frozen(kw_only=True)
class Problem:
    """Something that should not be."""

    what: str
    """Of which kind: the value of a `Broken`."""
    where: str
    mend: str
    evidence: str = ""
    """What was found there, if that decides what follows."""
