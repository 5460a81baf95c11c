"""Is every promise of the schema and of the pipeline kept in this home? Looks, never touches."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from attrs import frozen

from nanoclaw.core.engage import BadPattern, compile_pattern
from nanoclaw.model.ids import SessionId
from nanoclaw.store import files
from schema.sqlite import Connection, Value, fetch
from schema.times import write_time

PATIENCE = timedelta(seconds=10)
"""A due message may wait this long for its session's actor before it counts as forgotten."""
SPOOL_PATIENCE = timedelta(hours=2)
"""A file in the spool may belong to a message that is just being stored; after this long it is left over."""
MOST_SHOWN = 20


@frozen(kw_only=True)
class Problem:
    """Something that should not be."""

    what: str
    where: str
    mend: str


@frozen(kw_only=True)
class Host:
    """What the running host says of itself."""

    actors: frozenset[SessionId]
    """Sessions with an actor."""


@frozen(kw_only=True)
class Rule:
    """A query that finds what should not be."""

    what: str
    sql: str
    mend: str = ""


RULES = (
    Rule(
        what="an accepted event has neither a message nor a record of why not",
        sql="""
        SELECT id FROM events
         WHERE id NOT IN (SELECT event_id FROM inbound WHERE event_id IS NOT NULL)
           AND id NOT IN (SELECT event_id FROM drops WHERE event_id IS NOT NULL)
        """,
    ),
    Rule(
        what="a message is claimed by a sandbox that is gone",
        sql="""
        SELECT i.id FROM inbound i JOIN epochs e ON e.session_id = i.session_id AND e.number = i.claimed_epoch
         WHERE e.ended_at IS NOT NULL
        """,
        mend="nanoclaw up",
    ),
    Rule(
        what="two messages of a session have one number",
        sql="""
        SELECT session_id || ' #' || seq
          FROM (SELECT session_id, seq FROM inbound
                UNION ALL SELECT session_id, seq FROM ledger WHERE session_id IS NOT NULL)
         GROUP BY session_id, seq HAVING count(*) > 1
        """,
    ),
    Rule(
        what="a message has a number of the wrong side",
        sql="""
        SELECT id FROM inbound WHERE seq % 2 <> 0
        UNION ALL SELECT id FROM ledger WHERE (epoch IS NULL) <> (seq % 2 = 0)
        """,
    ),
    Rule(
        what="a message out is in no state, or in two",
        sql="""
        SELECT id FROM ledger
         WHERE state NOT IN ('pending', 'sending', 'delivered', 'unknown', 'dead')
            OR (state IN ('pending', 'sending')) <> (settled_at IS NULL)
        """,
    ),
    Rule(
        what="a message in is in no state, or in two",
        sql="""
        SELECT id FROM inbound
         WHERE (status IN ('pending', 'paused')) <> (settled_at IS NULL)
            OR (claimed_epoch IS NOT NULL AND status <> 'pending')
        """,
    ),
    Rule(
        what="an active task has nothing planned and nothing under way",
        sql="""
        SELECT id FROM tasks t WHERE state = 'active'
           AND NOT EXISTS (SELECT 1 FROM occurrences o WHERE o.task_id = t.id AND o.outcome IS NULL)
        """,
        mend="nanoclaw tasks pause and resume it",
    ),
    Rule(
        what="a session has two open epochs",
        sql="SELECT session_id FROM epochs WHERE ended_at IS NULL GROUP BY session_id HAVING count(*) > 1",
    ),
)


def verify(conn: Connection, home: Path, *, host: Host | None, now: datetime) -> list[Problem]:
    """Everything that is wrong in *home*, at most `MOST_SHOWN` places each.

    Args:
      conn: A reading connection to its nanoclaw.db.
      home: Its folder.
      host: What the running host says of itself; None if none runs.
      now: The time to judge waiting messages by.
    """
    return [
        *_file(conn),
        *_rows(conn),
        *_patterns(conn),
        *_owners(conn, host, now),
        *_folders(conn, home),
        *_spool(conn, home, host, now),
    ]


def _file(conn: Connection) -> Iterator[Problem]:
    for row in fetch(conn, "PRAGMA integrity_check(20)"):
        if row["integrity_check"] != "ok":
            yield Problem(what="the file is damaged", where=str(row["integrity_check"]), mend="restore a backup")
    for row in fetch(conn, "PRAGMA foreign_key_check"):
        which = "" if row["rowid"] is None else f" row {row['rowid']!s}"
        yield Problem(what="a row refers to nothing", where=f"{row['table']!s}{which}", mend="")


def _rows(conn: Connection) -> Iterator[Problem]:
    for rule in RULES:
        for row in fetch(conn, f"SELECT * FROM ({rule.sql}) LIMIT {MOST_SHOWN}"):  # noqa: S608 - our own texts
            yield Problem(what=rule.what, where=str(_only(row)), mend=rule.mend)


def _patterns(conn: Connection) -> Iterator[Problem]:
    """SQL cannot compile them."""
    for row in fetch(conn, "SELECT id, engage_pattern FROM wirings WHERE engage_pattern IS NOT NULL"):
        if isinstance(compile_pattern(str(row["engage_pattern"])), BadPattern):
            yield Problem(
                what="a wiring has a pattern that does not compile",
                where=str(row["id"]),
                mend=f"nanoclaw wirings update {row['id']!s} --engage-pattern …",
            )


def _owners(conn: Connection, host: Host | None, now: datetime) -> Iterator[Problem]:
    """Whatever is open has somebody who works on it, or will at the next start."""
    for row in fetch(conn, "SELECT session_id, number FROM epochs WHERE ended_at IS NULL"):
        where = f"{row['session_id']!s} epoch {row['number']!s}"
        if host is None:
            yield Problem(what="an epoch was left open by a host that died", where=where, mend="nanoclaw up")
        elif row["session_id"] not in host.actors:
            yield Problem(what="an open epoch belongs to no actor", where=where, mend="restart the host")
    if host is not None:
        due = fetch(
            conn,
            "SELECT DISTINCT session_id FROM inbound WHERE status = 'pending' AND trigger = 1"
            " AND max(timestamp, coalesce(process_after, timestamp)) < ?",
            (write_time(now - PATIENCE),),
        )
        for row in due:
            if row["session_id"] not in host.actors:
                yield Problem(
                    what="messages wait and nobody works on them", where=str(row["session_id"]), mend="restart the host"
                )


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
            yield Problem(what="a folder belongs to no session", where=str(folder), mend="remove it")
        for out in sorted((folder / "out").glob("*")):
            if not is_known or (folder.name, out.name) not in live:
                yield Problem(what="a folder belongs to no open epoch", where=str(out), mend="nanoclaw up")


def _spool(conn: Connection, home: Path, host: Host | None, now: datetime) -> Iterator[Problem]:
    """Every file in the spool belongs to a message, and every message has its files."""
    needed = files.needed(conn)
    spooled = {path.name: path for path in sorted((home / "spool").glob("*"))}
    for name, path in spooled.items():
        if name not in needed and (host is None or _is_forgotten(path, now)):
            yield Problem(what="a file in the spool belongs to no message", where=str(path), mend="nanoclaw up")
    # A host that runs may have sent and removed one since the rows were read.
    lasting = needed if host is None else files.attached(conn)
    for name in sorted(lasting - spooled.keys())[:MOST_SHOWN]:
        yield Problem(what="a file of a message is not in the spool", where=name, mend="restore a backup")


def _is_forgotten(path: Path, now: datetime) -> bool:
    """Has a running host had the time to remove the file?"""
    try:
        return path.stat().st_mtime < (now - SPOOL_PATIENCE).timestamp()
    except FileNotFoundError:
        return False


def _only(row: dict[str, Value]) -> Value:
    return next(iter(row.values()))
