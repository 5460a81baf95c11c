"""What is old in nanoclaw.db goes, a bounded number of rows at a time; `core/retention.py` says which.

Each step looks at the next `MOST_ROWS` of a table behind a cursor and removes those that may go, in the caller's
transaction, with all that belongs to them: an event with the last row that accounts for it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from attrs import frozen

from nanoclaw.core.retention import Remove, Settled, decide
from nanoclaw.store.forgetting import forget_events
from nanoclaw.store.inbound import SHOWN_SETTLED
from schema.sqlite import Connection, Row, execute, fetch
from schema.times import read_time

MOST_ROWS = 200
"""That one transaction looks at."""
A_MONTH = timedelta(days=31)
"""What a budget counts of; shorter than that nothing of it is kept."""


@frozen(kw_only=True)
class Step:
    """What one transaction did."""

    removed: int
    after: int
    """The last row that it looked at; 0: the table's end was reached, and the next step begins anew."""


class Prune(Protocol):
    """One step through one table."""

    def __call__(self, conn: Connection, *, after: int, keep: timedelta, now: datetime) -> Step:
        """Look at the rows behind *after*, and remove those that were settled *keep* ago and that nobody needs."""
        ...


# Of a message that was tried again, the second stays as long as the first: it says that somebody dealt with that.
_INBOUND = """
SELECT i.rowid AS place, i.id AS key, i.event_id AS event, i.settled_at AS at,
       EXISTS (SELECT 1 FROM occurrences o WHERE o.inbound_id = i.id AND o.outcome IS NULL)
         OR EXISTS (SELECT 1 FROM ledger l WHERE l.state IN ('pending', 'sending') AND l.in_reply_to = i.id)
         OR i.id LIKE '%~1' AND EXISTS (SELECT 1 FROM inbound x WHERE x.id = substr(i.id, 1, length(i.id) - 2))
         AS needed,
       i.seq >= coalesce((SELECT seq FROM inbound x WHERE x.session_id = i.session_id
                             AND x.status NOT IN ('pending', 'paused')
                           ORDER BY seq DESC LIMIT 1 OFFSET :shown - 1), 0) AS shown,
       i.status = 'failed' AND i.kind <> 'system'
         AND NOT EXISTS (SELECT 1 FROM inbound again WHERE again.id = i.id || '~1')
         AND NOT EXISTS (SELECT 1 FROM drops d WHERE d.key = 'dead:' || i.id) AS unresolved
  FROM inbound i WHERE i.rowid > :after ORDER BY i.rowid LIMIT :most
"""
_LEDGER = """
SELECT l.position AS place, l.id AS key, NULL AS event, l.settled_at AS at,
       EXISTS (SELECT 1 FROM epochs e WHERE e.session_id = l.session_id AND e.number = l.epoch AND e.ended_at IS NULL)
         OR EXISTS (SELECT 1 FROM questions q WHERE q.ledger_id = l.id AND q.state = 'open')
         OR EXISTS (SELECT 1 FROM approval_cards c WHERE c.ledger_id = l.id AND c.state = 'open') AS needed,
       l.session_id IS NOT NULL AND (
         l.touched >= coalesce((SELECT touched FROM ledger x WHERE x.session_id = l.session_id
                                   AND x.settled_at IS NOT NULL ORDER BY touched DESC LIMIT 1 OFFSET :shown - 1), 0)
         OR l.seq = (SELECT max(seq) FROM ledger x WHERE x.session_id = l.session_id)) AS shown,
       l.state IN ('dead', 'unknown', 'rejected')
         AND NOT EXISTS (SELECT 1 FROM drops d WHERE d.key = 'dead:' || l.id) AS unresolved
  FROM ledger l WHERE l.position > :after ORDER BY l.position LIMIT :most
"""
# What was set aside would turn up as unresolved again; a row of an open outbox may be read again.
_DROPS = """
SELECT d.rowid AS place, d.key AS key, d.event_id AS event, d.dropped_at AS at,
       (d.reason IN ('set-aside', 'rewound') AND (EXISTS (SELECT 1 FROM inbound i WHERE i.id = d.reference)
                                    OR EXISTS (SELECT 1 FROM ledger l WHERE l.id = d.reference)))
         OR EXISTS (SELECT 1 FROM epochs e WHERE e.session_id = d.session_id AND e.number = d.epoch
                                             AND e.ended_at IS NULL) AS needed,
       0 AS shown, 0 AS unresolved
  FROM drops d WHERE d.rowid > :after ORDER BY d.rowid LIMIT :most
"""
_APPROVALS = """
SELECT a.rowid AS place, a.id AS key, NULL AS event, a.ended_at AS at,
       EXISTS (SELECT 1 FROM approval_cards c WHERE c.approval_id = a.id) AS needed, 0 AS shown, 0 AS unresolved
  FROM approvals a WHERE a.rowid > :after ORDER BY a.rowid LIMIT :most
"""
_EPOCHS = """
SELECT e.rowid AS place, e.rowid AS key, NULL AS event, e.ended_at AS at,
       EXISTS (SELECT 1 FROM ledger l WHERE l.session_id = e.session_id AND l.epoch = e.number) AS needed,
       e.number = (SELECT max(number) FROM epochs x WHERE x.session_id = e.session_id) AS shown, 0 AS unresolved
  FROM epochs e WHERE e.rowid > :after ORDER BY e.rowid LIMIT :most
"""


def inbound(conn: Connection, *, after: int, keep: timedelta, now: datetime) -> Step:
    """Messages in, the occurrences that they were, and the events that nobody else heard."""
    old, step = _old(conn, _INBOUND, after, keep, now)
    keys = [row["key"] for row in old]
    _delete(conn, "occurrences", "inbound_id", keys)
    _delete(conn, "inbound", "id", keys)
    forget_events(conn, [row["event"] for row in old])
    return step


def ledger(conn: Connection, *, after: int, keep: timedelta, now: datetime) -> Step:
    """Messages out, the records of their files, the questions that they asked, and the cards that they were."""
    old, step = _old(conn, _LEDGER, after, keep, now)
    keys = [row["key"] for row in old]
    _delete(conn, "questions", "ledger_id", keys)
    _delete(conn, "approval_cards", "ledger_id", keys)
    _delete(conn, "ledger_files", "ledger_id", keys)
    _delete(conn, "ledger", "id", keys)
    return step


def drops(conn: Connection, *, after: int, keep: timedelta, now: datetime) -> Step:
    """Records of what was dropped, and the events that they account for."""
    old, step = _old(conn, _DROPS, after, keep, now)
    _delete(conn, "drops", "key", [row["key"] for row in old])
    forget_events(conn, [row["event"] for row in old])
    return step


def approvals(conn: Connection, *, after: int, keep: timedelta, now: datetime) -> Step:
    """What was asked of people and is over, once its cards are gone."""
    old, step = _old(conn, _APPROVALS, after, keep, now)
    _delete(conn, "approvals", "id", [row["key"] for row in old])
    return step


def epochs(conn: Connection, *, after: int, keep: timedelta, now: datetime) -> Step:
    """Epochs of which no message is left, what their agents asked of the host, and what their models took."""
    old, step = _old(conn, _EPOCHS, after, keep, now)
    keys = json.dumps([row["key"] for row in old])
    for table in ("requests", "usage"):
        execute(
            conn,
            f"DELETE FROM {table} WHERE (session_id, epoch) IN"  # noqa: S608 - our own words
            " (SELECT session_id, number FROM epochs WHERE rowid IN (SELECT value FROM json_each(?)))",
            (keys,),
        )
    execute(conn, "DELETE FROM epochs WHERE rowid IN (SELECT value FROM json_each(?))", (keys,))
    return step


def spending(conn: Connection, *, after: int, keep: timedelta, now: datetime) -> Step:
    """What models took on days that are over, a day of each agent, session and model a row. Cursor: there is none."""
    del after
    # A day is one of the home's own zone, which may end a day later than ours.
    last = (now - max(keep, A_MONTH) - timedelta(days=2)).date()
    removed = execute(
        conn,
        "DELETE FROM spending WHERE (agent_group_id, day, session_id, model) IN"
        " (SELECT agent_group_id, day, session_id, model FROM spending WHERE day <= ? LIMIT ?)",
        (last.isoformat(), MOST_ROWS),
    )
    return Step(removed=removed, after=int(removed == MOST_ROWS))


def _old(conn: Connection, sql: str, after: int, keep: timedelta, now: datetime) -> tuple[list[Row], Step]:
    """The rows behind *after* that may go."""
    rows = fetch(
        conn, sql, {"after": after, "most": MOST_ROWS, **({"shown": SHOWN_SETTLED} if ":shown" in sql else {})}
    )
    old = [row for row in rows if isinstance(decide(_settled(row), keep, now=now), Remove)]
    last = int(str(rows[-1]["place"])) if len(rows) == MOST_ROWS else 0
    return old, Step(removed=len(old), after=last)


def _settled(row: Row) -> Settled:
    at = row["at"]
    return Settled(
        at=None if at is None else read_time(str(at)),
        needed=bool(row["needed"]),
        shown=bool(row["shown"]),
        unresolved=bool(row["unresolved"]),
    )


def _delete(conn: Connection, table: str, column: str, keys: Sequence[object]) -> None:
    sql = f"DELETE FROM {table} WHERE {column} IN (SELECT value FROM json_each(?))"  # noqa: S608 - our own words
    execute(conn, sql, (json.dumps(keys),))
