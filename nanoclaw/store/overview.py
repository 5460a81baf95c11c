"""All that is open in nanoclaw.db at one moment: sessions, lanes, and what waits for people. Looks, never touches.

However many sessions rest and however long the house has lived: each question is a walk over an index of what is open.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from nanoclaw.core.budgets import UsedUp, day_of, decide
from nanoclaw.model.ids import AgentGroupId, SessionId
from nanoclaw.model.overview import ApprovalRecord, LaneRecord, Record, SessionRecord
from nanoclaw.store import parkings, spending
from schema.rows import codec, read_row
from schema.sqlite import Connection, Row, Value, fetch, integer
from schema.times import write_time

MOST = 1_000
"""Of the sessions, lanes, claims and approvals that are open, as many of each are shown; the rest is counted."""

_OPEN = """
SELECT session_id FROM inbound WHERE status = 'pending' AND trigger = 1
UNION SELECT session_id FROM inbound WHERE status = 'paused'
UNION SELECT session_id FROM epochs WHERE ended_at IS NULL
UNION SELECT session_id FROM parkings
UNION SELECT session_id FROM ledger WHERE state IN ('pending', 'sending') AND session_id IS NOT NULL
UNION SELECT session_id FROM questions WHERE state = 'open'
UNION SELECT session_id FROM approvals WHERE state IN ('pending', 'executing') AND session_id IS NOT NULL
"""
_CLAIMS = """
SELECT session_id, id, kind, claimed_epoch AS epoch, claimed_at, tries FROM inbound
 WHERE status = 'pending' AND claimed_epoch IS NOT NULL ORDER BY claimed_at, seq
"""
_LANES = """
SELECT l.channel, l.platform_id, w.waiting, w.since, l.id AS head, l.session_id, l.state, l.attempts, l.not_before,
       l.error
  FROM (SELECT min(position) AS head, count(*) AS waiting, min(created_at) AS since FROM ledger
         WHERE state IN ('pending', 'sending') GROUP BY channel, platform_id) w
  JOIN ledger l ON l.position = w.head ORDER BY w.since
"""
_ASIDE = "NOT EXISTS (SELECT 1 FROM drops d WHERE d.key = 'dead:' || m.id)"
_DEAD = f"""
SELECT m.session_id, m.id, 'failed' AS state, m.error, m.settled_at AS at FROM inbound m
 WHERE m.status = 'failed' AND m.kind <> 'system' AND {_ASIDE}
   AND NOT EXISTS (SELECT 1 FROM inbound again WHERE again.id = m.id || '~1')
UNION ALL SELECT m.session_id, m.id, m.state, m.error, m.settled_at FROM ledger m
 WHERE m.state IN ('dead', 'unknown', 'rejected') AND m.session_id IS NOT NULL AND {_ASIDE}
 ORDER BY at
"""  # noqa: S608 - our own texts
_APPROVALS = """
SELECT id, kind, title, session_id, requested_at, expires_at FROM approvals
 WHERE state IN ('pending', 'executing') ORDER BY requested_at
"""
_SESSIONS = """
SELECT s.id, s.agent_group_id, a.name AS agent, coalesce(c.name, c.platform_id) AS chat,
       e.number AS epoch, e.started_at AS epoch_at,
       p.ending AS last_ending, p.detail AS last_detail
  FROM json_each(:sessions) one JOIN sessions s ON s.id = one.value
  JOIN agent_groups a ON a.id = s.agent_group_id
  LEFT JOIN messaging_groups c ON c.id = s.messaging_group_id
  LEFT JOIN epochs e ON e.session_id = s.id AND e.ended_at IS NULL
  LEFT JOIN epochs p ON p.session_id = s.id AND p.number =
       (SELECT max(number) FROM epochs WHERE session_id = s.id AND ended_at IS NOT NULL)
 ORDER BY s.id
"""
_DUE = """
SELECT session_id, count(*) FILTER (WHERE due) AS due,
       min(coalesce(process_after, timestamp)) FILTER (WHERE due) AS since,
       min(process_after) FILTER (WHERE NOT due) AS next_at, max(tries) AS tries
  FROM (SELECT session_id, timestamp, process_after, tries, coalesce(process_after <= :now, 1) AS due FROM inbound
         WHERE status = 'pending' AND trigger = 1 AND claimed_epoch IS NULL)
 GROUP BY session_id
"""
_PAUSED = "SELECT session_id, count(*) AS paused FROM inbound WHERE status = 'paused' GROUP BY session_id"
_REPLIES = """
SELECT l.session_id, w.undelivered, l.id AS reply, l.channel, l.platform_id
  FROM (SELECT min(position) AS first, count(*) AS undelivered FROM ledger
         WHERE state IN ('pending', 'sending') AND session_id IS NOT NULL GROUP BY session_id) w
  JOIN ledger l ON l.position = w.first
"""
_QUESTIONS = """
SELECT session_id, min(asked_at) AS question_at, id AS question FROM questions WHERE state = 'open' GROUP BY session_id
"""

_NOTHING: Row = {
    "session_id": None,
    "due": 0,
    "since": None,
    "next_at": None,
    "tries": 0,
    "paused": 0,
    "undelivered": 0,
    "reply": None,
    "channel": None,
    "platform_id": None,
    "question": None,
    "question_at": None,
    "approval": None,
    "approval_title": None,
}
"""What is known of a session of which nothing is."""


def _used_up(conn: Connection, local: datetime) -> dict[AgentGroupId, str]:
    """Why, of each agent group whose budget is used up."""
    day = day_of(local)
    verdicts = {
        group: decide(budget, spending.spent(conn, group, day)) for group, budget in spending.budgets(conn).items()
    }
    return {group: verdict.why for group, verdict in verdicts.items() if isinstance(verdict, UsedUp)}


def _asks(approval: Row) -> Row:
    return {
        "session_id": approval["session_id"],
        "approval": approval["id"],
        "approval_title": approval["title"],
    }


def record(
    conn: Connection, also: Collection[SessionId], *, now: datetime, local: datetime, most: int = MOST
) -> Record:
    """All of it at *now*.

    Args:
      conn: Of one state of the truth.
      also: Sessions to look at whatever is open of them.
      now: The host's time.
      local: The same in the home's zone.
      most: Of each kind; what is over is counted.
    """
    used_up = _used_up(conn, local)
    parked = {row["session_id"]: row for row in fetch(conn, parkings.PARKINGS)}
    dead = {row["session_id"]: row for row in fetch(conn, _DEAD)}
    opened = [row["session_id"] for row in fetch(conn, _OPEN)]
    wanted = list(dict.fromkeys([*opened, *also, *dead]))
    lanes, approvals = fetch(conn, _LANES), fetch(conn, _APPROVALS)
    sessions = fetch(conn, _SESSIONS, {"sessions": json.dumps(wanted[:most])})
    claims: dict[Value, list[Row]] = defaultdict(list)
    claimed, shown = fetch(conn, _CLAIMS), {row["id"] for row in sessions}
    for claim in [claim for claim in claimed if claim["session_id"] in shown][:most]:
        claims[claim["session_id"]].append(claim)
    known: dict[Value, Row] = defaultdict(dict)
    for row in (
        *fetch(conn, _DUE, {"now": write_time(now)}),
        *fetch(conn, _PAUSED),
        *fetch(conn, _REPLIES),
        *fetch(conn, _QUESTIONS),
        *(_asks(one) for one in approvals),
    ):
        known[row["session_id"]] = {**row, **known[row["session_id"]]}
    by_place = {(lane["channel"], lane["platform_id"]): lane for lane in lanes}

    def session(row: Row) -> SessionRecord:
        its = {**_NOTHING, **known[row["id"]], **row}
        place = its.pop("channel"), its.pop("platform_id")
        del its["session_id"]
        its["used_up"] = used_up.get(AgentGroupId(str(its.pop("agent_group_id"))))
        parts = {
            "claims": claims[row["id"]],
            "lane": by_place.get(place),
            "dead": dead.get(row["id"]),
            "parking": parked.get(row["id"]),
        }
        return codec.structure({**its, **parts}, SessionRecord)

    there = {"sessions": len(wanted), "claims": len(claimed), "lanes": len(lanes), "approvals": len(approvals)}
    return Record(
        sessions=tuple(map(session, sessions)),
        lanes=tuple(read_row(lane, LaneRecord) for lane in lanes[:most]),
        approvals=tuple(read_row(approval, ApprovalRecord) for approval in approvals[:most]),
        resting=integer(conn, "SELECT count(*) FROM sessions") - len(sessions) - max(0, len(wanted) - most),
        not_shown={name: count - most for name, count in there.items() if count > most},
    )
