"""Which messages make a turn."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runner.core.batch import choose
from schema.rows import InKind, InStatus, MessageIn
from tests.runner.link import NOW


def row(seq: int, *, trigger: bool = True, tries: int = 0) -> MessageIn:
    return MessageIn(
        id=f"m{seq}",
        seq=seq,
        kind=InKind.CHAT,
        timestamp=NOW,
        status=InStatus.PENDING,
        trigger=trigger,
        tries=tries,
        content="{}",
    )


def seqs(rows: tuple[MessageIn, ...]) -> list[int]:
    return [row.seq for row in rows]


def test_context_alone_is_left_alone() -> None:
    assert choose([row(2, trigger=False), row(4, trigger=False)], 10) == ()
    assert choose([], 10) == ()


def test_context_rides_along_with_what_asks_for_a_turn() -> None:
    assert seqs(choose([row(6), row(4, trigger=False), row(2, trigger=False)], 10)) == [2, 4, 6]


def test_the_newest_context_fills_what_room_is_left() -> None:
    rows = [row(2, trigger=False), row(4), row(6, trigger=False), row(8, trigger=False)]
    assert seqs(choose(rows, 3)) == [4, 6, 8]
    assert seqs(choose(rows, 2)) == [4, 8]
    assert seqs(choose(rows, 1)) == [4]


def test_of_too_many_that_ask_the_oldest_come_first() -> None:
    assert seqs(choose([row(seq) for seq in (8, 2, 6, 4)], 3)) == [2, 4, 6]


def test_a_message_whose_turn_was_broken_off_asks_alone() -> None:
    assert seqs(choose([row(2, tries=1), row(4), row(6, trigger=False)], 10)) == [2, 6]
    assert seqs(choose([row(2), row(4, tries=3), row(6)], 10)) == [2]
    assert seqs(choose([row(2, tries=1), row(4, tries=1)], 10)) == [2]


ROWS = st.lists(
    st.builds(row, st.integers(1, 60).map(lambda n: 2 * n), trigger=st.booleans(), tries=st.integers(0, 2)),
    unique_by=lambda row: row.seq,
)


@given(ROWS, st.integers(1, 12))
def test_a_batch_keeps_the_rules_whatever_is_pending(rows: list[MessageIn], most: int) -> None:
    batch = choose(rows, most)
    chosen = set(batch)
    asking = sorted((row for row in rows if row.trigger), key=lambda row: row.seq)
    asked = [row for row in batch if row.trigger]
    assert chosen <= set(rows)
    assert list(batch) == sorted(batch, key=lambda row: row.seq)
    assert len(batch) <= most
    assert bool(batch) == bool(asking)
    assert asked == asking[: len(asked)], "the oldest that ask come first"
    assert len(asked) == 1 or all(row.tries == 0 for row in asked)
    context = [row for row in rows if not row.trigger]
    left = [row.seq for row in context if row not in chosen]
    taken = [row.seq for row in context if row in chosen]
    assert max(left, default=0) < min(taken, default=999), "the newest context is taken"
    if batch:
        assert len(batch) == most or not left, "no room is wasted on context"


@given(ROWS, st.integers(1, 12))
def test_turn_by_turn_everything_that_asks_is_taken(rows: list[MessageIn], most: int) -> None:
    left = list(rows)
    while batch := choose(left, most):
        left = [row for row in left if row not in batch]
    assert not any(row.trigger for row in left)
