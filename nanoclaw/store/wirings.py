"""Wirings in nanoclaw.db: which agent group hears which chat, and how."""

from __future__ import annotations

from datetime import datetime

import attrs

from nanoclaw.core.defaults import wiring_defaults
from nanoclaw.model.entities import MessagingGroup, Wiring
from nanoclaw.model.ids import AgentGroupId, MessagingGroupId, WiringId
from nanoclaw.model.messages import Address
from nanoclaw.store import destinations
from nanoclaw.store.entities import Mint, messaging_group
from schema.rows import bindings, insert_sql, select, select_kept
from schema.sqlite import Connection, execute

UPDATABLE = ("engage_mode", "engage_pattern", "sender_scope", "ignored_message_policy", "session_mode", "priority")


def add_wiring(conn: Connection, wiring: Wiring, *, now: datetime) -> None:
    """Wire an agent group to a chat, and let it write there.

    A chat that was denied is no longer: somebody wants it heard after all.

    Raises:
      ConstraintError: it is wired already, or one of the two does not exist.
    """
    execute(conn, insert_sql("wirings", Wiring), bindings(wiring))
    execute(conn, "UPDATE messaging_groups SET denied_at = NULL WHERE id = ?", (wiring.messaging_group_id,))
    destinations.of_wiring(conn, wiring.agent_group_id, wiring.messaging_group_id, now=now)


def wire_direct(conn: Connection, chat: MessagingGroupId, agent: AgentGroupId, *, mint: Mint, now: datetime) -> None:
    """Let an agent group hear a chat with one person, as is usual there; see `add_wiring`."""
    wiring = Wiring(
        id=WiringId(mint("wir")),
        messaging_group_id=chat,
        agent_group_id=agent,
        priority=0,
        created_at=now,
        **attrs.asdict(wiring_defaults(is_group=False, threaded=False)),
    )
    add_wiring(conn, wiring, now=now)


def wirings(conn: Connection) -> list[Wiring]:
    """All of them, chat by chat, the first to hear first."""
    return select(conn, Wiring, "SELECT * FROM wirings ORDER BY messaging_group_id, priority DESC, agent_group_id")


def wirings_of(conn: Connection, group: MessagingGroupId) -> list[Wiring]:
    """Who hears that chat, in no order."""
    return select_kept(conn, Wiring, "SELECT * FROM wirings WHERE messaging_group_id = ?", (group,))


def wiring_at(conn: Connection, agent: AgentGroupId, place: Address) -> tuple[MessagingGroup, Wiring] | None:
    """The chat of *place*, and how *agent* hears it; None: it does not."""
    chat = messaging_group(conn, place.channel, place.platform_id)
    if chat is None:
        return None
    found = next((wiring for wiring in wirings_of(conn, chat.id) if wiring.agent_group_id == agent), None)
    return None if found is None else (chat, found)


def update_wiring(conn: Connection, wiring: Wiring) -> None:
    """Make the wiring of that id say what *wiring* says; chat and agent group never change."""
    changes = ", ".join(f"{name} = :{name}" for name in UPDATABLE)
    execute(conn, f"UPDATE wirings SET {changes} WHERE id = :id", bindings(wiring))  # noqa: S608 - our own texts


def delete_wiring(conn: Connection, wiring: Wiring) -> None:
    """Let the agent group no longer hear the chat, nor write there unless a person let it; no thread of it sticks."""
    execute(conn, "DELETE FROM wirings WHERE id = ?", (wiring.id,))
    execute(
        conn,
        "DELETE FROM engagements WHERE agent_group_id = ? AND messaging_group_id = ?",
        (wiring.agent_group_id, wiring.messaging_group_id),
    )
    destinations.remove_of_wiring(conn, wiring.agent_group_id, wiring.messaging_group_id)
