"""One reader reads file after file: what it says of each is what one would that has seen no other."""

from __future__ import annotations

import random
from itertools import count

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nanoclaw.link import reader
from nanoclaw.link.layout import empty_outbound
from nanoclaw.link.memory_vfs import MemoryVfs
from nanoclaw.link.tables import TooMuchError
from schema.sqlite import Connection, SqliteError
from tests.link.mutations import Files, mutate
from tests.link.outbox import outbox, say, saying

numbers = count()
HONEST = (
    Files(empty_outbound(), None),
    Files(outbox(saying(1)), None),
    Files(outbox(saying(1, 2, 3)), None),
    Files(outbox(lambda conn: say(conn, 9)), None),
    Files(outbox(saying(1, 2), page_size=1024), None),
    Files(outbox(saying(1, 2), page_size=65_536), None),
)

REFUSALS = (reader._RefusedError, TooMuchError, SqliteError, UnicodeDecodeError)


def new_desk() -> reader._Desk:
    return reader._Desk(MemoryVfs(f"again-{next(numbers)}"))


def kept_by(desk: reader._Desk) -> Connection | None:
    return desk._conn


def said(desk: reader._Desk, files: Files) -> dict[str, object] | None:
    """What comes of *files*; None: they are refused. Why depends on what is looked at first."""
    try:
        return desk.read(files.db, files.journal, 0)
    except REFUSALS:
        return None


@given(st.lists(st.tuples(st.sampled_from(range(len(HONEST))), st.none() | st.integers(0, 1 << 32)), min_size=2))
@example([(place, None) for place in (*range(len(HONEST)), *reversed(range(len(HONEST))))])
def test_what_was_read_before_makes_no_difference(files: list[tuple[int, int | None]]) -> None:
    """Each file is an honest one, and the seed of what is wrong with it, if anything is."""
    desk = new_desk()
    try:
        for place, seed in files:
            one = HONEST[place] if seed is None else mutate(random.Random(seed), HONEST[place])
            alone = new_desk()
            assert said(desk, one) == said(alone, one)
            if alone._conn is not None:
                alone._conn.close()
    finally:
        if desk._conn is not None:
            desk._conn.close()


def test_the_same_change_counter_hides_no_change() -> None:
    """SQLite takes a file whose counter has not changed for one that has not changed."""
    desk, one, other = new_desk(), outbox(saying(1)), outbox(saying(2))
    assert one[24:28] == other[24:28]
    desk.read(one, None, 0)
    found = desk.read(other, None, 0)
    assert isinstance(found["messages_out"], list)
    assert [row["id"] for row in found["messages_out"]] == ["m2"]


def test_after_a_clean_file_the_connection_is_kept_and_after_any_other_it_is_not() -> None:
    desk = new_desk()
    desk.read(outbox(saying(1)), None, 0)
    kept = kept_by(desk)
    desk.read(outbox(saying(1, 2)), None, 0)
    assert kept is not None
    assert kept_by(desk) is kept
    desk.read(outbox(saying(1), page_size=1024), None, 0)
    assert kept_by(desk) is None
    desk.read(outbox(saying(1)), None, 0)
    with pytest.raises(reader._RefusedError, match="schema"):
        desk.read(outbox(saying(1), lambda conn: conn.execute("CREATE TABLE more (x)")), None, 0)
    assert kept_by(desk) is None
