"""Channels that were added, and what each has to remember, in nanoclaw.db."""

from __future__ import annotations

from datetime import datetime

from nanoclaw.model.channels import ConfiguredChannel
from nanoclaw.model.ids import ChannelName
from schema.rows import bindings, insert_sql, select
from schema.sqlite import Connection, execute, scalar
from schema.times import write_time


def add(conn: Connection, channel: ConfiguredChannel) -> None:
    """A new channel. Raises `ConstraintError` if there is one of that name."""
    execute(conn, insert_sql("channels", ConfiguredChannel), bindings(channel))


def remove(conn: Connection, name: ChannelName) -> bool:
    """Forget a channel, and what it remembers; says whether there was one. Its chats and messages stay."""
    return bool(execute(conn, "DELETE FROM channels WHERE name = ?", (name,)))


def every(conn: Connection) -> list[ConfiguredChannel]:
    """All that were added, by name."""
    return select(conn, ConfiguredChannel, "SELECT * FROM channels ORDER BY name")


def kind_of(conn: Connection, name: ChannelName) -> str | None:
    """What kind of channel was added by that name; None: none was."""
    found = scalar(conn, "SELECT kind FROM channels WHERE name = ?", (name,))
    return None if found is None else str(found)


def set_enabled(conn: Connection, name: ChannelName, *, enabled: bool) -> bool:
    """Have a channel run, or rest; says whether there is one."""
    return bool(execute(conn, "UPDATE channels SET enabled = ? WHERE name = ?", (int(enabled), name)))


def mark(conn: Connection, channel: ChannelName, name: str) -> str | None:
    """What *channel* keeps under *name*."""
    found = scalar(conn, "SELECT value FROM marks WHERE channel = ? AND name = ?", (channel, name))
    return None if found is None else str(found)


def set_mark(conn: Connection, channel: ChannelName, name: str, value: str, *, now: datetime) -> None:
    """Keep *value* under *name* for *channel*. Of a channel that is no more, nothing is kept."""
    execute(
        conn,
        "INSERT INTO marks (channel, name, value, at)"
        " SELECT name, :mark, :value, :at FROM channels WHERE name = :channel"
        " ON CONFLICT (channel, name) DO UPDATE SET value = excluded.value, at = excluded.at",
        {"channel": channel, "mark": name, "value": value, "at": write_time(now)},
    )
