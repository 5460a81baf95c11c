"""AT-20: how long an agent waits for a refusal does not say whether what it named is somebody else's, or nobody's."""

from __future__ import annotations

from typing import Any

import pytest

from nanoclaw.core.agent_commands import WRITES
from schema.sqlite import Connection
from tests.actors.asking import Case
from tests.admin.commanding import a_case, give

SLACK = 0.02
"""Of the work: that a row is found and not shown is some steps more, among thousands."""
NAMED: tuple[tuple[str, str, str], ...] = (
    ("groups get", "group", "other"),
    ("chats get", "chat", "elsewhere"),
    ("wirings get", "wiring", "other@elsewhere"),
    ("sessions get", "session", "ses-2"),
    ("sessions list", "group", "other"),
    ("destinations list", "group", "other"),
    ("members list", "user", "test:bob"),
    ("tasks show", "task", "theirs"),
    ("groups update", "group", "other"),
    ("tasks cancel", "task", "theirs"),
    ("wirings update", "wiring", "other@elsewhere"),
)


def work(case: Case, command: str, options: dict[str, Any]) -> tuple[int, int, str]:
    """The statements that a refusal takes, the steps of SQLite's machine in them, and the refusal."""
    conn, counts = case.world.conn, [0, 0]

    def step() -> bool:
        counts[1] += 1
        return False

    def statement(*_: object) -> bool:
        counts[0] += 1
        return True

    watch(conn, step, statement)
    try:
        told = give(case, command, **options)
    finally:
        watch(conn, None, None)
    return counts[0], counts[1], told


def watch(conn: Connection, step: Any, statement: Any) -> None:
    """Have all work of *conn* counted, or no longer."""
    raw: Any = conn
    raw.set_progress_handler(step, 1)
    raw.set_exec_trace(statement)


@pytest.mark.parametrize(("command", "option", "foreign"), NAMED)
def test_a_refusal_takes_the_same_work_whether_it_is_anothers_or_nobodys(
    command: str, option: str, foreign: str
) -> None:
    more = {"name": "x"} if command in WRITES and option == "group" else {}
    measured = []
    for name in (foreign, foreign[:-1] + "~"):
        case = a_case()
        give(case, "help")
        statements, steps, told = work(case, command, {option: name, **more})
        assert told.startswith("refused: "), told
        measured.append((statements, steps, told.replace(name, "?")))
    (statements, steps, told), (of_nobody, steps_of_nobody, told_of_nobody) = measured
    assert (statements, told) == (of_nobody, told_of_nobody)
    assert statements > 50
    assert abs(steps - steps_of_nobody) <= SLACK * steps_of_nobody
