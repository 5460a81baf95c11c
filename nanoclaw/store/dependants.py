"""What refers to a row, and so keeps it from being deleted: the schema itself says so."""

from __future__ import annotations

from collections import Counter

from schema.sqlite import Connection, execute, fetch, integer

RECORDS = ("drops", "approvals")
"""Records of what happened: they outlive what they are about, and then name it no longer."""
FOUND_OUT = ("direct_messages",)
"""What can be found out again: it goes with what it is about."""


def dependants(conn: Connection, table: str, row_id: str) -> Counter[str]:
    """How many rows of which tables refer to the row of that id, records and what goes with it aside."""
    found: Counter[str] = Counter()
    for of, column in references(conn, table):
        if of not in RECORDS + FOUND_OUT:
            found[of] += integer(conn, f"SELECT count(*) FROM {of} WHERE {column} = ?", (row_id,))  # noqa: S608 - ours
    return +found


def forget_in_records(conn: Connection, table: str, row_id: str) -> None:
    """Let the records name the row of that id no longer, and let what was found out about it go."""
    for of, column in references(conn, table):
        if of in RECORDS:
            execute(conn, f"UPDATE {of} SET {column} = NULL WHERE {column} = ?", (row_id,))  # noqa: S608 - ours
        elif of in FOUND_OUT:
            execute(conn, f"DELETE FROM {of} WHERE {column} = ?", (row_id,))  # noqa: S608 - ours


def references(conn: Connection, table: str) -> list[tuple[str, str]]:
    """The tables and columns that refer to *table*, but for those whose rows go with its rows."""
    rows = fetch(
        conn,
        'SELECT t.name AS "of", k."from" AS "column"'
        "  FROM sqlite_schema t, pragma_foreign_key_list(t.name) k"
        " WHERE t.type = 'table' AND k.\"table\" = ? AND k.on_delete <> 'CASCADE' ORDER BY t.name, k.\"from\"",
        (table,),
    )
    return [(str(row["of"]), str(row["column"])) for row in rows]
