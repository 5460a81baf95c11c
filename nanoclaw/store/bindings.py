"""Which secrets go with what agents ask, and what people have let through, in nanoclaw.db."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from nanoclaw.model.bindings import Binding, Pass
from nanoclaw.model.ids import AgentGroupId
from schema.rows import bindings as values
from schema.rows import insert_sql, select
from schema.sqlite import Connection, execute, fetch
from schema.times import write_time


def all_of(conn: Connection, group: AgentGroupId | None = None) -> tuple[Binding, ...]:
    """The bindings of *group*, or of everybody (None), by group and name."""
    return tuple(
        select(
            conn,
            Binding,
            "SELECT * FROM secret_bindings WHERE agent_group_id = ? OR ? IS NULL ORDER BY agent_group_id, name",
            (group, group),
        )
    )


def get(conn: Connection, group: AgentGroupId, name: str) -> Binding | None:
    """The one of that name."""
    found = select(conn, Binding, "SELECT * FROM secret_bindings WHERE agent_group_id = ? AND name = ?", (group, name))
    return found[0] if found else None


def bind(conn: Connection, binding: Binding) -> None:
    """Have it instead of what was called so; what people let through of that is forgotten. Raises `ConstraintError`."""
    unbind(conn, binding.agent_group_id, binding.name)
    execute(conn, insert_sql("secret_bindings", Binding), values(binding))


def unbind(conn: Connection, group: AgentGroupId, name: str) -> bool:
    """Have it no longer; says whether there was one."""
    had = get(conn, group, name) is not None
    execute(conn, "DELETE FROM secret_bindings WHERE agent_group_id = ? AND name = ?", (group, name))
    return had


def let_through(conn: Connection, one: Pass) -> None:
    """Keep what people have let through."""
    execute(conn, insert_sql("secret_passes", Pass, replace=True), values(one))


def is_open(conn: Connection, binding: Binding) -> bool:
    """Have people let through all of that binding?"""
    about = (binding.agent_group_id, binding.name)
    found = fetch(conn, "SELECT 1 FROM secret_passes WHERE agent_group_id = ? AND name = ? AND digest = ''", about)
    return bool(found)


def take_pass(conn: Connection, binding: Binding, digest: str, *, now: datetime) -> Pass | None:
    """What lets that one request through, if anything does. It is there no longer, after this."""
    execute(conn, "DELETE FROM secret_passes WHERE until <= ?", (write_time(now),))
    found = select(
        conn,
        Pass,
        "SELECT * FROM secret_passes WHERE agent_group_id = ? AND name = ? AND digest = ? LIMIT 1",
        (binding.agent_group_id, binding.name, digest),
    )
    if not found:
        return None
    execute(conn, "DELETE FROM secret_passes WHERE approval_id = ?", (found[0].approval_id,))
    return found[0]


def give_back(conn: Connection, passes: Sequence[Pass]) -> None:
    """Keep again what was taken for requests that did not go out, unless the binding is gone."""
    for one in passes:
        if get(conn, one.agent_group_id, one.name) is not None:
            let_through(conn, one)
