"""A home with many sessions that rest: each has said and heard something, and some have a task for another day."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import trio

from nanoclaw.kit.clock import SystemClock
from nanoclaw.store.db import open_database
from nanoclaw.store.home import make_folders
from schema.sqlite import Connection, Value, execute
from schema.times import write_time

MESSAGES = 5
"""Of each session, in and out."""
SESSIONS_A_TASK = 10
"""Of as many sessions, one has a task."""
AGENTS = 10

_FILL = """
CREATE TEMP TABLE n AS
  WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count)
  SELECT i, i % :agents AS agent FROM n;
CREATE TEMP TABLE m AS SELECT n.i, n.i || '-' || value AS id, value AS place FROM n, json_each(:messages);

INSERT INTO agent_groups (id, name, folder, created_at)
  SELECT DISTINCT 'agt-' || agent, 'Agent ' || agent, 'agent-' || agent, :before FROM n;
INSERT INTO messaging_groups (id, channel, platform_id, name, is_group, created_at, unknown_sender_policy)
  SELECT 'chat-' || i, 'bench', 'room-' || i, 'Room ' || i, 1, :before, 'public' FROM n;
INSERT INTO wirings (id, messaging_group_id, agent_group_id, engage_mode, engage_pattern, sender_scope,
                     ignored_message_policy, session_mode, created_at)
  SELECT 'wir-' || i, 'chat-' || i, 'agt-' || agent, 'pattern', '.', 'all', 'drop', 'shared', :before FROM n;
INSERT INTO destinations (agent_group_id, name, messaging_group_id, made_by, created_at)
  SELECT 'agt-' || agent, 'room-' || i, 'chat-' || i, 'wiring', :before FROM n;
INSERT INTO sessions (id, agent_group_id, messaging_group_id, created_at)
  SELECT 'ses-' || i, 'agt-' || agent, 'chat-' || i, :before FROM n;
INSERT INTO epochs (session_id, number, engine, started_at, ended_at, ending)
  SELECT 'ses-' || i, 1, 'fake', :before, :before, 'stopped' FROM n;

INSERT INTO events (id, channel, platform_message_id, platform_id, sender_id, mention, received_at)
  SELECT 'evt-' || id, 'bench', id, 'room-' || i, 'bench:1', 1, :before FROM m;
INSERT INTO inbound (id, session_id, event_id, seq, kind, timestamp, status, trigger, channel, platform_id, content,
                     settled_at, touched)
  SELECT 'in-' || id, 'ses-' || i, 'evt-' || id, 4 * place + 2, 'chat', :before, 'completed', 1, 'bench', 'room-' || i,
         :said, :before, 1 FROM m;
INSERT INTO ledger (id, session_id, epoch, runner_id, digest, seq, channel, platform_id, kind, content, state, attempts,
                    platform_message_id, created_at, settled_at, touched)
  SELECT 'out-' || id, 'ses-' || i, 1, 'r' || place, 'digest', 4 * place + 3, 'bench', 'room-' || i, 'chat', :answer,
         'delivered', 1, 'post-' || id, :before, :before, 1 FROM m;

INSERT INTO tasks (id, session_id, prompt, timezone, cron, first_at, misfire, state, made_by, created_at, changed_at)
  SELECT 'tsk-' || i, 'ses-' || i, 'look', 'UTC', '0 9 * * *', :later, 'latest', 'active', 'agent', :before, :before
    FROM n WHERE i % :a_task = 0;
INSERT INTO occurrences (task_id, due_at) SELECT 'tsk-' || i, :later FROM n WHERE i % :a_task = 0;

INSERT INTO inbound (id, session_id, seq, kind, timestamp, trigger, channel, platform_id, content, touched)
  SELECT 'new-' || i, 'ses-' || i, 1000, 'chat', :before, 1, 'bench', 'room-' || i, :said, 2 FROM n WHERE :waiting;
UPDATE ticks SET last = 2;
DROP TABLE temp.n;
DROP TABLE temp.m;
"""


def make(home: Path, count: int, *, waiting: bool = False) -> None:
    """Make *home* with *count* sessions, and a message that waits in each of them if *waiting*. Blocks for long."""
    home.mkdir()
    make_folders(home)
    for number in range(count):
        folder = home / "sessions" / f"agt-{number % AGENTS}" / f"ses-{number}"
        (folder / "in" / "inbox").mkdir(parents=True)
        (folder / "out").mkdir()

    async def main() -> None:
        async with open_database(home / "nanoclaw.db") as store:
            if count:
                await store.transact(_fill, count, waiting, SystemClock().now())

    trio.run(main)


def _fill(conn: Connection, count: int, waiting: bool, now: datetime) -> None:
    values: dict[str, Value] = {
        "count": count,
        "agents": AGENTS,
        "a_task": SESSIONS_A_TASK,
        "messages": str(list(range(MESSAGES))),
        "before": write_time(now - timedelta(hours=1)),
        "later": write_time(now + timedelta(days=1)),
        "said": '{"text": "a message of ordinary length", "sender": "Ada", "sender_id": "bench:1"}',
        "answer": '{"text": "an answer of ordinary length"}',
        "waiting": int(waiting),
    }
    execute(conn, _FILL, values)
