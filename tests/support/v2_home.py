"""Makes NanoClaw v2 homes of either age, by the schemas they had: before its migration 010, and of its last version."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import define

SHARED_DDL = """
CREATE TABLE agent_groups (id TEXT PRIMARY KEY, name TEXT NOT NULL, folder TEXT NOT NULL UNIQUE, agent_provider TEXT,
  created_at TEXT NOT NULL);
CREATE TABLE users (id TEXT PRIMARY KEY, kind TEXT NOT NULL, display_name TEXT, created_at TEXT NOT NULL);
CREATE TABLE user_roles (user_id TEXT NOT NULL REFERENCES users (id), role TEXT NOT NULL, agent_group_id TEXT,
  granted_by TEXT, granted_at TEXT NOT NULL, PRIMARY KEY (user_id, role, agent_group_id));
CREATE TABLE agent_group_members (user_id TEXT, agent_group_id TEXT, added_by TEXT, added_at TEXT NOT NULL,
  PRIMARY KEY (user_id, agent_group_id));
CREATE TABLE user_dms (user_id TEXT, channel_type TEXT NOT NULL, messaging_group_id TEXT, resolved_at TEXT NOT NULL,
  PRIMARY KEY (user_id, channel_type));
CREATE TABLE sessions (id TEXT PRIMARY KEY, agent_group_id TEXT NOT NULL, messaging_group_id TEXT, thread_id TEXT,
  agent_provider TEXT, status TEXT DEFAULT 'active', container_status TEXT DEFAULT 'stopped', last_active TEXT,
  created_at TEXT NOT NULL);
CREATE TABLE pending_questions (question_id TEXT PRIMARY KEY, session_id TEXT NOT NULL, message_out_id TEXT NOT NULL,
  platform_id TEXT, channel_type TEXT, thread_id TEXT, title TEXT NOT NULL, options_json TEXT NOT NULL,
  created_at TEXT NOT NULL);
CREATE TABLE pending_approvals (approval_id TEXT PRIMARY KEY, session_id TEXT, request_id TEXT NOT NULL,
  action TEXT NOT NULL, payload TEXT NOT NULL, created_at TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'pending');
CREATE TABLE agent_destinations (agent_group_id TEXT NOT NULL, local_name TEXT NOT NULL, target_type TEXT NOT NULL,
  target_id TEXT NOT NULL, created_at TEXT NOT NULL, PRIMARY KEY (agent_group_id, local_name));
CREATE TABLE schema_version (version INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, applied TEXT NOT NULL);
"""
CHATS = """
CREATE TABLE messaging_groups (id TEXT PRIMARY KEY, channel_type TEXT NOT NULL, platform_id TEXT NOT NULL, name TEXT,
  is_group INTEGER DEFAULT 0, unknown_sender_policy TEXT NOT NULL DEFAULT 'strict', created_at TEXT NOT NULL{denied},
  UNIQUE (channel_type, platform_id));
CREATE TABLE messaging_group_agents (id TEXT PRIMARY KEY, messaging_group_id TEXT NOT NULL,
  agent_group_id TEXT NOT NULL, {old}session_mode TEXT DEFAULT 'shared', priority INTEGER DEFAULT 0,
  created_at TEXT NOT NULL{new}, UNIQUE (messaging_group_id, agent_group_id));
"""
OLD_DDL = SHARED_DDL + CHATS.format(denied="", old="trigger_rules TEXT, response_scope TEXT DEFAULT 'all', ", new="")
NEW_DDL = (
    SHARED_DDL
    + CHATS.format(
        denied=", denied_at TEXT",
        old="",
        new=", engage_mode TEXT, engage_pattern TEXT, sender_scope TEXT, ignored_message_policy TEXT",
    )
    + """
CREATE TABLE unregistered_senders (channel_type TEXT NOT NULL, platform_id TEXT NOT NULL, user_id TEXT,
  sender_name TEXT, reason TEXT NOT NULL, messaging_group_id TEXT, agent_group_id TEXT,
  message_count INTEGER NOT NULL DEFAULT 1, first_seen TEXT NOT NULL, last_seen TEXT NOT NULL,
  PRIMARY KEY (channel_type, platform_id));
CREATE TABLE pending_channel_approvals (messaging_group_id TEXT PRIMARY KEY, agent_group_id TEXT NOT NULL,
  original_message TEXT NOT NULL, approver_user_id TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE TABLE container_configs (agent_group_id TEXT PRIMARY KEY, provider TEXT, model TEXT, effort TEXT,
  image_tag TEXT, assistant_name TEXT, max_messages_per_prompt INTEGER, skills TEXT DEFAULT '"all"',
  mcp_servers TEXT DEFAULT '{}', packages_apt TEXT DEFAULT '[]', packages_npm TEXT DEFAULT '[]',
  additional_mounts TEXT DEFAULT '[]', updated_at TEXT NOT NULL, cli_scope TEXT NOT NULL DEFAULT 'group');
"""
)
INBOUND_DDL = """
CREATE TABLE messages_in (id TEXT PRIMARY KEY, seq INTEGER UNIQUE, kind TEXT NOT NULL, timestamp TEXT NOT NULL,
  status TEXT DEFAULT 'pending', process_after TEXT, recurrence TEXT, tries INTEGER DEFAULT 0, platform_id TEXT,
  channel_type TEXT, thread_id TEXT, content TEXT NOT NULL{new});
"""
OUTBOUND_DDL = """
CREATE TABLE messages_out (id TEXT PRIMARY KEY, seq INTEGER UNIQUE, kind TEXT NOT NULL, content TEXT NOT NULL);
CREATE TABLE session_state (key TEXT PRIMARY KEY, value TEXT NOT NULL{new});
"""
WHEN = "2026-01-02T03:04:05.678Z"


@define
class V2Home:
    """An old project's root."""

    folder: Path
    is_new: bool

    @property
    def central(self) -> Path:
        """Its central database."""
        return self.folder / "data" / "v2.db"

    def make(self) -> V2Home:
        """The folders and an empty central database, in WAL as the old host left it."""
        self.central.parent.mkdir(parents=True)
        conn = sqlite3.connect(self.central)
        conn.execute("PRAGMA journal_mode = WAL")
        conn.executescript(NEW_DDL if self.is_new else OLD_DDL)
        conn.close()
        return self

    def add(self, table: str, **values: object) -> None:
        """A row of the central database."""
        _insert(self.central, table, [values])

    def session(
        self,
        agent: str,
        session: str,
        *,
        messages: Sequence[Mapping[str, object]] = (),
        state: Mapping[str, str] | None = None,
        said: int = 0,
    ) -> Path:
        """The folder of a session with its two databases."""
        place = self.folder / "data" / "v2-sessions" / agent / session
        place.mkdir(parents=True)
        new = ", series_id TEXT, trigger INTEGER NOT NULL DEFAULT 1, on_wake INTEGER NOT NULL DEFAULT 0"
        run_script(place / "inbound.db", INBOUND_DDL.format(new=new if self.is_new else ""))
        _insert(place / "inbound.db", "messages_in", messages)
        updated = ", updated_at TEXT NOT NULL DEFAULT ''" if self.is_new else ""
        run_script(place / "outbound.db", OUTBOUND_DDL.format(new=updated))
        _insert(
            place / "outbound.db", "session_state", [{"key": key, "value": text} for key, text in (state or {}).items()]
        )
        out = [{"id": f"o{n}", "seq": 2 * n + 1, "kind": "chat", "content": "{}"} for n in range(said)]
        _insert(place / "outbound.db", "messages_out", out)
        return place

    def group_folder(self, name: str, files: Mapping[str, str]) -> Path:
        """An agent's folder with these texts in it."""
        place = self.folder / "groups" / name
        for path, text in files.items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_text(text)
        return place


def task(number: int, **more: object) -> dict[str, object]:
    """A row of messages_in that is a task."""
    return {
        "id": f"task-{number}",
        "seq": 2 * number,
        "kind": "task",
        "timestamp": "2026-01-02 03:04:05",
        "content": json.dumps({"prompt": f"do {number}", "script": None}),
        **more,
    }


def chat(number: int, **more: object) -> dict[str, object]:
    """A row of messages_in that somebody said."""
    return {
        "id": f"m{number}",
        "seq": 100 + 2 * number,
        "kind": "chat",
        "timestamp": WHEN,
        "content": json.dumps({"text": "secret talk", "sender": "Ada", "senderId": "telegram:1"}),
        **more,
    }


def run_script(path: Path, ddl: str) -> None:
    conn = sqlite3.connect(path)
    conn.executescript(ddl)
    conn.close()


def _insert(path: Path, table: str, rows: Sequence[Mapping[str, object]]) -> None:
    conn = sqlite3.connect(path)
    for row in rows:
        marks = ", ".join("?" for _ in row)
        conn.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))
    conn.commit()
    conn.close()
