"""What agents ask of the host itself: a table of actions, and the handler that each has.

A request is handled in the transaction that absorbs it, once, and its agent is told what came of it. One that cannot be
granted wakes its agent: it may have promised somebody what it asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeAlias

from attrs import frozen

from nanoclaw.actors import task_requests
from nanoclaw.actors.asker import Asker
from nanoclaw.core.notices import plain
from nanoclaw.errors import UsageError
from nanoclaw.store import asked, notices
from schema import payloads
from schema.payloads import PayloadError, SystemOut
from schema.requests import ACTIONS, REFUSED, result_key
from schema.sqlite import Connection

__all__ = ["HANDLERS", "Asker", "handle"]

Handler: TypeAlias = Callable[[Connection, Asker, str, Any, datetime], str]
"""Does what is asked and says what came of it. Raises `UsageError` with a sentence for the agent, nothing done."""


@frozen
class _Action:
    """How one action is read, and done."""

    arguments: type
    do: Handler


HANDLERS: dict[str, _Action] = {name: _Action(cls, task_requests.DO[cls]) for name, cls in ACTIONS.items()}
"""By the name that stands in the payload."""


def handle(conn: Connection, asker: Asker, runner_id: str, said: SystemOut, digest: str, *, now: datetime) -> bool:
    """Do what *said* asks, unless it was asked before; says whether it was new.

    Args:
      conn: In a transaction.
      asker: Who asks, as the host knows it.
      runner_id: What the runner calls its row.
      said: An action of `HANDLERS` and its arguments.
      digest: Of the row, for the record.
      now: The time.
    """
    session = asker.place.session.id
    if asked.is_known(conn, session, asker.epoch, runner_id):
        return False
    action = HANDLERS[said.action]
    try:
        result, accepted = (
            action.do(conn, asker, runner_id, payloads.read_as(action.arguments, said.arguments), now),
            True,
        )
    except (UsageError, PayloadError) as exc:
        result, accepted = plain(str(exc)), False
    row = asked.Asked(
        session_id=session,
        epoch=asker.epoch,
        runner_id=runner_id,
        action=said.action,
        digest=digest,
        accepted=accepted,
        result=result,
        handled_at=now,
    )
    asked.record(conn, row)
    notices.tell_agent(
        conn,
        session,
        key=result_key(session, asker.epoch, runner_id),
        action=said.action,
        text=result if accepted else f"{REFUSED}{result}",
        wake=not accepted,
        now=now,
    )
    return True
