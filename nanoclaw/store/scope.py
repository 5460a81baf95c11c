"""What an agent may see of the truth: while a block runs, the names of tables mean no more than that.

Each table is hidden behind a temporary view of the same name, which SQLite finds first. So every question that is asked
in the block, whoever wrote it, is answered within the scope: what is outside cannot be told from what was never there.
A table that nobody thought of has no rows. Nothing can be written through a view.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from nanoclaw.model.ids import AgentGroupId
from schema.sqlite import Connection, execute, fetch

_OWN = "(SELECT agent FROM temp.scope)"


def _of_own(column: str, *tables: str) -> str:
    """The values of *column* in the rows of *tables* that are of the agent group itself."""
    own = (f"SELECT {column} FROM main.{table} WHERE agent_group_id = {_OWN}" for table in tables)  # noqa: S608 - ours
    return f"({' UNION '.join(own)})"


_SESSIONS = _of_own("id", "sessions")
_CHATS = _of_own("messaging_group_id", "wirings", "destinations", "sessions")
_PEOPLE = _of_own("user_id", "members", "roles")
_TASKS = f"(SELECT id FROM main.tasks WHERE session_id IN {_SESSIONS})"  # noqa: S608 - ours

WITHIN: Mapping[str, str] = {
    "agent_groups": f"id = {_OWN}",
    "container_settings": f"agent_group_id = {_OWN}",
    "wirings": f"agent_group_id = {_OWN}",
    "messaging_groups": f"id IN {_CHATS}",
    "destinations": f"agent_group_id = {_OWN}",
    "members": f"agent_group_id = {_OWN}",
    "roles": f"agent_group_id = {_OWN}",
    "users": f"id IN {_PEOPLE}",
    "sessions": f"agent_group_id = {_OWN}",
    "epochs": f"session_id IN {_SESSIONS}",
    "inbound": f"session_id IN {_SESSIONS}",
    "ledger": f"session_id IN {_SESSIONS}",
    "usage": f"session_id IN {_SESSIONS}",
    "tasks": f"session_id IN {_SESSIONS}",
    "occurrences": f"task_id IN {_TASKS}",
}
"""Which rows concern one agent group. No agent sees anything of the tables that are not here, whatever its scope."""
_KEPT_BACK: Mapping[str, Mapping[str, str]] = {"container_settings": {"additional_mounts": "'[]'"}}
"""What stands instead of columns that are the operator's alone: an agent is not told where a folder is from."""


@contextmanager
def scoped(conn: Connection, agent: AgentGroupId | None) -> Iterator[None]:
    """Let the block see on *conn* what concerns *agent*; None: all that any agent may see.

    In a transaction. SQLite prepares every statement anew that it knows, so what it has in store leads nowhere else.
    """
    tables = [
        str(row["name"])
        for row in fetch(conn, "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    ]
    execute(conn, "CREATE TEMP TABLE scope (agent TEXT)")
    try:
        execute(conn, "INSERT INTO temp.scope (agent) VALUES (?)", (agent,))
        for table in tables:
            execute(conn, f"CREATE TEMP VIEW {table} AS {_select(conn, table, everything=agent is None)}")
        yield
    finally:
        for table in tables:
            execute(conn, f"DROP VIEW IF EXISTS temp.{table}")
        execute(conn, "DROP TABLE IF EXISTS temp.scope")


def _select(conn: Connection, table: str, *, everything: bool) -> str:
    if table not in WITHIN:
        return f"SELECT * FROM main.{table} WHERE 0"  # noqa: S608 - the names of our own tables
    kept_back = _KEPT_BACK.get(table, {})
    names = [str(row["name"]) for row in fetch(conn, "SELECT name FROM pragma_table_info(?, 'main')", (table,))]
    columns = ", ".join(f"{kept_back[name]} AS {name}" if name in kept_back else name for name in names)
    return f"SELECT {columns} FROM main.{table} WHERE {'1' if everything else WITHIN[table]}"  # noqa: S608 - our own
