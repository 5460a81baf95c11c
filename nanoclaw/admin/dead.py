"""`nanoclaw dead`: messages that failed for good, why, and what is done with them."""

from __future__ import annotations

from typing import Annotated

from attrs import frozen

from nanoclaw.admin import references
from nanoclaw.admin.verb import Answer, Line, Request, Says, Verb, plain_cell
from nanoclaw.errors import UsageError
from nanoclaw.model.messages import InboundRow, LedgerState
from nanoclaw.store import dead
from nanoclaw.store.dead import Dead
from schema.sqlite import Connection

MOST = 10_000


@frozen(kw_only=True)
class ListDead:
    """How many."""

    most: Annotated[int, Says("how many of each side, the newest first")] = 50


@frozen(kw_only=True)
class OneDead:
    """Which one."""

    message: Annotated[str, Says("its id, or how it begins", positional=True)]


def list_dead(conn: Connection, asked: ListDead, _: Request) -> Answer:
    """Messages in that failed, and messages out that are dead, rejected or in doubt; the newest first."""
    if not 1 <= asked.most <= MOST:
        raise UsageError(f"--most: between 1 and {MOST:,}")
    rows = tuple(_line(one) for one in dead.dead_letters(conn, asked.most))
    return Answer(rows=rows, said=None if rows else "none: every message was answered, or somebody dealt with it")


def show_dead(conn: Connection, asked: OneDead, _: Request) -> Answer:
    """One of them, with all that is known."""
    one = references.dead_letter(conn, asked.message)
    came = plain_cell(one.timestamp if isinstance(one, InboundRow) else one.created_at)
    whole: Line = {**_line(one), "came": came, "thread": one.thread_id, "number": one.seq, "content": one.content}
    if isinstance(one, InboundRow):
        whole["sandboxes_logs"] = f"logs/sandboxes/{one.session_id}/"
    return Answer(rows=(whole,), one=True)


def retry_dead(conn: Connection, asked: OneDead, request: Request) -> Answer:
    """Try it again, from the beginning. What may have arrived may then arrive twice."""
    one = references.dead_letter(conn, asked.message)
    if not isinstance(one, InboundRow) and one.state is LedgerState.UNKNOWN:
        request.confirm(f"{one.id} may have arrived. Send it all the same?")
    dead.retry(conn, one, now=request.now)
    return Answer(said=f"{one.id} is tried again")


def drop_dead(conn: Connection, asked: OneDead, request: Request) -> Answer:
    """Set it aside for good. It is listed under drops."""
    one = references.dead_letter(conn, asked.message)
    request.confirm(f"Set {one.id} aside for good?")
    dead.drop(conn, one, now=request.now)
    return Answer(said=f"{one.id} is set aside")


def _line(one: Dead) -> Line:
    is_in = isinstance(one, InboundRow)
    return {
        "id": one.id,
        "what": one.kind.value if isinstance(one, InboundRow) else one.kind,
        "state": one.status.value if isinstance(one, InboundRow) else one.state.value,
        "when": plain_cell(one.settled_at),
        "direction": "in" if is_in else "out",
        "session": one.session_id,
        "place": None if one.channel is None else f"{one.channel}/{one.platform_id}",
        "tries": one.tries if isinstance(one, InboundRow) else one.attempts,
        "why": one.error,
    }


VERBS = (
    Verb("dead", "list", ListDead, list_dead),
    Verb("dead", "show", OneDead, show_dead),
    Verb("dead", "retry", OneDead, retry_dead, writes=True),
    Verb("dead", "drop", OneDead, drop_dead, writes=True, destroys=True),
)
