"""Running a verb: what writes leaves a record in the audit, in the same transaction; so does what was refused."""

from __future__ import annotations

from collections.abc import Mapping

from nanoclaw.admin.verb import Answer, Request, Verb
from nanoclaw.store import audit
from nanoclaw.store.audit import Outcome
from schema.sqlite import Connection


def perform(conn: Connection, verb: Verb, said: Mapping[str, object], request: Request, *, note: str = "") -> Answer:
    """Run *verb*, in the caller's transaction.

    Args:
      conn: In a transaction; of a verb that only looks, a snapshot is enough.
      verb: What to do.
      said: Its arguments, by name.
      request: Who asks, and when.
      note: What to say of it in the record, before what came of it.

    Raises:
      UsageError: it is refused; the caller undoes the transaction, and records it with `refused` in another one.
      ConfirmationNeededError: nothing is done yet.
    """
    answer = verb.handler(conn, verb.read(dict(said)), request)
    if verb.writes:
        _record(conn, verb, said, request, Outcome.DONE, f"{note}{answer.said or ''}")
    return answer


def refused(conn: Connection, verb: Verb, said: Mapping[str, object], request: Request, why: str) -> None:
    """Record that somebody wanted it done, and was refused."""
    _record(conn, verb, said, request, Outcome.REFUSED, why)


def _record(
    conn: Connection, verb: Verb, said: Mapping[str, object], request: Request, outcome: Outcome, detail: str
) -> None:
    named = [str(said[one.name]) for one in verb.parameters() if one.positional and said.get(one.name) is not None]
    audit.record(
        conn,
        who=request.operator or audit.HOST,
        what=verb.name,
        on=" ".join(named) or None,
        digest=audit.digest(said),
        outcome=outcome,
        detail=detail or None,
        at=request.now,
    )
