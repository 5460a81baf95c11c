"""Dead letters in nanoclaw.db: messages in that failed, messages out that are dead, rejected or in doubt.

A message in is tried again as a new one: a sandbox that still runs has said of the old one that it failed, and will
say so again. A message out is tried again as itself, under its own key, so that its platform may know it.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from nanoclaw.errors import UsageError
from nanoclaw.model.ids import InboundId
from nanoclaw.model.messages import Drop, InboundRow, LedgerRow, LedgerState
from nanoclaw.store import approval_cards, drops, files, inbound, parts, questions
from nanoclaw.store.ticks import tick
from schema.rows import select
from schema.sqlite import Connection, execute
from schema.times import write_time

Dead: TypeAlias = InboundRow | LedgerRow

AGAIN = "~1"
"""How the id of a message in ends that comes again; the old one's stands before it."""
_SET_ASIDE = "NOT EXISTS (SELECT 1 FROM drops d WHERE d.key = 'dead:' || m.id)"


def dead_letters(conn: Connection, most: int) -> list[Dead]:
    """Those that nobody has dealt with: the latest of each side, the newest first."""
    came = select(
        conn,
        InboundRow,
        "SELECT m.* FROM inbound m WHERE m.status = 'failed' AND m.kind <> 'system'"  # noqa: S608 - our own texts
        f" AND NOT EXISTS (SELECT 1 FROM inbound again WHERE again.id = m.id || '~1') AND {_SET_ASIDE}"
        " ORDER BY m.settled_at DESC LIMIT ?",
        (most,),
    )
    went = select(
        conn,
        LedgerRow,
        "SELECT m.* FROM ledger m WHERE m.state IN ('dead', 'unknown', 'rejected')"  # noqa: S608 - our own texts
        f" AND {_SET_ASIDE} ORDER BY m.settled_at DESC LIMIT ?",
        (most,),
    )
    return sorted([*came, *went], key=lambda one: str(one.settled_at), reverse=True)


def retry(conn: Connection, letter: Dead, *, now: datetime) -> None:
    """Have *letter* tried again, from the beginning.

    Raises:
      UsageError: somebody has dealt with it meanwhile, or it shows people a request that is over.
    """
    if isinstance(letter, InboundRow):
        again = inbound.NewInbound(
            id=InboundId(f"{letter.id}{AGAIN}"),
            event_id=letter.event_id,
            kind=letter.kind,
            trigger=letter.trigger,
            channel=letter.channel,
            platform_id=letter.platform_id,
            thread_id=letter.thread_id,
            content=letter.content,
            said_at=letter.timestamp,
            series_id=letter.series_id,
            source_session_id=letter.source_session_id,
            hops=letter.hops,
            chain=letter.chain,
        )
        done = inbound.add(conn, again, session=letter.session_id, now=now)
    else:
        if not approval_cards.reopen(conn, letter.id):
            raise UsageError(f"{letter.id} shows a request that is over: there is nothing to decide any more")
        if letter.state is LedgerState.REJECTED:
            if files.of_message(conn, letter.id):
                raise UsageError(f"{letter.id} was sent, and its files are gone since: have its agent send it again")
            parts.begin_anew(conn, letter.id)
        done = bool(
            execute(
                conn,
                "UPDATE ledger SET state = 'pending', attempts = 0, not_before = :now, error = NULL, settled_at = NULL,"
                " retries = retries + 1, touched = :tick, doubt = iif(state = 'rejected', 0, doubt)"
                " WHERE id = :id AND state IN ('dead', 'unknown', 'rejected')",
                {"id": letter.id, "now": write_time(now), "tick": tick(conn)},
            )
        )
        questions.reopen(conn, letter.id)
    if not done:
        raise UsageError(f"{letter.id} is tried again already")


def drop(conn: Connection, letter: Dead, *, now: datetime) -> None:
    """Set *letter* aside for good. It stays where it is; a record says that somebody decided so."""
    is_in = isinstance(letter, InboundRow)
    record = Drop(
        key=f"dead:{letter.id}",
        kind="event" if is_in else "outbound",
        session_id=letter.session_id,
        reference=letter.id,
        reason="set-aside",
        detail=letter.error or "",
        dropped_at=now,
    )
    drops.record(conn, record)
