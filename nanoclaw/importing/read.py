"""Reads a NanoClaw v2 home, of either age, into values of today. Row by row: one that does not fit costs itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from attrs import define, field

from nanoclaw.errors import UsageError
from nanoclaw.importing import backfill
from nanoclaw.importing.old import LeftBehind, OldDestination, OldDirectMessage, OldHome, OldRole
from nanoclaw.importing.opening import opened, rows, tables
from nanoclaw.importing.sessions import read_session
from nanoclaw.model.entities import AgentGroup, MessagingGroup, SessionMode, UnknownSenderPolicy, Wiring
from nanoclaw.model.ids import AgentGroupId, ChannelName, MessagingGroupId, UserId, WiringId
from nanoclaw.model.rights import Member, Role, User
from nanoclaw.model.settings import AdminScope, ContainerSettings
from schema import strict_json
from schema.sqlite import Connection, Row, Value
from schema.times import normalise_time, read_time

T = TypeVar("T")

CENTRAL = Path("data", "v2.db")
NEEDED = ("agent_groups", "messaging_groups", "messaging_group_agents", "users", "user_roles", "sessions")
NOT_CARRIED = {
    "pending_questions": "questions that nobody answered",
    "pending_approvals": "requests that nobody answered",
    "pending_sender_approvals": "strangers that nobody decided about",
    "pending_channel_approvals": "chats that nobody decided about",
    "unregistered_senders": "records of dropped messages",
}


def read_home(folder: Path, *, now: datetime) -> OldHome:
    """Everything of the v2 home in *folder* that can come over. Nothing of it is changed.

    Args:
      folder: The old project's root, which has data/v2.db.
      now: Stands for times that cannot be read.

    Raises:
      UsageError: it is no such home, or its central database cannot be read.
    """
    if not (folder / CENTRAL).exists():
        raise UsageError(f"{folder} is no NanoClaw v2 folder: it has no {CENTRAL}")
    with opened(folder / CENTRAL, with_log=True) as conn:
        missing = [name for name in NEEDED if name not in tables(conn)]
        if missing:
            raise UsageError(f"{folder / CENTRAL} is no database of NanoClaw v2: it has no {', '.join(missing)}")
        return _Reading(folder, conn, now).home()


@define(eq=False)
class _Reading:
    """One look at an old home."""

    folder: Path
    conn: Connection
    now: datetime
    left: list[LeftBehind] = field(factory=list[LeftBehind])

    def home(self) -> OldHome:
        """All of it."""
        for table, what in NOT_CARRIED.items():
            if count := len(rows(self.conn, table)):
                self.left.append(
                    LeftBehind(f"{count} {what}", "they belong to the old host; what is asked anew is kept")
                )
        return OldHome(
            folder=self.folder,
            agent_groups=self.each("agent_groups", self.agent_group),
            messaging_groups=self.each("messaging_groups", self.messaging_group),
            wirings=self.each("messaging_group_agents", self.wiring),
            users=self.each("users", self.user),
            roles=self.each("user_roles", self.role),
            members=self.each("agent_group_members", self.member),
            destinations=self.each("agent_destinations", self.destination),
            direct_messages=self.each("user_dms", self.direct_message),
            settings=self.settings(),
            sessions=self.each("sessions", lambda row: read_session(self.folder, row, self.time, self.left)),
            left=tuple(self.left),
        )

    def each(self, table: str, read: Callable[[Row], T]) -> tuple[T, ...]:
        """Every row of *table* that *read* can make sense of."""
        found = []
        for row in rows(self.conn, table):
            try:
                found.append(read(row))
            except (ValueError, KeyError, TypeError) as exc:
                name = row.get("id") or row.get("user_id") or row.get("agent_group_id")
                why = f"it has no column {exc}" if isinstance(exc, KeyError) else str(exc)
                self.left.append(LeftBehind(f"{table} {name!r}", why))
        return tuple(found)

    def time(self, value: Value) -> datetime:
        """A time in ISO or in SQLite's form; what is neither becomes the time of the import."""
        try:
            return read_time(normalise_time(str(value)))
        except ValueError:
            return self.now

    def agent_group(self, row: Row) -> AgentGroup:
        return AgentGroup(
            id=AgentGroupId(text(row, "id")),
            name=text(row, "name"),
            folder=text(row, "folder"),
            created_at=self.time(row["created_at"]),
        )

    def messaging_group(self, row: Row) -> MessagingGroup:
        denied = row.get("denied_at")
        return MessagingGroup(
            id=MessagingGroupId(text(row, "id")),
            channel=ChannelName(text(row, "channel_type")),
            platform_id=text(row, "platform_id"),
            name=maybe(row, "name") or f"{text(row, 'channel_type')} {text(row, 'platform_id')}",
            is_group=bool(row["is_group"]),
            unknown_sender_policy=UnknownSenderPolicy(row["unknown_sender_policy"]),
            denied_at=None if denied is None else self.time(denied),
            created_at=self.time(row["created_at"]),
        )

    def wiring(self, row: Row) -> Wiring:
        how = backfill.engagement(row)
        return Wiring(
            id=WiringId(text(row, "id")),
            messaging_group_id=MessagingGroupId(text(row, "messaging_group_id")),
            agent_group_id=AgentGroupId(text(row, "agent_group_id")),
            engage_mode=how.mode,
            engage_pattern=how.pattern,
            sender_scope=how.scope,
            ignored_message_policy=how.ignored,
            session_mode=SessionMode(row["session_mode"] or "shared"),
            priority=int(str(row["priority"] or 0)),
            created_at=self.time(row["created_at"]),
        )

    def user(self, row: Row) -> User:
        name = text(row, "id")
        return User(
            id=UserId(name), display_name=maybe(row, "display_name") or name, first_seen=self.time(row["created_at"])
        )

    def role(self, row: Row) -> OldRole:
        group = maybe(row, "agent_group_id")
        role = Role(row["role"])
        if role is Role.OWNER and group is not None:
            raise ValueError("an owner of one agent group: owners own everything")
        return OldRole(
            user_id=UserId(text(row, "user_id")),
            role=role,
            agent_group_id=None if group is None else AgentGroupId(group),
            granted_by=_user(row, "granted_by"),
            granted_at=self.time(row["granted_at"]),
        )

    def member(self, row: Row) -> Member:
        return Member(
            user_id=UserId(text(row, "user_id")),
            agent_group_id=AgentGroupId(text(row, "agent_group_id")),
            added_by=_user(row, "added_by"),
            added_at=self.time(row["added_at"]),
        )

    def destination(self, row: Row) -> OldDestination:
        if row["target_type"] not in {"channel", "agent"}:
            raise ValueError(f"leads to a {row['target_type']!r}")
        return OldDestination(
            agent_group_id=AgentGroupId(text(row, "agent_group_id")),
            name=text(row, "local_name"),
            target_type=text(row, "target_type"),
            target_id=text(row, "target_id"),
            created_at=self.time(row["created_at"]),
        )

    def direct_message(self, row: Row) -> OldDirectMessage:
        return OldDirectMessage(
            user_id=UserId(text(row, "user_id")),
            channel=ChannelName(text(row, "channel_type")),
            messaging_group_id=MessagingGroupId(text(row, "messaging_group_id")),
            resolved_at=self.time(row["resolved_at"]),
        )

    def settings(self) -> tuple[ContainerSettings, ...]:
        """The rows of container_configs; for agent groups without one, the file in their folder."""
        found = list(self.each("container_configs", self.container_config))
        known = {one.agent_group_id for one in found}
        for row in rows(self.conn, "agent_groups"):
            path = self.folder / "groups" / str(row["folder"]) / "container.json"
            if row["id"] in known or "/" in str(row["folder"]) or path.is_symlink() or not path.is_file():
                continue
            try:
                said = backfill.settings_of_file(path.read_text(encoding="utf-8"), row.get("agent_provider"))
                found.append(self.container_config({**said, "agent_group_id": row["id"], "updated_at": None}))
            except (OSError, ValueError, TypeError, KeyError) as exc:
                why = f"its container.json cannot be read: {exc}"
                self.left.append(LeftBehind(f"settings of {row['name']!r}", why))
        return tuple(found)

    def container_config(self, row: Row) -> ContainerSettings:
        packages = {kind: names for kind in ("apt", "npm") if (names := _json(row, f"packages_{kind}", list, [])) != []}
        return ContainerSettings(
            agent_group_id=AgentGroupId(text(row, "agent_group_id")),
            provider=maybe(row, "provider"),
            model=maybe(row, "model"),
            effort=maybe(row, "effort"),
            assistant_name=maybe(row, "assistant_name"),
            image_tag=maybe(row, "image_tag"),
            max_messages_per_prompt=int(str(most)) if (most := row.get("max_messages_per_prompt")) else None,
            skills=json.dumps(_json(row, "skills", (str, list), "all")),
            mcp_servers=json.dumps(_json(row, "mcp_servers", dict, {})),
            packages=json.dumps(packages),
            additional_mounts=json.dumps(_json(row, "additional_mounts", list, [])),
            admin_scope=AdminScope(row.get("cli_scope") or "group"),
            updated_at=self.time(row["updated_at"]),
        )


def text(row: Row, column: str) -> str:
    """A column that has to say something. Raises `KeyError` or `ValueError`."""
    value = row[column]
    if not isinstance(value, str) or not value:
        raise ValueError(f"{column} is {value!r}")
    return value


def maybe(row: Row, column: str) -> str | None:
    """A column that may be empty or missing. Raises `ValueError` for what is no text."""
    value = row.get(column)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{column} is {value!r}")
    return value or None


def _user(row: Row, column: str) -> UserId | None:
    found = maybe(row, column)
    return None if found is None else UserId(found)


def _json(row: Row, column: str, kind: type | tuple[type, ...], default: object) -> object:
    value = row.get(column)
    if value is None:
        return default
    found = strict_json.read(str(value))
    if not isinstance(found, kind):
        raise TypeError(f"{column} is {value!r}")
    return found
