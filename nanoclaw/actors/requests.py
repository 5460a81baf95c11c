"""What agents ask of the host itself: whether they may, by the table of `core.requests`, and what does each action.

A request is handled in the transaction that absorbs it, once, by what is true in that moment, and its agent is told
what came of it. One that cannot be granted wakes its agent: it may have promised somebody what it asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeAlias

import attrs
from attrs import frozen

from nanoclaw.actors import agent_requests, task_requests
from nanoclaw.actors.asker import Asker
from nanoclaw.core.destinations import Refused
from nanoclaw.core.notices import plain
from nanoclaw.core.requests import RULES, WINDOW, Denied, Right, decide_request
from nanoclaw.errors import UsageError
from nanoclaw.model.settings import AdminScope
from nanoclaw.store import asked, audit, entities, notices
from nanoclaw.store.audit import Outcome
from nanoclaw.store.settings import settings_of
from schema import payloads
from schema.payloads import PayloadError, SystemOut
from schema.requests import ACTIONS, REFUSED, result_key
from schema.sqlite import Connection

__all__ = ["HANDLERS", "Asker", "Handled", "handle"]

ADMIN = "admin"
MOST_ACTION = 60
"""Characters of an unknown action's name that are kept."""

Handler: TypeAlias = Callable[[Connection, Asker, str, Any, datetime], str]
"""Does what is asked and says what came of it. Raises `UsageError` with a sentence for the agent, nothing done."""

NONE: Mapping[str, Handler] = MappingProxyType({})

_DO: Mapping[type, Handler] = {**task_requests.DO, **agent_requests.DO}
HANDLERS: Mapping[str, Handler] = {name: _DO[cls] for name, cls in ACTIONS.items() if cls in _DO}
"""By the name that stands in the payload. Those that lean on other parts of the host are given to `handle`."""


@frozen
class Handled:
    """What handling a request came to."""

    new: bool
    """Was it asked for the first time?"""
    rights: bool = False
    """Has it changed what running sessions may know of their rights?"""
    dropped: Refused | None = None
    """Why it is none that could be handled at all; for the record."""


@frozen
class _Outcome:
    text: str
    accepted: bool = False
    wake: bool = True
    too_often: bool = False
    dropped: Refused | None = None


def handle(
    conn: Connection,
    asker: Asker,
    runner_id: str,
    said: SystemOut,
    digest: str,
    *,
    more: Mapping[str, Handler] = NONE,
    now: datetime,
) -> Handled:
    """Do what *said* asks, unless it was asked before, or it is not for this agent or for this turn.

    Args:
      conn: In a transaction.
      asker: Who asks, as the host knows it.
      runner_id: What the runner calls its row.
      said: An action and its arguments, in the runner's words.
      digest: Of the row, for the record.
      more: Handlers besides `HANDLERS`.
      now: The time.
    """
    session = asker.place.session.id
    if asked.is_known(conn, session, asker.epoch, runner_id):
        return Handled(new=False)
    shown = entities.last_shown(conn)
    handlers = {**HANDLERS, **more}
    came = _outcome(conn, asker, runner_id, said, handlers, now)
    action = said.action if said.action in handlers else plain(said.action, MOST_ACTION)
    row = asked.Asked(
        session_id=session,
        epoch=asker.epoch,
        runner_id=runner_id,
        action=action,
        digest=digest,
        accepted=came.accepted,
        result=came.text,
        handled_at=now,
    )
    asked.record(conn, row)
    _keep(conn, asker, row, said, came)
    if not came.accepted and not notices.have_room(conn, session):
        return Handled(new=True, dropped=came.dropped)
    notices.tell_agent(
        conn,
        session,
        key=result_key(session, asker.epoch, runner_id),
        action=action,
        text=came.text if came.accepted else f"{REFUSED}{came.text}",
        wake=came.wake,
        now=now,
    )
    return Handled(new=True, rights=entities.last_shown(conn) != shown, dropped=came.dropped)


def _keep(conn: Connection, asker: Asker, row: asked.Asked, said: SystemOut, came: _Outcome) -> None:
    """Record in the audit what takes a say. What is asked too often is counted among requests, and no more.

    Of an admin command that may be given, the record is that of the approval it asks for, or there is nothing to say.
    """
    rule = RULES.get(said.action)
    if rule is None or rule.right is Right.TALK or came.too_often or (came.accepted and said.action == ADMIN):
        return
    audit.record(
        conn,
        who=audit.agent(asker.place.agent_group.id),
        what=f"agent {said.action}",
        on=row.session_id,
        digest=row.digest,
        outcome=Outcome.DONE if came.accepted else Outcome.REFUSED,
        detail=came.text,
        at=row.handled_at,
    )


def _outcome(
    conn: Connection,
    asker: Asker,
    runner_id: str,
    said: SystemOut,
    handlers: Mapping[str, Handler],
    now: datetime,
) -> _Outcome:
    handler = handlers.get(said.action)
    if handler is None:
        # Nobody waits for what nobody offered: it does not wake its agent.
        why = "the host knows no such request"
        return _Outcome(why, wake=False, dropped=Refused("unknown-request", why))
    try:
        arguments = payloads.read_as(ACTIONS[said.action], said.arguments)
    except PayloadError as exc:
        return _Outcome(plain(str(exc)), dropped=Refused("bad-request", f"{said.action}: {plain(str(exc))}"))
    agent = asker.place.agent_group.id
    settings = settings_of(conn, agent)
    lately = asked.count(conn, agent, said.action, since=now - WINDOW, most=RULES[said.action].an_hour)
    verdict = decide_request(
        said.action,
        scope=AdminScope.GROUP if settings is None else settings.admin_scope,
        causes=asked.causes(conn, asker.place.session.id, agent, now=now),
        lately=lately,
    )
    if isinstance(verdict, Denied):
        return _Outcome(verdict.why, wake=not verdict.too_often, too_often=verdict.too_often)
    may = attrs.evolve(asker, right=verdict.right)
    try:
        return _Outcome(handler(conn, may, runner_id, arguments, now), accepted=True, wake=False)
    except UsageError as exc:
        return _Outcome(plain(str(exc)))
