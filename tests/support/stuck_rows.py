"""What a home has in it before its host starts: sessions that are stuck in the truth, or will be once it runs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import trio

from nanoclaw.kit.clock import SystemClock
from nanoclaw.store.db import open_database
from schema.sqlite import Connection, Value, execute
from schema.times import write_time

_PLACE = """
INSERT INTO messaging_groups (id, channel, platform_id, name, is_group, created_at, unknown_sender_policy)
  VALUES ('chat-' || :name, :channel, :room, :name, 1, :before, 'public') ON CONFLICT DO NOTHING;
INSERT INTO sessions (id, agent_group_id, messaging_group_id, created_at)
  SELECT 'ses-' || :name, :agent, id, :before FROM messaging_groups WHERE channel = :channel AND platform_id = :room;
INSERT INTO epochs (session_id, number, engine, started_at, ended_at, ending, detail)
  VALUES ('ses-' || :name, 1, 'fake', :before, :before, :ending, 'it took too much memory');
"""
_IN = """
INSERT INTO inbound (id, session_id, seq, kind, timestamp, status, trigger, channel, platform_id, content, touched,
                     tries, process_after, settled_at, error)
  VALUES ('in-' || :name, 'ses-' || :name, 2000, 'chat', :before, :status, 1, :channel, :room, :said, 3, :tries,
          :after, CASE :status WHEN 'failed' THEN :before END, CASE :status WHEN 'failed' THEN :why END);
"""
_OUT = """
INSERT INTO ledger (id, session_id, epoch, runner_id, digest, seq, channel, platform_id, kind, content, state, attempts,
                    created_at, settled_at, error, touched)
  VALUES ('out-' || :name, 'ses-' || :name, 1, 'r' || :name, 'digest', 2001, :channel, :room, 'chat', :answer, :state,
          1, :before, CASE WHEN :state IN ('dead', 'unknown', 'delivered') THEN :before END, :why, 3);
"""
_APPROVAL = """
INSERT INTO approvals (id, kind, subject, session_id, payload, digest, title, lines, options, needs, state,
                       requested_at)
  VALUES ('apr-1', 'packages', 'x', 'ses-' || :name, '{}', 'digest', 'More packages for Agent 0', '["jq"]',
          '{"options":[{"label":"Approve","value":"approve"},{"label":"Reject","value":"reject"}]}', 'admin', 'pending',
          :before);
"""
_QUESTION = """
INSERT INTO questions (id, session_id, ledger_id, channel, platform_id, title, question, options, state, asked_at)
  VALUES ('q-1', 'ses-' || :name, 'out-' || :name, :channel, :room, 'Which?', 'Which?', '[]', 'open', :before);
"""


def fill(home: Path, *, waiting: Collection[str], channels: dict[str, str]) -> None:
    """Put sessions into *home*, which `many_sessions` has made.

    Args:
      home: Its agent group `agt-0` gets them all.
      waiting: Names of sessions in which a message waits, and nothing else is wrong yet.
      channels: For other names: on which channel they are. What each has is in this file.
    """

    async def main() -> None:
        async with open_database(home / "nanoclaw.db") as store:
            await store.transact(_fill, waiting, channels, SystemClock().now())

    trio.run(main)


def _fill(conn: Connection, waiting: Collection[str], channels: dict[str, str], now: datetime) -> None:
    def add(name: str, *parts: str, channel: str = "bench", room: str = "", **values: Value) -> None:
        known: dict[str, Value] = {
            "name": name,
            "agent": "agt-0",
            "channel": channel,
            "room": room or f"room-{name}",
            "before": write_time(now - timedelta(minutes=10)),
            "said": '{"text": "hello", "sender": "Ada", "sender_id": "bench:1"}',
            "answer": '{"text": "hello to you"}',
            "ending": "stopped",
            "status": "pending",
            "state": "pending",
            "tries": 0,
            "after": None,
            "why": None,
            **values,
        }
        for part in (_PLACE, *parts):
            for statement in _statements(part):
                execute(conn, statement, {key: known[key] for key in known if f":{key}" in statement})

    for name in waiting:
        add(name, _IN, agent="agt-2" if name == "broke" else "agt-0")
    add_spending(conn, now)
    add("killed", _IN, tries=2, after=write_time(now + timedelta(hours=1)), ending="killed")
    add("failed", _IN, status="failed", why="the sandbox ended 5 times while at it (killed)")
    add("paused", _IN, status="paused")
    add("dead", _OUT, state="dead", why="bench: it is too long")
    add("in-doubt", _OUT, state="unknown", why="the host died while it was being sent")
    add("approval", _APPROVAL)
    add("question", _OUT, _QUESTION, state="delivered")
    for name, channel in channels.items():
        add(name, _OUT, channel=channel)
    add("behind", _OUT, channel=channels["retry-after"], room="room-retry-after", agent="agt-1")
    execute(
        conn,
        "INSERT INTO channels (name, kind, settings, created_at, enabled) VALUES ('unmade', 'nothing', '{}', ?, 1)",
        (write_time(now),),
    )


def add_spending(conn: Connection, now: datetime) -> None:
    """One agent has used up its budget."""
    execute(conn, "INSERT INTO budgets (agent_group_id, tokens_day, set_at) VALUES ('agt-2', 1, ?)", (write_time(now),))
    execute(
        conn,
        "INSERT INTO spending VALUES ('agt-2', ?, 'ses-broke', 'model', 1, 0, 2, 0, 0, 0)",
        (f"{now:%Y-%m-%d}",),
    )


def _statements(sql: str) -> Sequence[str]:
    return [one.strip() for one in sql.split(";") if one.strip()]
