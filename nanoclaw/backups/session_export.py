"""A session as one file: a compressed tar of JSON lines and files, as of a settled turn. Everything here blocks.

No key is in it. The agent's folder, which all sessions of its group share, is as it is when it is read.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile

from attrs import frozen

from nanoclaw.backups.archive import ArchiveWriter, writing
from nanoclaw.backups.folders import add_tree
from nanoclaw.core.backup_contents import Contents, Skipped
from nanoclaw.core.session_cut import Cut
from nanoclaw.errors import BackupError, UsageError
from nanoclaw.model.entities import Session
from nanoclaw.model.files import Attachment
from nanoclaw.store import entities, files
from nanoclaw.store.entities import known_install_id
from nanoclaw.store.rewinding import cut_of, find, remembered
from nanoclaw.store.swapping import sync_folder
from schema.sqlite import Connection, integer, snapshot
from schema.times import write_time

FORMAT = 1
MOST_WORKSPACE = 1 << 30
"""Bytes of an agent's folder that come along; more, and the export does not."""


@frozen(kw_only=True)
class Exported:
    """What was written, and where."""

    path: Path
    turn: str
    messages: int
    skipped: tuple[Skipped, ...]


def export(
    conn: Connection, home: Path, which: str, turn: str | None, path: Path, *, workspace: bool, now: datetime
) -> Exported:
    """Write the session *which* as of *turn* to *path*: whole under its name, or not at all.

    Args:
      conn: A reading connection to the home's database.
      home: Its folder; a host may run on it.
      which: The session's id, or the beginning of it.
      turn: The id of a message that was settled, or the beginning of it; None: the last.
      path: A file that is not there yet.
      workspace: Does the agent's folder come along?
      now: The time.

    Raises:
      UsageError: there is no such session or turn, or *path* is there.
      BackupError: the agent's folder is too large.
      OSError: something cannot be read or written; nothing remains then.
    """
    if path.exists():
        raise UsageError(f"{path} is there already: say another name")
    with snapshot(conn):
        session = find(conn, which)
        found = cut_of(conn, session.id, turn)
        came_with = files.of_events(conn, [row.event_id for row in found.came if row.event_id is not None])
        told = _told(conn, session, found, now, workspace=workspace)
        install, tables = known_install_id(conn), integer(conn, "PRAGMA user_version")
    group = told["agent_group"]
    assert isinstance(group, Mapping)
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            with writing(file, lambda _: None) as archive:
                _add_lines(archive, "session.json", [told])
                _add_lines(archive, "messages.jsonl", _messages(found, came_with))
                _add_files(archive, home, came_with)
                if workspace:
                    _add_workspace(archive, home / "groups" / str(group["folder"]))
                archive.finish(
                    Contents(
                        format=FORMAT,
                        made_at=now,
                        install=install,
                        tables=tables,
                        files=archive.files,
                        skipped=tuple(archive.skipped),
                    )
                )
                skipped = tuple(archive.skipped)
            file.flush()
            os.fsync(descriptor)
        part.rename(path)
        sync_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)
    return Exported(path=path, turn=found.turn.id, messages=len(found.came) + len(found.went), skipped=skipped)


def _told(conn: Connection, session: Session, found: Cut, now: datetime, *, workspace: bool) -> dict[str, object]:
    """What the export says of itself."""
    group = entities.agent_group(conn, session.agent_group_id)
    assert group is not None
    chat = entities.messaging_group_of(conn, session.messaging_group_id)
    return {
        "format": FORMAT,
        "session": session.id,
        "agent_group": {"id": group.id, "name": group.name, "folder": group.folder},
        "chat": None if chat is None else {"channel": chat.channel, "platform_id": chat.platform_id, "name": chat.name},
        "thread": session.thread_id,
        "turn": found.turn.id,
        "as_of": write_time(found.at),
        "made_at": write_time(now),
        "continuation": _json(session.provider_state) if found.is_last else _json(remembered(conn, found) or "null"),
        "workspace": "as of now" if workspace else None,
    }


def _messages(found: Cut, came_with: Iterable[Attachment]) -> Iterable[Mapping[str, object]]:
    """A line for each message, in and out, by their numbers."""
    attached: dict[str, list[dict[str, object]]] = {}
    for file in came_with:
        entry: dict[str, object] = {"name": file.name, "size": file.size, "sha256": file.digest}
        attached.setdefault(file.event_id, []).append({**entry, "file": f"files/{file.spool_id}"})
    lines = [
        {
            "direction": "in",
            "id": row.id,
            "seq": row.seq,
            "kind": row.kind.value,
            "at": write_time(row.timestamp),
            "state": row.status.value,
            "error": row.error,
            "content": _json(row.content),
            "files": attached.get(row.event_id or "", []),
        }
        for row in found.came
    ]
    lines += [
        {
            "direction": "out",
            "id": row.id,
            "seq": row.seq,
            "kind": row.kind,
            "at": write_time(row.created_at),
            "state": row.state.value,
            "error": row.error,
            "answers": row.in_reply_to,
            "content": _json(row.content),
        }
        for row in found.went
    ]
    return sorted(lines, key=lambda line: int(str(line["seq"])))


def _json(text: str) -> object:
    """What *text* says; what cannot be read, which was given up for that, stands there as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _add_lines(archive: ArchiveWriter, name: str, lines: Iterable[Mapping[str, object]]) -> None:
    with TemporaryFile() as file, io.TextIOWrapper(file, encoding="utf-8", write_through=True) as text:
        for line in lines:
            text.write(json.dumps(line, ensure_ascii=False) + "\n")
        text.flush()
        file.seek(0)
        archive.add_file(name, file)


def _add_files(archive: ArchiveWriter, home: Path, came_with: Iterable[Attachment]) -> None:
    for attachment in came_with:
        try:
            with (home / "spool" / attachment.spool_id).open("rb") as file:
                archive.add_file(f"files/{attachment.spool_id}", file)
        except FileNotFoundError:
            archive.skip(f"files/{attachment.spool_id}", "it is not in the spool")


def _add_workspace(archive: ArchiveWriter, folder: Path) -> None:
    size = 0
    for entry in folder.rglob("*") if folder.is_dir() else ():
        with suppress(OSError):
            size += entry.lstat().st_size
        if size > MOST_WORKSPACE:
            raise BackupError(
                f"{folder} has more than {MOST_WORKSPACE >> 20} MiB: export without it, by --no-workspace"
            )
    add_tree(archive, folder, "workspace", lambda: None)
