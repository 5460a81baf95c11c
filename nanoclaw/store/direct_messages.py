"""Where users can be written to who have not written first: what an adapter once found out, and may find out again."""

from __future__ import annotations

from datetime import datetime

from nanoclaw.model.ids import ChannelName, MessagingGroupId, UserId
from schema.sqlite import Connection, execute, fetch, scalar
from schema.times import write_time


def remember(
    conn: Connection, user: UserId, channel: ChannelName, chat: MessagingGroupId, *, resolved_at: datetime
) -> None:
    """*user* is reached in *chat*, on that channel. What was known before is forgotten."""
    execute(
        conn,
        "INSERT INTO direct_messages (user_id, channel, messaging_group_id, resolved_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (user_id, channel) DO UPDATE SET messaging_group_id = excluded.messaging_group_id,"
        " resolved_at = excluded.resolved_at",
        (user, channel, chat, write_time(resolved_at)),
    )


def reached(conn: Connection, user: UserId, channel: ChannelName) -> MessagingGroupId | None:
    """The chat in which *user* can be written to on that channel; None if nobody has found out."""
    chat = scalar(
        conn, "SELECT messaging_group_id FROM direct_messages WHERE user_id = ? AND channel = ?", (user, channel)
    )
    return None if chat is None else MessagingGroupId(str(chat))


def known(conn: Connection) -> frozenset[tuple[UserId, ChannelName]]:
    """Who can be reached on which channel."""
    rows = fetch(conn, "SELECT user_id, channel FROM direct_messages")
    return frozenset((UserId(str(row["user_id"])), ChannelName(str(row["channel"]))) for row in rows)
