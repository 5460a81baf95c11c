"""Outboxes for tests: what an honest runner writes, and what somebody makes who edits the schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

import apsw

from nanoclaw.link.answer import decode, encode
from nanoclaw.link.layout import empty_outbound
from nanoclaw.link.reader import read_file
from nanoclaw.link.report import Inspected, Report
from schema.files import outbound_ddl
from schema.rows import MessageOut, OutKind, bindings, insert_sql
from schema.sqlite import Connection, Value

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
STORED_NOON = "2026-11-22T12:00:00.000Z"
MESSAGE_SQL = insert_sql("messages_out", MessageOut)
HELLO = '{"text": "hello"}'


def long_text(letter: str, length: int = 600) -> str:
    """A message's content of about that many bytes."""
    return f'{{"text": "{letter * length}"}}'


class TextBytes(bytes):
    """Bytes that `forged` stores as text, whatever they are."""


def say(conn: Connection, number: int, content: str = HELLO) -> None:
    """Write message *number* (1, 2, …) as an honest runner does."""
    row = MessageOut(
        id=f"m{number}",
        seq=2 * number - 1,
        in_reply_to="in-1",
        timestamp=NOON,
        kind=OutKind.CHAT,
        destination="friends",
        content=content,
    )
    conn.execute(MESSAGE_SQL, bindings(row))


def outbox(*builds: Callable[[Connection], object], page_size: int = 4096) -> bytes:
    """The bytes of an outbox after *builds*, each in a transaction."""
    conn = apsw.Connection(":memory:")
    try:
        if page_size == 4096:
            conn.deserialize("main", empty_outbound())
        else:
            conn.pragma("page_size", page_size)
            conn.execute(outbound_ddl())
        for build in builds:
            with conn:
                build(conn)
        return conn.serialize("main")
    finally:
        conn.close()


def saying(*numbers: int, content: str = HELLO) -> Callable[[Connection], None]:
    """A build that writes these messages."""

    def build(conn: Connection) -> None:
        for number in numbers:
            say(conn, number, content)

    return build


def forged(rows: Iterable[tuple[str, Mapping[str, Value]]]) -> bytes:
    """An outbox with *rows* (table, values) that its own schema would not have taken.

    The tables are made without a type or a constraint, filled, and given the right text afterwards.
    """
    honest = apsw.Connection(":memory:")
    honest.execute(outbound_ddl())
    texts = honest.execute("SELECT sql, name FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
    honest.close()
    loose = re.sub(r"CHECK \((?:[^()]|\([^()]*\))*\)| NOT NULL| STRICT", "", outbound_ddl())
    conn = apsw.Connection(":memory:")
    try:
        conn.execute(re.sub(r"\bTEXT\b", "BLOB", loose))
        for table, values in rows:
            places = ", ".join("CAST(? AS TEXT)" if isinstance(value, TextBytes) else "?" for value in values.values())
            sql = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places})"
            conn.execute(sql, tuple(values.values()))
        conn.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 0)
        conn.pragma("writable_schema", 1)
        for text in texts:
            conn.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", text)
        return conn.serialize("main")
    finally:
        conn.close()


def message(number: int, **changes: Value) -> tuple[str, dict[str, Value]]:
    """The values of an honest message, some of them changed, for `forged`."""
    values: dict[str, Value] = {
        "id": f"m{number}",
        "seq": 2 * number - 1,
        "in_reply_to": None,
        "timestamp": STORED_NOON,
        "deliver_after": None,
        "kind": "chat",
        "destination": None,
        "content": HELLO,
    }
    return "messages_out", {**values, **changes}


def read(db: bytes, journal: bytes | None = None, *, after: int = 0) -> Inspected:
    """What customs makes of these bytes, without the worker process between."""
    return decode(encode(read_file(db, journal, after)), after)


def report(db: bytes, journal: bytes | None = None, *, after: int = 0) -> Report:
    """`read` for a file that passes."""
    found = read(db, journal, after=after)
    assert isinstance(found, Report), found
    return found


def ids(found: Report) -> list[str]:
    """The ids of its good rows, in order."""
    return [row.id for row in found.rows]
