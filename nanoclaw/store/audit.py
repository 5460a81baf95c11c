"""The audit: who did what with a say in the house, to what, and how it ended. Added to, and never changed.

An act that is one transaction is recorded in it, so there is no such act without its record. One that takes time, or
touches more than the truth, is recorded as begun before it begins, and again at its end.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum

from attrs import frozen

from nanoclaw.core.digests import canonical, digest_of
from nanoclaw.core.notices import plain
from nanoclaw.core.retention import Remove, Settled, decide
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.store.retention import MOST_ROWS, Step
from schema.rows import select
from schema.sqlite import Connection, execute, scalar
from schema.times import write_time

HOST = "host"
"""Who does what nobody asked for."""
OPERATOR = "operator"
"""Whoever works on the home itself, beside a host."""
REMOVE = "audit remove"
"""What old records go by: its subject is the time up to which. The table's trigger knows the word."""
MOST_TEXT = 300
"""Characters of a subject, and of a detail."""
MOST_SHOWN = 10_000


class Outcome(Enum):
    """How an act ended."""

    BEGUN = "begun"
    DONE = "done"
    REFUSED = "refused"
    """Nothing of it was done."""
    FAILED = "failed"
    """It was begun, and some of it may be done."""


@frozen(kw_only=True)
class Record:
    """A row of audit."""

    number: int
    at: datetime
    who: str
    what: str
    subject: str | None
    digest: str | None
    outcome: Outcome
    detail: str | None


def agent(group: AgentGroupId) -> str:
    """An agent, as who did something."""
    return f"agent:{group}"


def digest(payload: Mapping[str, object]) -> str:
    """What all that an act was given is known by. No secret is part of *payload*: a short one can be guessed."""
    return digest_of(canonical(payload))


def record(
    conn: Connection,
    *,
    who: str,
    what: str,
    on: str | None = None,
    digest: str | None = None,
    outcome: Outcome = Outcome.DONE,
    detail: str | None = None,
    at: datetime,
) -> None:
    """Add a record, in the caller's transaction: that of the act, where the act is one.

    Args:
      conn: In a transaction.
      who: A user's id, `agent(…)` or `HOST`.
      what: The act, in the same few words each time: a verb's own name.
      on: What it was about: a name or an id.
      digest: Of all that it was given.
      outcome: How it ended.
      detail: What came of it, or why not, for people. Never a secret.
      at: The time.
    """
    execute(
        conn,
        "INSERT INTO audit (at, who, what, subject, digest, outcome, detail)"
        " VALUES (:at, :who, :what, :on, :digest, :outcome, :detail)",
        {
            "at": write_time(at),
            "who": plain(who, MOST_TEXT) or HOST,
            "what": what,
            "on": None if on is None else plain(on, MOST_TEXT),
            "digest": digest,
            "outcome": outcome.value,
            "detail": None if detail is None else plain(detail, MOST_TEXT),
        },
    )


def is_refused(conn: Connection, *, who: str, what: str, on: str, detail: str) -> bool:
    """Is it on record already that *who* was refused just that, for that reason?"""
    found = scalar(
        conn,
        "SELECT 1 FROM audit WHERE subject = ? AND who = ? AND what = ? AND outcome = 'refused' AND detail = ?",
        (on, plain(who, MOST_TEXT), what, plain(detail, MOST_TEXT)),
    )
    return found is not None


def records(
    conn: Connection,
    *,
    who: str | None = None,
    what: str | None = None,
    since: datetime | None = None,
    most: int = MOST_SHOWN,
) -> list[Record]:
    """The latest records, the oldest of them first: *who* is part of who did it, *what* of the act's name."""
    found = select(
        conn,
        Record,
        "SELECT * FROM audit WHERE at >= :since AND instr(lower(who), :who) AND instr(lower(what), :what)"
        " ORDER BY number DESC LIMIT :most",
        {
            "since": "" if since is None else write_time(since),
            "who": (who or "").lower(),
            "what": (what or "").lower(),
            "most": most,
        },
    )
    return found[::-1]


def prune(conn: Connection, *, after: int, keep: timedelta, now: datetime) -> Step:
    """Remove the oldest records, made *keep* ago; that they go is a record itself. See `retention.Prune`."""
    oldest = select(conn, Record, "SELECT * FROM audit ORDER BY number LIMIT ?", (MOST_ROWS,))
    old = [one for one in oldest if isinstance(decide(Settled(at=one.at), keep, now=now), Remove)]
    if not old:
        return Step(removed=0, after=0)
    last = max(one.at for one in old)
    record(conn, who=HOST, what=REMOVE, on=write_time(last), detail=f"{len(old)} records that were old enough", at=now)
    removed = [execute(conn, "DELETE FROM audit WHERE number = ?", (one.number,)) for one in old]
    # The table's beginning is where old records are: there is no place to go on from.
    return Step(removed=len(removed), after=int(len(old) == MOST_ROWS))
