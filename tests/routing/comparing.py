"""A real home against the naive one: the same sessions, the same rows in the same order, and nothing besides."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from nanoclaw.model.approvals import ApprovalState
from nanoclaw.model.entities import SessionKey
from nanoclaw.model.ids import AgentGroupId, MessagingGroupId, SessionId
from nanoclaw.store import approvals
from nanoclaw.store.verify import verify
from schema.sqlite import fetch, integer
from tests.routing import oracle
from tests.routing.model import Model
from tests.support.central import World

NOWHERE = Path("/nowhere")


def sessions_of(world: World) -> dict[SessionKey, SessionId]:
    """Every session by what makes it one."""
    found = {}
    for row in fetch(world.conn, "SELECT * FROM sessions"):
        chat, thread = row["messaging_group_id"], row["thread_id"]
        key = SessionKey(
            agent_group_id=AgentGroupId(str(row["agent_group_id"])),
            messaging_group_id=None if chat is None else MessagingGroupId(str(chat)),
            thread_id=None if thread is None else str(thread),
        )
        assert key not in found
        found[key] = SessionId(str(row["id"]))
    return found


def compare(world: World, model: Model) -> None:
    """Everything that the model knows, and that the home is sound. Raises AssertionError."""
    there = sessions_of(world)
    assert set(there) == set(model.sessions)
    for key, session in there.items():
        rows = fetch(
            world.conn,
            "SELECT e.platform_message_id AS message, i.seq, i.trigger, i.status FROM inbound i"
            " JOIN events e ON e.id = i.event_id WHERE i.session_id = ? AND i.kind = 'chat' AND i.id NOT LIKE '%/%'"
            " ORDER BY i.seq",
            (session,),
        )
        found = [(row["message"], bool(row["trigger"]), row["status"] == "pending") for row in rows]
        assert found == [(row.message, row.trigger, row.open) for row in model.sessions[key]]
        assert all(int(str(row["seq"])) % 2 == 0 for row in rows)
    engaged = {
        (row["agent_group_id"], row["thread_id"])
        for row in fetch(world.conn, "SELECT agent_group_id, thread_id FROM engagements")
    }
    assert engaged == model.engaged
    mentions = {
        str(row["platform_message_id"]): bool(row["mention"])
        for row in fetch(world.conn, "SELECT platform_message_id, mention FROM events")
    }
    assert mentions == model.events
    assert integer(world.conn, "SELECT count(*) FROM ledger WHERE session_id IS NULL") == len(model.denied)
    broken = {wiring.id for wiring in model.wirings if wiring.engage_pattern in oracle.BROKEN}
    assert {problem.where for problem in verify(world.conn, NOWHERE, host=None, now=world.now)} == broken


def assert_unheard(world: World, model: Model, secrets: dict[str, str]) -> None:
    """What was said in messages that nobody got is nowhere in the file's bytes. *secrets* are words by message.

    But for those that are kept while a person is asked about them.
    """
    heard: Collection[str] = {row.message for rows in model.sessions.values() for row in rows}
    image = bytes(world.conn.serialize("main"))
    for message, secret in secrets.items():
        if message not in heard and message not in kept(world):
            assert secret.encode() not in image, message


def kept(world: World) -> set[str]:
    """The messages that are kept while a person is asked about them."""
    rows = fetch(
        world.conn, "SELECT platform_message_id AS id FROM events WHERE id IN (SELECT event_id FROM kept_messages)"
    )
    return {str(row["id"]) for row in rows}


def deny_all(world: World) -> None:
    """Say no to whatever waits for a person."""
    for one in approvals.approvals(world.conn):
        approvals.end(world.conn, one.id, ApprovalState.REJECTED, None, now=world.now)
    fetch(world.conn, "PRAGMA wal_checkpoint(TRUNCATE)")
