"""Is every promise of the schema and of the pipeline kept in this home? Looks, never touches."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from attrs import frozen

from nanoclaw.core.digests import digest_of
from nanoclaw.core.engage import BadPattern, compile_pattern
from nanoclaw.core.promises import Broken, Problem
from nanoclaw.core.repair import OUT
from nanoclaw.model.ids import SessionId, SpoolId
from nanoclaw.store import epochs, files, programs
from nanoclaw.store.promises import REPAIR, RULES
from nanoclaw.store.swapping import UNFINISHED
from schema import sqlite
from schema.files import INBOUND
from schema.sqlite import Connection, ReadOnlyError, SqliteError, fetch, fetch_plain
from schema.times import write_time

PATIENCE = timedelta(seconds=10)
"""A due message may wait this long for its session's actor before it counts as forgotten."""
SPOOL_PATIENCE = timedelta(hours=2)
"""A file in the spool may belong to a message that is just being stored; after this long it is left over."""
MOST_SHOWN = 20


@frozen(kw_only=True)
class Host:
    """What the running host says of itself."""

    actors: frozenset[SessionId]
    """Sessions with an actor."""


def verify(conn: Connection, home: Path, *, host: Host | None, now: datetime, most: int = MOST_SHOWN) -> list[Problem]:
    """Everything that is wrong in *home*, at most *most* places of each kind of row.

    Args:
      conn: A reading connection to its nanoclaw.db.
      home: Its folder.
      host: What the running host says of itself; None if none runs.
      now: The time to judge waiting messages by.
      most: How many.
    """
    return [
        *_file(conn),
        *_rows(conn, most),
        *_payloads(conn),
        *_patterns(conn),
        *_owners(conn, host, now),
        *_folders(conn, home),
        *_links(conn, home, host),
        *_spool(conn, home, host, now, most),
    ]


def _problem(broken: Broken, where: object, mend: str = REPAIR, *, evidence: object = "") -> Problem:
    return Problem(what=broken.value, where=str(where), mend=mend, evidence=str(evidence))


def _file(conn: Connection) -> Iterator[Problem]:
    for row in fetch(conn, "PRAGMA integrity_check(20)"):
        if row["integrity_check"] != "ok":
            yield _problem(Broken.DAMAGED, row["integrity_check"], "nanoclaw repair, or restore a backup")
    for row in fetch(conn, "PRAGMA foreign_key_check"):
        which = "" if row["rowid"] is None else f" row {row['rowid']!s}"
        yield _problem(Broken.DANGLING, f"{row['table']!s}{which}", "restore a backup")


def _rows(conn: Connection, most: int) -> Iterator[Problem]:
    for rule in RULES:
        _, found = fetch_plain(conn, f"SELECT * FROM ({rule.sql}) LIMIT {most}")  # noqa: S608 - our own texts
        for row in found:
            yield _problem(rule.broken, row[0], rule.mend, evidence=row[1] if len(row) > 1 else "")


def _payloads(conn: Connection) -> Iterator[Problem]:
    """What people were asked, and said yes to, is what would be done."""
    for row in fetch(conn, "SELECT id, payload, digest FROM approvals WHERE state IN ('pending', 'executing')"):
        if digest_of(str(row["payload"])) != row["digest"]:
            yield _problem(Broken.OTHER_PAYLOAD, row["id"])
    for group, digest in programs.changed(conn):
        yield _problem(Broken.OTHER_PROGRAM, f"{group} {digest}")


def _patterns(conn: Connection) -> Iterator[Problem]:
    """SQL cannot compile them."""
    for row in fetch(conn, "SELECT id, engage_pattern FROM wirings WHERE engage_pattern IS NOT NULL"):
        if isinstance(compile_pattern(str(row["engage_pattern"])), BadPattern):
            mend = f"nanoclaw wirings update {row['id']!s} --engage-pattern …"
            yield _problem(Broken.PATTERN, row["id"], mend)


def _owners(conn: Connection, host: Host | None, now: datetime) -> Iterator[Problem]:
    """Whatever is open has somebody who works on it, or will at the next start."""
    for row in fetch(conn, "SELECT session_id, number FROM epochs WHERE ended_at IS NULL"):
        where = f"{row['session_id']!s} epoch {row['number']!s}"
        if host is None:
            yield _problem(Broken.LEFT_OPEN, where, "nanoclaw up")
        elif row["session_id"] not in host.actors:
            yield _problem(Broken.NO_ACTOR, where, "restart the host")
    if host is not None:
        due = fetch(
            conn,
            "SELECT DISTINCT session_id FROM inbound WHERE status = 'pending' AND trigger = 1"
            " AND max(timestamp, coalesce(process_after, timestamp)) < ?"
            " AND session_id NOT IN (SELECT session_id FROM parkings)",
            (write_time(now - PATIENCE),),
        )
        for row in due:
            if row["session_id"] not in host.actors:
                yield _problem(Broken.FORGOTTEN, row["session_id"], "restart the host")


def _folders(conn: Connection, home: Path) -> Iterator[Problem]:
    """Every folder of a link belongs to a row."""
    known = {
        (str(row["agent_group_id"]), str(row["id"])) for row in fetch(conn, "SELECT agent_group_id, id FROM sessions")
    }
    live = {
        (str(row["session_id"]), str(row["number"]))
        for row in fetch(conn, "SELECT session_id, number FROM epochs WHERE ended_at IS NULL")
    }
    for folder in sorted((home / "sessions").glob("*/*")):
        is_known = (folder.parent.name, folder.name) in known
        if not is_known:
            yield _problem(Broken.STRAY_SESSION, folder)
        for out in sorted((folder / "out").glob("*")):
            if not is_known or (folder.name, out.name) not in live:
                yield _problem(Broken.STRAY_EPOCH, out)


def _links(conn: Connection, home: Path, host: Host | None) -> Iterator[Problem]:
    """What only a home at rest can be asked: inboxes are whole, and no restore was broken off."""
    if host is not None:
        return
    if (home / UNFINISHED).exists():
        yield _problem(Broken.LEFT_RESTORE, home / UNFINISHED)
    left = set(epochs.sessions_alive(conn))
    for path in sorted((home / "sessions").glob(f"*/*/in/{INBOUND}")):
        # One that a dead host was writing is made anew when its epoch is ended.
        if path.parent.parent.name not in left and not _is_whole(path):
            yield _problem(Broken.BROKEN_LINK, path)


def _is_whole(path: Path) -> bool:
    """Is it a database in which SQLite finds nothing wrong?"""
    try:
        conn = sqlite.open_read_only(path)
        try:
            return sqlite.scalar(conn, "PRAGMA quick_check(1)") == "ok"
        finally:
            conn.close()
    except ReadOnlyError:
        # Its writer died in the middle of a commit, which whoever writes it next takes back.
        return True
    except SqliteError:
        return False


def _spool(conn: Connection, home: Path, host: Host | None, now: datetime, most: int) -> Iterator[Problem]:
    """Every file in the spool belongs to a message and is as it came, and every message has its files."""
    needed, sizes = files.needed(conn), files.sizes(conn)
    spooled = {path.name: path for path in sorted((home / "spool").glob("*"))}
    for name, path in spooled.items():
        if name not in needed:
            if host is None or _is_forgotten(path, now):
                yield _problem(Broken.STRAY_FILE, path)
        elif (size := _size(path)) not in (None, sizes[SpoolId(name)]):
            evidence = f"{size} bytes instead of {sizes[SpoolId(name)]}"
            yield _problem(Broken.CHANGED_FILE, path, evidence=evidence)
    # A host that runs may have sent and removed one since the rows were read.
    came = files.attached(conn)
    for name in sorted((files.promised(conn) if host is None else came) - spooled.keys())[:most]:
        mend = "restore a backup, or nanoclaw repair"
        yield _problem(Broken.LOST_FILE, name, mend, evidence="" if name in came else OUT)


def _size(path: Path) -> int | None:
    """How many bytes it has; None: it is gone."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _is_forgotten(path: Path, now: datetime) -> bool:
    """Has a running host had the time to remove the file?"""
    try:
        return path.stat().st_mtime < (now - SPOOL_PATIENCE).timestamp()
    except FileNotFoundError:
        return False
