"""A home with some of everything in it, and every kind of damage to its rows."""

from __future__ import annotations

import hashlib

from nanoclaw.core.promises import Broken
from nanoclaw.core.retry import RetryPolicy
from nanoclaw.model.ids import AgentGroupId, InboundId
from nanoclaw.model.messages import EpochEnding, LedgerState
from nanoclaw.store import inbound, ledger, notices, programs, sessions, tasks
from nanoclaw.store.ending import close_epoch
from nanoclaw.store.ledger import Lane
from schema.sqlite import Connection, execute
from tests.support.central import CHANNEL, NOW, ROOM, World, said
from tests.support.questions import asked
from tests.support.tasks import a_task


def lived() -> World:
    """A home with some of everything: `evt-1` … `evt-3`, sessions `ses-1` and `ses-2`, the first one's sandbox runs."""
    world = World()
    chat = world.chat()
    for name in ("one", "two"):
        world.wire(chat, world.agent(name))
    for number in (1, 2):
        world.accept(said(number))
    world.accept(said(3, room="nowhere"))
    one, two = (session.id for session in sessions.sessions(world.conn))
    dead = world.epoch(one)
    inbound.claim(world.conn, InboundId("evt-1:agt-one"), dead, now=NOW)
    close_epoch(world.conn, one, dead, EpochEnding.KILLED, "", policy=RetryPolicy(most_tries=1), now=NOW)
    live = world.epoch(one)
    inbound.claim(world.conn, InboundId("evt-2:agt-one"), live, now=NOW)
    inbound.settle(world.conn, InboundId("evt-1:agt-two"), error=None, now=NOW)
    rows = [world.reply(one, live, 101 + 2 * place) for place in range(5)]
    for row, state in zip(rows[2:], [LedgerState.DELIVERED, LedgerState.UNKNOWN, LedgerState.DEAD], strict=True):
        ledger.settle(world.conn, row, state, now=NOW)
    ledger.take(world.conn, Lane(CHANNEL, "room"), now=NOW)
    tasks.add(world.conn, a_task(two), now=NOW)
    asked(world, two)
    programs.keep(world.conn, AgentGroupId("agt-one"), [b"#!/bin/sh"], now=NOW)
    for key, session in (("k", two), ("to nobody", None), ("nor to them", None)):
        notices.tell_chat(world.conn, session, ROOM, key=key, text="hello", now=NOW)
    return world


def damage(conn: Connection, *statements: str) -> None:
    """Do what the tables forbid."""
    execute(conn, "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON")
    for statement in statements:
        execute(conn, statement)
    execute(conn, "PRAGMA ignore_check_constraints = OFF; PRAGMA foreign_keys = ON")


OTHER_INDEX = (
    "PRAGMA writable_schema = ON",
    "UPDATE sqlite_schema SET sql = replace(sql, '''pending''', '''completed''') WHERE name = 'inbound_open'",
    "PRAGMA schema_version = 4711",  # so that it is read again
    "PRAGMA writable_schema = OFF",
)
"""An index that disagrees with its table."""
REPLY = "ses-1/2/r101"
PROGRAM = hashlib.sha256(b"#!/bin/sh").hexdigest()
PART = "INSERT INTO ledger_parts (ledger_id, part, text, files, arrived_at) VALUES"
LATER_PART_FIRST = f"{PART} ('{REPLY}', 0, 'a', '[]', NULL), ('{REPLY}', 1, 'b', '[]', 'x')"
RUN = (
    "INSERT INTO occurrences (task_id, due_at, inbound_id, queued_at)"
    " VALUES ('task-1', '2026-04-16T14:00:00.000Z', 'evt-1:agt-two', '2026-04-16T14:00:00.000Z')"
)
INSERT_OPEN = "INSERT INTO epochs (session_id, number, engine, started_at) VALUES ('ses-1', 9, 'test', 'x')"
DAMAGES = [
    (Broken.UNHEARD, "evt-3", "DELETE FROM drops"),
    (Broken.UNHEARD, "evt-1", "DELETE FROM inbound WHERE event_id = 'evt-1'"),
    (
        Broken.ORPHAN_CLAIM,
        "evt-2:agt-one",
        "UPDATE epochs SET ended_at = '', ending = 'exited' WHERE number = 2",
    ),
    (Broken.NUMBER_TWICE, "ses-2 #2", "UPDATE ledger SET seq = 2 WHERE id = 'ses-2/host/k'"),
    (Broken.WRONG_SIDE, "evt-2:agt-two", "UPDATE inbound SET seq = 41 WHERE id = 'evt-2:agt-two'"),
    (Broken.WRONG_SIDE, "ses-2/host/k", "UPDATE ledger SET seq = 41 WHERE id = 'ses-2/host/k'"),
    (Broken.WRONG_SIDE, REPLY, "UPDATE ledger SET seq = 402 WHERE id = 'ses-1/2/r101'"),
    (Broken.OUT_STATE, REPLY, "UPDATE ledger SET state = 'lost' WHERE id = 'ses-1/2/r101'"),
    (Broken.OUT_STATE, REPLY, "UPDATE ledger SET state = 'delivered' WHERE id = 'ses-1/2/r101'"),
    (Broken.OUT_STATE, REPLY, "UPDATE ledger SET settled_at = '2026-04-16T14:00:00.000Z' WHERE id = 'ses-1/2/r101'"),
    (Broken.IN_STATE, "evt-2:agt-two", "UPDATE inbound SET status = 'completed' WHERE id = 'evt-2:agt-two'"),
    (
        Broken.IN_STATE,
        "evt-2:agt-two",
        "UPDATE inbound SET settled_at = timestamp WHERE id = 'evt-2:agt-two'",
    ),
    (Broken.IN_STATE, "evt-2:agt-one", "UPDATE inbound SET status = 'paused' WHERE id = 'evt-2:agt-one'"),
    (Broken.UNPLANNED, "task-1", "DELETE FROM occurrences"),
    (Broken.TWO_OPEN, "ses-1", f"DROP INDEX epochs_live; {INSERT_OPEN}"),
    (Broken.UNREADABLE_IN, "evt-2:agt-two", "UPDATE inbound SET content = '{' WHERE id = 'evt-2:agt-two'"),
    (Broken.UNREADABLE_OUT, REPLY, "UPDATE ledger SET content = '{' WHERE id = 'ses-1/2/r101'"),
    (Broken.PARTS, REPLY, "UPDATE ledger SET parts = 2 WHERE id = 'ses-1/2/r101'"),
    (Broken.PARTS, REPLY, f"UPDATE ledger SET parts = 2 WHERE id = '{REPLY}'; {LATER_PART_FIRST}"),
    (Broken.PLANNED_AFTER_ITS_END, "task-1", "UPDATE tasks SET state = 'cancelled'"),
    (Broken.RUN_WITHOUT_END, "evt-1:agt-two", RUN),
    (Broken.UNSEEN_QUESTION, "q1", "UPDATE ledger SET state = 'dead', settled_at = created_at WHERE id = 'out-q1'"),
    (Broken.KEPT_AFTER_ITS_END, "apr-1", "UPDATE approvals SET state = 'expired', ended_at = requested_at"),
    (Broken.OTHER_PAYLOAD, "apr-1", "UPDATE approvals SET payload = '{}' WHERE id = 'apr-1'"),
    (Broken.OTHER_PROGRAM, f"agt-one {PROGRAM}", "UPDATE programs SET content = x'00'"),
    (Broken.COUNTER_BEHIND, "ticks", "UPDATE ticks SET last = 1"),
    (Broken.PROVIDER_STATE, "ses-1", "UPDATE sessions SET provider_state = '{' WHERE id = 'ses-1'"),
]
