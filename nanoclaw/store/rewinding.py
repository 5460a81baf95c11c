"""A session goes back to one of its settled turns, or another begins from there; in the caller's transaction.

Nothing that was said is said again: what came later stays where it is and is marked, and what was still to be answered
or sent is set aside. The model goes on with what it knew at that turn, if its provider has said where that is to be
found; otherwise it begins anew, and is told what had been said.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from attrs import frozen

from nanoclaw.core.session_cut import Cut, NoTurn, cut
from nanoclaw.core.session_notes import recollection
from nanoclaw.errors import UsageError
from nanoclaw.model.entities import MessagingGroup, Session, SessionKey
from nanoclaw.model.ids import SessionId
from nanoclaw.model.messages import Drop, InboundRow, LedgerRow, LedgerState
from nanoclaw.store import (
    audit,
    continuations,
    dead,
    drops,
    epochs,
    inbound,
    ledger,
    notices,
    sessions,
    unasked,
    wirings,
)
from nanoclaw.store.entities import Mint
from schema.rows import InStatus, select
from schema.sqlite import Connection, integer
from schema.times import write_time

REWOUND = "rewound"
NOTHING = "{}"
"""What is given to a sandbox whose model is to begin anew."""
_NOT_REWOUND = "NOT EXISTS (SELECT 1 FROM drops d WHERE d.reason = 'rewound' AND d.reference = m.id)"


@frozen(kw_only=True)
class Rewound:
    """What came of it."""

    turn: str
    marked: int
    """Messages, in and out, that came later."""
    set_aside: int
    """Those among them that were still to be answered or sent."""
    closed: int
    """Questions and approvals that people could still have answered."""
    remembers: bool
    """Does the model go on with what it knew then? Otherwise it is told what had been said."""


def find(conn: Connection, which: str) -> Session:
    """The session of that id, or whose id begins so. Raises `UsageError`."""
    there = sessions.sessions(conn)
    found = [one for one in there if one.id == which] or [one for one in there if which and one.id.startswith(which)]
    if len(found) != 1:
        why = "there is no session" if not found else "more than one session begins with"
        raise UsageError(f"{why} {which!r}: nanoclaw sessions list shows those there are")
    return found[0]


def cut_of(conn: Connection, session: SessionId, turn: str | None) -> Cut:
    """The session as of *turn*, without what was taken back before. Raises `UsageError` if there is no such turn."""
    came = select(
        conn,
        InboundRow,
        f"SELECT m.* FROM inbound m WHERE m.session_id = ? AND {_NOT_REWOUND} ORDER BY m.seq",  # noqa: S608 - our own
        (session,),
    )
    went = select(
        conn,
        LedgerRow,
        f"SELECT m.* FROM ledger m WHERE m.session_id = ? AND {_NOT_REWOUND} ORDER BY m.seq",  # noqa: S608 - our own
        (session,),
    )
    found = cut(came, went, turn)
    if isinstance(found, NoTurn):
        raise UsageError(f"{session}: {found.why}")
    return found


def remembered(conn: Connection, found: Cut) -> str | None:
    """What the next sandbox is given so that its model knows what it knew then, as JSON; None if nobody has said so."""
    settled = sorted(found.came, key=lambda row: (row.settled_at, row.seq))
    known = continuations.as_of(conn, [row.id for row in settled])
    return None if known == NOTHING else known


def rewind(conn: Connection, session: Session, found: Cut, *, now: datetime) -> Rewound:
    """Have *session* go on from the turn of *found*; no host runs. Again, it changes nothing but the note.

    Raises:
      UsageError: a host that died has left its sandbox.
    """
    if epochs.live(conn, session.id) is not None:
        raise UsageError(f"{session.id} has a sandbox that a dead host left: start the host, and stop it")
    why = f"{session.id} was taken back to {found.turn.id}"
    kept = {row.id for row in found.came} | {row.id for row in found.went}
    came = [row for row in _came(conn, session.id) if row.id not in kept]
    went = [row for row in _went(conn, session.id) if row.id not in kept]
    waiting = [row for row in came if row.status is InStatus.PENDING]
    for row in waiting:
        inbound.settle(conn, row.id, error=None, note=why, now=now)
    undecided = [row for row in went if row.settled_at is None]
    undecided += [row for row in found.went if row.settled_at is None]
    closed = 0
    for out in undecided:
        tried = out.state is LedgerState.SENDING or out.attempts > 0
        ledger.settle(conn, out.id, LedgerState.UNKNOWN if tried else LedgerState.DEAD, error=why, now=now)
        (settled,) = select(conn, LedgerRow, "SELECT * FROM ledger WHERE id = ?", (out.id,))
        dead.drop(conn, settled, now=now)
        closed += unasked.close_question(conn, settled, now=now)
    later: list[InboundRow | LedgerRow] = [*came, *went]
    for one in later:
        kind = "event" if isinstance(one, InboundRow) else "outbound"
        drop = Drop(
            key=f"{REWOUND}:{one.id}",
            kind=kind,
            session_id=session.id,
            reference=one.id,
            reason=REWOUND,
            detail=why,
            dropped_at=now,
        )
        drops.record(conn, drop)
        if isinstance(one, LedgerRow):
            closed += unasked.close_question(conn, one, now=now)
    closed += unasked.close_approvals(conn, session.id, since=found.at, now=now)
    known = remembered(conn, found)
    if later:
        sessions.save_provider_state(conn, session.id, known or NOTHING)
        said = f"This conversation was taken back to what it was on {found.at:%Y-%m-%d %H:%M} UTC; your files were not."
        key = f"{REWOUND}:{session.id}:{write_time(now)}"
        text = recollection(found, said, remembers=known is not None)
        notices.tell_agent(conn, session.id, key=key, action="session_rewound", text=text, now=now)
    _record(
        conn, "session rewind", session.id, found.turn.id, given={"session": session.id, "turn": found.turn.id}, now=now
    )
    return Rewound(
        turn=found.turn.id,
        marked=len(later),
        set_aside=len(waiting) + len(undecided),
        closed=closed,
        remembers=not later or known is not None,
    )


def fork(
    conn: Connection, session: Session, found: Cut, chat: MessagingGroup, *, mint: Mint, now: datetime
) -> SessionId:
    """Begin a session of the same agent in *chat* from the turn of *found*; returns its id.

    Raises:
      UsageError: the agent does not hear *chat*, or has a conversation there.
    """
    if session.agent_group_id not in {one.agent_group_id for one in wirings.wirings_of(conn, chat.id)}:
        raise UsageError(f"its agent does not hear {chat.name}: nanoclaw wirings create {chat.id} GROUP")
    key = SessionKey(agent_group_id=session.agent_group_id, messaging_group_id=chat.id, thread_id=None)
    there = sessions.session_for(conn, key, mint=mint, now=now)
    if integer(conn, "SELECT count(*) FROM inbound WHERE session_id = ?", (there,)):
        raise UsageError(f"there is a conversation in {chat.name} already: {there}")
    said = f"This conversation goes on from another as it was on {found.at:%Y-%m-%d %H:%M} UTC; your files are of now."
    key_of_note = f"forked:{there}"
    known = remembered(conn, found)
    sessions.save_provider_state(conn, there, known or NOTHING)
    text = recollection(found, said, remembers=known is not None)
    notices.tell_agent(conn, there, key=key_of_note, action="session_forked", text=text, now=now)
    detail = f"from {session.id} as of {found.turn.id}"
    given = {"session": session.id, "turn": found.turn.id, "chat": chat.id}
    _record(conn, "session fork", there, detail, given=given, now=now)
    return there


def _record(
    conn: Connection, what: str, on: SessionId, detail: str, *, given: Mapping[str, object], now: datetime
) -> None:
    audit.record(conn, who=audit.OPERATOR, what=what, on=on, digest=audit.digest(given), detail=detail, at=now)


def _came(conn: Connection, session: SessionId) -> list[InboundRow]:
    return select(conn, InboundRow, "SELECT * FROM inbound WHERE session_id = ? ORDER BY seq", (session,))


def _went(conn: Connection, session: SessionId) -> list[LedgerRow]:
    return select(conn, LedgerRow, "SELECT * FROM ledger WHERE session_id = ? ORDER BY seq", (session,))
