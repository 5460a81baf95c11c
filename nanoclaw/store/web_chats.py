"""Conversations that are begun on the web page, in nanoclaw.db."""

from __future__ import annotations

from datetime import datetime

from nanoclaw.core.access import standing
from nanoclaw.core.commands import MANAGES
from nanoclaw.core.conversations import WEB, Person
from nanoclaw.core.notices import plain
from nanoclaw.kit.ids import token
from nanoclaw.model.entities import AgentGroup, MessagingGroup
from nanoclaw.model.ids import AgentGroupId, MessagingGroupId
from nanoclaw.store import audit
from nanoclaw.store.entities import Mint, add_messaging_group, agent_groups
from nanoclaw.store.people import rights_of
from nanoclaw.store.wirings import wire_direct
from schema.sqlite import Connection

MOST_NAME = 80
"""Characters."""
BEGUN = "web begin"
"""The act in the audit: a chat is made, and wired."""


def agents_for(conn: Connection, person: Person) -> list[AgentGroup]:
    """Those that *person* may begin a conversation with: owners and admins choose among those that they manage."""
    rights = rights_of(conn, person.user)
    return [group for group in agent_groups(conn) if standing(rights, group.id) in MANAGES]


def begin(conn: Connection, person: Person, agent: AgentGroupId, name: str, *, mint: Mint, now: datetime) -> str | None:
    """Begin one with *agent*; its id, or None where that is not for *person*."""
    group = next((group for group in agents_for(conn, person) if group.id == agent), None)
    if group is None:
        return None
    chat = MessagingGroup(
        id=MessagingGroupId(mint("chat")),
        channel=WEB,
        platform_id=f"{person.handle}/{token()[:12]}",
        name=plain(name, MOST_NAME) or group.name,
        is_group=False,
        created_at=now,
    )
    add_messaging_group(conn, chat)
    wire_direct(conn, chat.id, group.id, mint=mint, now=now)
    audit.record(conn, who=person.user, what=BEGUN, on=f"{group.name} {chat.platform_id}", at=now)
    return chat.platform_id
