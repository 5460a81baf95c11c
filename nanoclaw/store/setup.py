"""What a start puts into a home: one agent group, the operator's chats, the wirings between them, and an owner."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from nanoclaw.model.entities import AgentGroup, MessagingGroup
from nanoclaw.model.ids import AgentGroupId, ChannelName, MessagingGroupId, RoleId, UserId
from nanoclaw.model.rights import Grant, Role
from nanoclaw.store import audit
from nanoclaw.store.entities import Mint, add_agent_group, add_messaging_group, agent_groups, messaging_group
from nanoclaw.store.people import grant, note_user
from nanoclaw.store.wirings import wire_direct, wirings_of
from schema.sqlite import Connection, scalar

FIRST_SEEN = "operator seen"
"""The act in the audit: whoever starts the host owns its home."""


@frozen(kw_only=True)
class Operator:
    """Whoever starts the host, and where they talk to it."""

    user: UserId
    name: str
    channel: ChannelName
    platform_id: str


def first_start(conn: Connection, *, agent: str, operator: Operator, mint: Mint, now: datetime) -> bool:
    """Make an agent group called *agent*, wired to the operator's chat, if there is none yet; says whether it did.

    Whoever can start the host can do everything with its home: the first time they are seen, they own it. A role that
    was taken from them later stays away.
    """
    chat, _ = _operator_at(conn, operator, "Terminal", mint, now)
    if agent_groups(conn):
        return False
    group = AgentGroup(id=AgentGroupId(mint("agt")), name=agent, folder="main", created_at=now)
    add_agent_group(conn, group)
    wire_direct(conn, chat.id, group.id, mint=mint, now=now)
    return True


def first_page(conn: Connection, *, operator: Operator, like: Operator, mint: Mint, now: datetime) -> None:
    """Make the operator's first conversation on the web page, if there is none yet, heard by whoever hears *like*'s.

    They own the home there as well, as `first_start` says.
    """
    chat, is_new = _operator_at(conn, operator, "Chat", mint, now)
    terminal = messaging_group(conn, like.channel, like.platform_id)
    if is_new and terminal is not None:
        for wiring in wirings_of(conn, terminal.id):
            wire_direct(conn, chat.id, wiring.agent_group_id, mint=mint, now=now)


def _operator_at(
    conn: Connection, operator: Operator, name: str, mint: Mint, now: datetime
) -> tuple[MessagingGroup, bool]:
    """The operator's chat on one channel, of which they are an owner from the first time on; and was it made now?"""
    if scalar(conn, "SELECT 1 FROM users WHERE id = ?", (operator.user,)) is None:
        note_user(conn, operator.user, operator.name, now=now)
        owner = Grant(
            id=RoleId(mint("role")),
            user_id=operator.user,
            role=Role.OWNER,
            agent_group_id=None,
            granted_by=None,
            granted_at=now,
        )
        grant(conn, owner)
        audit.record(conn, who=audit.HOST, what=FIRST_SEEN, on=operator.user, detail="an owner from now on", at=now)
    chat = messaging_group(conn, operator.channel, operator.platform_id)
    if chat is not None:
        return chat, False
    chat = MessagingGroup(
        id=MessagingGroupId(mint("chat")),
        channel=operator.channel,
        platform_id=operator.platform_id,
        name=name,
        is_group=False,
        created_at=now,
    )
    add_messaging_group(conn, chat)
    return chat, True
