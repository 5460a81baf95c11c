"""`nanoclaw approvals`: what waits for a person, and the decision."""

from __future__ import annotations

from typing import Annotated

from attrs import frozen

from nanoclaw.admin import references
from nanoclaw.admin.verb import Answer, Line, Request, Says, Verb, plain_cell
from nanoclaw.core import approvals as rules
from nanoclaw.errors import UsageError
from nanoclaw.model.approvals import Approval, ApprovalKind, ApprovalState
from nanoclaw.store import approvals
from nanoclaw.store.entities import agent_groups, messaging_groups
from schema.payloads import Option
from schema.sqlite import Connection

MOST_PAYLOAD = 8_000
"""Characters that are shown of it; lock files of packages have more, and are on the card in words."""


@frozen(kw_only=True)
class List:
    """Which ones."""

    state: Annotated[ApprovalState | None, Says("only those in this state")] = None
    kind: Annotated[ApprovalKind | None, Says("only those of this kind")] = None
    chat: Annotated[str | None, Says("only those of this chat")] = None


@frozen(kw_only=True)
class One:
    """Which one."""

    approval: Annotated[str, Says("its id, or how it begins", positional=True)]


@frozen(kw_only=True)
class Approve:
    """Which one, and how."""

    approval: Annotated[str, Says("its id, or how it begins", positional=True)]
    option: Annotated[str | None, Says("which of its options, where there are several")] = None
    name: Annotated[str | None, Says("what a new agent is called")] = None


def list_approvals(conn: Connection, asked: List, _: Request) -> Answer:
    """What waits, or waited, for a person."""
    chat = None if asked.chat is None else references.chat(conn, asked.chat).id
    rows = tuple(
        _line(conn, one)
        for one in approvals.approvals(conn)
        if asked.state in (None, one.state)
        and asked.kind in (None, one.kind)
        and chat in (None, one.messaging_group_id)
    )
    return Answer(rows=rows, said=None if rows else "nothing waits for you")


def show(conn: Connection, asked: One, _: Request) -> Answer:
    """One request: all that would be done, and how to decide."""
    found = references.approval(conn, asked.approval)
    shown = approvals.shown_of(found)
    line = _line(conn, found) | {
        "shown": "\n".join((shown.title, *shown.lines)),
        "payload": found.payload
        if len(found.payload) <= MOST_PAYLOAD
        else f"{len(found.payload):,} characters, SHA-256 {found.digest}",
        "expires_at": plain_cell(found.expires_at),
        "answer": found.answer,
        "answered_by": found.answered_by,
        "answered_at": plain_cell(found.answered_at),
        "result": found.result,
    }
    return Answer(rows=(line,), one=True, said=_how(found))


def approve(conn: Connection, asked: Approve, request: Request) -> Answer:
    """Let it be done, as it was asked for."""
    found = references.approval(conn, asked.approval)
    option = _option(found, rules.NEW.label if asked.name is not None else asked.option)
    if option == rules.NEW:
        option = _new(asked.name)
    _decide(conn, found, option, request)
    said = f"approved: it is being done; nanoclaw approvals show {found.id} says what came of it"
    return Answer(rows=(_line(conn, references.approval(conn, found.id)),), one=True, said=said)


def reject(conn: Connection, asked: One, request: Request) -> Answer:
    """Let it not be done. What was kept for it is forgotten."""
    found = references.approval(conn, asked.approval)
    no = next(option for option in approvals.options_of(found) if option.value == rules.REJECT.value)
    _decide(conn, found, no, request)
    return Answer(rows=(_line(conn, references.approval(conn, found.id)),), one=True, said="rejected")


def _decide(conn: Connection, found: Approval, option: Option, request: Request) -> None:
    if approvals.decide(conn, found.id, option, by=request.operator, now=request.now) is None:
        over = rules.outcome(found, approvals.decider(conn, found))
        late = found.state is ApprovalState.PENDING
        raise UsageError(f"{found.id} cannot be decided any more: {'its time is over' if late else over}")


def _option(found: Approval, said: str | None) -> Option:
    options = [option for option in approvals.options_of(found) if option.value != rules.REJECT.value]
    if said is None and len(options) == 1:
        return options[0]
    for option in options:
        if said is not None and said.casefold() in {option.label.casefold(), option.value.casefold()}:
            return option
    labels = ", ".join(f"“{option.label}”" for option in options)
    raise UsageError(f"say with --option which: {labels}")


def _new(name: str | None) -> Option:
    if name is None:
        raise UsageError("say with --name what the new agent is called")
    said = rules.named(name)
    if not isinstance(said, Option):
        raise UsageError(f"--name: {said.why if said is not None else 'that is no name'}")
    return said


def _how(found: Approval) -> str | None:
    if found.state is not ApprovalState.PENDING:
        return None
    options = [option for option in approvals.options_of(found) if option.value != rules.REJECT.value]
    yes = "; ".join(
        f"nanoclaw approvals approve {found.id}"
        + (" --name NAME" if option == rules.NEW else f" --option '{option.label}'" if len(options) > 1 else "")
        for option in options
    )
    return f"yes: {yes}; no: nanoclaw approvals reject {found.id}"


def _line(conn: Connection, one: Approval) -> Line:
    chats = {chat.id: chat.name for chat in messaging_groups(conn)}
    groups = {group.id: group.name for group in agent_groups(conn)}
    return {
        "id": one.id,
        "kind": one.kind.value,
        "state": one.state.value,
        "chat": None if one.messaging_group_id is None else chats[one.messaging_group_id],
        "chat_id": one.messaging_group_id,
        "group": None if one.agent_group_id is None else groups[one.agent_group_id],
        "group_id": one.agent_group_id,
        "about": one.subject,
        "requested_at": plain_cell(one.requested_at),
    }


VERBS = (
    Verb("approvals", "list", List, list_approvals),
    Verb("approvals", "show", One, show),
    Verb("approvals", "approve", Approve, approve, writes=True),
    Verb("approvals", "reject", One, reject, writes=True),
)
