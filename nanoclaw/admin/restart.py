"""`nanoclaw groups restart`: an agent's sandboxes end, and new ones begin with the settings and the image of now."""

from __future__ import annotations

from typing import Annotated

from attrs import frozen

from nanoclaw.admin import references
from nanoclaw.admin.verb import Answer, Line, Request, Says, Verb
from nanoclaw.core.notices import plain
from nanoclaw.errors import UsageError
from nanoclaw.model.ids import AgentGroupId, EpochNumber, InboundId, SessionId
from nanoclaw.store import epochs
from nanoclaw.store.restarting import begin_anew
from nanoclaw.store.sessions import sessions
from schema.sqlite import Connection

MOST_MESSAGE = 10_000
"""Characters."""
WHY = "its agent group was told to restart"


@frozen(kw_only=True)
class Restart:
    """Which one, and what its agents shall know."""

    group: Annotated[str, Says("its name, its folder or its id", positional=True)]
    message: Annotated[
        str | None, Says("what each new sandbox is told as it wakes; without it they begin with the next message")
    ] = None
    rebuild: Annotated[
        bool, Says("build its image anew first; the sandboxes end only if that works. Done where the command is given")
    ] = False


def restart(conn: Connection, asked: Restart, request: Request) -> Answer:
    """End the sandboxes of a group; what they were at is taken up by new ones. Only sandboxes that run are told."""
    group = references.agent_group(conn, asked.group)
    if asked.message is not None and not 0 < len(asked.message.strip()) <= MOST_MESSAGE:
        raise UsageError(f"--message: 1 to {MOST_MESSAGE:,} characters")
    rows: list[Line] = []
    for session in _sessions(conn, group.id):
        tells = asked.message and (InboundId(request.mint("wake")), plain(asked.message.strip()))
        epoch = begin_anew(conn, session, why=WHY, tells=tells or None, now=request.now)
        if epoch is not None:
            rows.append({"session": session, "epoch": epoch})
    if not rows:
        return Answer(said=f"no sandbox of {group.name} runs: the next one starts with the settings of now anyway")
    many = "its sandbox ends" if len(rows) == 1 else f"its {len(rows)} sandboxes end"
    return Answer(rows=tuple(rows), said=f"restarting {group.name}: {many}, and new ones take up what is left")


def end_sandboxes(conn: Connection, group: AgentGroupId) -> list[tuple[SessionId, EpochNumber]]:
    """Have the sandboxes of *group* that run end, and new ones take up what is left; which lives end."""
    told = [(session, epochs.tell_to_end(conn, session, WHY)) for session in _sessions(conn, group)]
    return [(session, epoch) for session, epoch in told if epoch is not None]


def _sessions(conn: Connection, group: AgentGroupId) -> list[SessionId]:
    return [session.id for session in sessions(conn) if session.agent_group_id == group]


VERBS = (Verb("groups", "restart", Restart, restart, writes=True),)
