"""The tables of an outbox, read one value at a time and within bounds.

A value arrives as its type, its length and its bytes, never as what a decoder makes of it, so a row that is broken
costs that row and no other. Rows come in order of the table itself; indexes are never used, so they may lie.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from attrs import frozen

from nanoclaw.link import fields
from nanoclaw.link.fields import FieldError, Plain, is_id, printable
from nanoclaw.link.hardened import MOST_CELL_BYTES
from nanoclaw.link.report import Cell, digest_of
from schema.progress import MOST_USAGE
from schema.sqlite import Connection

MOST_ROWS = 100
MOST_ROW_BYTES = 2 << 20
"""Of one answer's rows of messages_out; more wait for the next look. A single row is always taken."""
MOST_ACKS = 10_000
MOST_STATES = 256
MOST_DRAFTS = 8
MOST_SIDE_BYTES = 2 << 20
"""Of each of the other tables, which are read whole each time."""
MOST_BAD = 100
"""Bad rows in each of the other tables."""


class TooMuchError(Exception):
    """More than an honest runner has to say; `str()` says of what."""


@frozen
class Table:
    """What is read of a table, and how much of it at most."""

    name: str
    columns: tuple[str, ...]
    read: Callable[[int, Plain], object]
    """Raises `FieldError` for what is no row."""
    id: str
    most_rows: int
    most_bytes: int
    newest: bool = False
    """Are its newest rows all that matters? Otherwise having more of them than that is a reason to refuse the file."""
    reals: frozenset[str] = frozenset()
    """The columns that hold numbers with a fraction."""


MESSAGES = Table("messages_out", fields.OUT_COLUMNS, fields.out_row, "id", MOST_ROWS, MOST_ROW_BYTES)
SIDE_TABLES = (
    Table(
        "processing_ack",
        fields.ACK_COLUMNS,
        lambda _, plain: fields.ack_row(plain),
        "message_id",
        MOST_ACKS,
        MOST_SIDE_BYTES,
    ),
    Table(
        "session_state",
        fields.STATE_COLUMNS,
        lambda _, plain: fields.state_row(plain),
        "key",
        MOST_STATES,
        MOST_SIDE_BYTES,
    ),
    Table(
        "container_state",
        fields.TOOL_COLUMNS,
        lambda _, plain: fields.tool_state(plain),
        "phase",
        1,
        MOST_SIDE_BYTES,
    ),
    Table(
        "drafts",
        fields.DRAFT_COLUMNS,
        lambda _, plain: fields.draft_row(plain),
        "reply",
        MOST_DRAFTS,
        MOST_SIDE_BYTES,
        newest=True,
    ),
    Table(
        "usage",
        fields.USAGE_COLUMNS,
        lambda _, plain: fields.usage_row(plain),
        "model",
        MOST_USAGE,
        MOST_SIDE_BYTES,
        newest=True,
        reals=frozenset({"cost_usd"}),
    ),
)
TABLES = (MESSAGES, *SIDE_TABLES)

READABLE: Mapping[str, frozenset[str]] = {
    # SQLite calls the schema by its old name when it asks an authorizer.
    "sqlite_master": frozenset({"type", "name", "tbl_name", "rootpage", "sql", "ROWID"}),
    # The key of container_state is its rowid, and is asked for by its name.
    **{table.name: frozenset({*table.columns, "ROWID", "only"}) for table in TABLES},
}
"""All that `hardened.open_hardened` has to let be read."""


def read_tables(conn: Connection, after: int) -> dict[str, object]:
    """The answer for a file whose schema and pages are sound, as `answer.decode` takes it.

    Raises:
      TooMuchError: one of the tables that are read whole is beyond its bounds.
      SqliteError: SQLite ran out of time or memory.
    """
    # All of SQLite's work first: the time that JSON takes must not count against its clock.
    messages = _fetch(conn, MESSAGES, after)
    sides = [(table, _fetch(conn, table, None)) for table in SIDE_TABLES]
    rows, bad = _judge(MESSAGES, messages)
    answer: dict[str, object] = {MESSAGES.name: rows, "more": messages.more}
    answer["cursor"] = messages.rows[-1][0] if messages.rows else after
    for table, found in sides:
        answer[table.name], also_bad = _judge(table, found)
        if found.more or len(also_bad) > MOST_BAD:
            raise TooMuchError(f"{table.name}: more than a runner has to say")
        bad += also_bad
    return {**answer, "bad": bad}


@frozen
class _Fetched:
    rows: list[tuple[int, list[Cell]]]
    more: bool


def _fetch(conn: Connection, table: Table, after: int | None) -> _Fetched:
    """The rows of *table* in order of their rowids, those after *after* if it is given, within the table's bounds.

    Of a table of which the newest count, the others are left out.
    """
    rows: list[tuple[int, list[Cell]]] = []
    size = 0
    for rowid, *values in conn.execute(_select(table, bounded=after is not None), () if after is None else (after,)):
        cells = list(zip(values[::2], values[1::2], strict=True))
        size += sum(len(data or b"") for _, data in cells)
        if len(rows) == table.most_rows or (rows and size > table.most_bytes):
            return _Fetched(rows[::-1], more=False) if table.newest else _Fetched(rows, more=True)
        rows.append((rowid, cells))
    return _Fetched(rows[::-1] if table.newest else rows, more=False)


def _judge(table: Table, fetched: _Fetched) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """The rows that are well-formed, and what to say of the others."""
    good: list[dict[str, object]] = []
    bad: list[dict[str, object]] = []
    for rowid, cells in fetched.rows:
        try:
            plain = {
                column: _value(column, cell, real=column in table.reals)
                for column, cell in zip(table.columns, cells, strict=True)
            }
            table.read(rowid, plain)
        except FieldError as exc:
            bad.append(_bad_row(table, rowid, cells, str(exc)))
        else:
            good.append({"rowid": rowid, **plain})
    return good, bad


@cache
def _select(table: Table, *, bounded: bool) -> str:
    """The type costs no reading, nor does the length; a value above the cap does not come at all."""
    columns = ", ".join(
        f"typeof({c}), CASE WHEN octet_length({c}) <= {MOST_CELL_BYTES} THEN CAST({c} AS BLOB) END"
        for c in table.columns
    )
    where = " WHERE rowid > ?" if bounded else ""
    order = "rowid DESC" if table.newest else "rowid"
    sql = f"SELECT rowid, {columns} FROM {table.name}{where} ORDER BY {order}"  # noqa: S608  # our own names
    return f"{sql} LIMIT {table.most_rows + 1}"


def _value(column: str, cell: Cell, *, real: bool = False) -> str | int | float | None:
    match cell:
        case "null", _:
            return None
        case _, None:
            raise FieldError(f"{column}: longer than {MOST_CELL_BYTES} bytes")
        case "integer", bytes(data):
            return int(data)
        case "real", bytes(data) if real:
            return float(data)
        case "text", bytes(data):
            try:
                return data.decode()
            except UnicodeDecodeError:
                raise FieldError(f"{column}: not UTF-8") from None
        case _:
            raise FieldError(f"{column}: neither text nor a whole number")


def _bad_row(table: Table, rowid: int, cells: list[Cell], reason: str) -> dict[str, object]:
    try:
        row_id = _value(table.id, cells[table.columns.index(table.id)])
    except FieldError:
        row_id = None
    return {
        "table": table.name,
        "rowid": rowid,
        "reason": printable(reason),
        "digest": digest_of(cells),
        "id": row_id if is_id(row_id) else None,
    }
