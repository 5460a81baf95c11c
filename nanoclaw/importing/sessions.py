"""Reads the two databases of an old session: its tasks and the names of its model's threads. Its talk stays there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from nanoclaw.errors import UsageError
from nanoclaw.importing import backfill
from nanoclaw.importing.old import LeftBehind, OldSession, OldTask
from nanoclaw.importing.opening import opened, rows
from nanoclaw.model.ids import AgentGroupId, ChannelName, MessagingGroupId, SessionId
from schema import strict_json
from schema.sqlite import Row, Value

LIVE = ("pending", "paused")


def read_session(folder: Path, row: Row, time: Callable[[Value], datetime], left: list[LeftBehind]) -> OldSession:
    """The session of *row*, of the v2 home in *folder*. What cannot be read of it is added to *left*.

    Raises `ValueError` or `KeyError` for a row that is no session.
    """
    session, agent = str(row["id"]), str(row["agent_group_id"])
    if any(part in {"", ".", ".."} or "/" in part for part in (session, agent)):
        raise ValueError("its id is no name of a folder")
    place = folder / "data" / "v2-sessions" / agent / session
    inbound = _rows(place / "inbound.db", "messages_in", session, left)
    outbound = _rows(place / "outbound.db", "messages_out", session, left)
    state = {
        str(one["key"]): one["value"]
        for one in _rows(place / "outbound.db", "session_state", session, None)
        if isinstance(one.get("key"), str)
    }
    tasks = []
    for one in inbound:
        if one.get("kind") == "task" and one.get("status") in LIVE:
            try:
                tasks.append(_task(one, time))
            except (KeyError, ValueError, TypeError) as exc:
                left.append(LeftBehind(f"task {one.get('id')!r} of session {session}", f"it cannot be read: {exc}"))
    talk = [one for one in inbound if one.get("kind") != "task"]
    waiting = sum(one.get("status") == "pending" and one.get("trigger", 1) == 1 for one in talk)
    chat, thread = row.get("messaging_group_id"), row.get("thread_id")
    return OldSession(
        id=SessionId(session),
        agent_group_id=AgentGroupId(agent),
        messaging_group_id=None if chat is None else MessagingGroupId(str(chat)),
        thread_id=None if not thread else str(thread),
        created_at=time(row["created_at"]),
        last_active=time(row.get("last_active") or row["created_at"]),
        continuations=backfill.continuations({key: value for key, value in state.items() if isinstance(value, str)}),
        tasks=tuple(tasks),
        waiting=waiting,
        history=len(talk) - waiting + len(outbound),
    )


def _rows(path: Path, table: str, session: str, left: list[LeftBehind] | None) -> list[Row]:
    """All rows of a table of a file that an agent could write; none if it cannot be read, and then it is said once."""
    if not path.exists():
        return []
    try:
        with opened(path) as conn:
            return rows(conn, table)
    except UsageError as exc:
        if left is not None:
            left.append(LeftBehind(f"{path.name} of session {session}", str(exc)))
        return []


def _task(row: Row, time: Callable[[Value], datetime]) -> OldTask:
    said = strict_json.read(str(row["content"]))
    if not isinstance(said, dict) or not isinstance(said.get("prompt"), str):
        raise TypeError("it has no prompt")
    script, after = said.get("script"), row.get("process_after")
    return OldTask(
        id=str(row["id"]),
        made_at=time(row["timestamp"]),
        process_after=None if after is None else time(after),
        recurrence=_text(row.get("recurrence")),
        channel=None if row.get("channel_type") is None else ChannelName(str(row["channel_type"])),
        platform_id=_text(row.get("platform_id")),
        thread_id=_text(row.get("thread_id")),
        prompt=said["prompt"],
        script=script if isinstance(script, str) and script else None,
    )


def _text(value: Value) -> str | None:
    return str(value) if value else None
