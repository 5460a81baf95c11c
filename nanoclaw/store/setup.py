"""What the first start puts into an empty home: one agent group, the terminal, the wiring between them."""

from __future__ import annotations

from datetime import datetime

from nanoclaw.model.entities import AgentGroup, MessagingGroup, Wiring
from nanoclaw.model.ids import AgentGroupId, ChannelName, MessagingGroupId, WiringId
from nanoclaw.store.entities import Mint, add_agent_group, add_messaging_group, add_wiring, agent_groups
from schema.sqlite import Connection


def first_agent(
    conn: Connection, *, name: str, channel: ChannelName, platform_id: str, mint: Mint, now: datetime
) -> bool:
    """Make an agent group called *name*, wired to one chat, if there is no agent group yet; says whether it did."""
    if agent_groups(conn):
        return False
    agent = AgentGroup(id=AgentGroupId(mint("agt")), name=name, folder="main", created_at=now)
    chat = MessagingGroup(
        id=MessagingGroupId(mint("chat")),
        channel=channel,
        platform_id=platform_id,
        name="Terminal",
        is_group=False,
        created_at=now,
    )
    add_agent_group(conn, agent)
    add_messaging_group(conn, chat)
    add_wiring(
        conn,
        Wiring(
            id=WiringId(mint("wir")),
            messaging_group_id=chat.id,
            agent_group_id=agent.id,
            priority=0,
            created_at=now,
        ),
    )
    return True
