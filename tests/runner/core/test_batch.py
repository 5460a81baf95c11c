"""Which messages make a turn."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runner.core.batch import End, Obey, Rest, Stream, Take, choose, decide_next
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


def decide(rows: list[MessageIn], stream: Stream = Stream.CLOSED, **more: object) -> list[int] | str:
    """What is taken, or what else is done."""
    step = decide_next(rows, 10, stream=stream, **more)  # type: ignore[arg-type]  # by name
    match step:
        case Take(chosen):
            return seqs(chosen)
        case Obey(one):
            return f"obey {one.seq}"
        case other:
            return type(other).__name__


def test_a_command_is_a_turn_of_its_own_in_its_order() -> None:
    rows = [row(2), row(4), row(6)]
    assert decide(rows, commands={"m4"}) == [2]
    assert decide(rows[1:], commands={"m4"}) == "obey 4"
    assert decide([row(2, trigger=False), *rows[1:]], commands={"m4"}) == "obey 4"
    assert decide([row(4), row(6, trigger=False)], commands={"m4"}) == "obey 4"


def test_an_open_query_ends_for_a_command_once_all_before_it_is_said() -> None:
    rows = [row(2), row(4), row(6)]
    assert decide(rows, Stream.OPEN, commands={"m4"}) == [2]
    assert decide(rows[1:], Stream.OPEN, commands={"m4"}) == "End"
    assert decide(rows[1:], Stream.OPEN, commands={"m4"}, under_way=True) == "End"
    assert decide(rows[1:], Stream.ENDING, commands={"m4"}) == "Rest"


def test_nothing_is_done_while_nothing_can_be_said_or_may_be() -> None:
    assert decide([row(2)], Stream.BUSY) == "Rest"
    assert decide([row(2)], Stream.ENDING, under_way=True) == "Rest"
    assert decide([row(2)], Stream.OPEN, under_way=True, alone=True) == "Rest"


def test_in_a_turn_context_is_taken_alone_and_before_a_turn_it_is_not() -> None:
    rows = [row(2, trigger=False)]
    assert decide(rows, Stream.OPEN) == "Rest"
    assert decide(rows, Stream.OPEN, under_way=True) == [2]


def test_what_was_broken_off_joins_no_turn_and_holds_back_what_came_later() -> None:
    rows = [row(2), row(4, tries=1), row(6), row(8, trigger=False)]
    assert decide(rows, Stream.OPEN, under_way=True) == [2]
    assert decide(rows[1:], Stream.OPEN, under_way=True) == "Rest"
    assert decide(rows[1:], Stream.OPEN) == [4, 8]


@given(ROWS, st.integers(1, 12), st.booleans(), st.sampled_from(Stream), st.sets(st.integers(1, 60), max_size=4))
def test_steps_keep_the_rules_whatever_is_pending(
    rows: list[MessageIn], most: int, under_way: bool, stream: Stream, numbers: set[int]
) -> None:
    commands = {row.id for row in rows if row.trigger and row.seq // 2 in numbers}
    step = decide_next(rows, most, commands=commands, stream=stream, under_way=under_way)
    first_command = min((row.seq for row in rows if row.id in commands), default=999)
    asking_before = [row for row in rows if row.trigger and row.seq < first_command]
    match step:
        case Take(chosen):
            assert stream in (Stream.OPEN, Stream.CLOSED)
            assert 0 < len(chosen) <= most
            assert all(row.seq < first_command for row in chosen), "nothing overtakes a command"
            assert under_way or any(row.trigger for row in chosen), "context alone begins nothing"
            if under_way:
                assert not any(row.trigger and row.tries for row in chosen)
        case Obey(row):
            assert stream is Stream.CLOSED
            assert not under_way
            assert row.seq == first_command
            assert not asking_before
        case End():
            assert stream is Stream.OPEN
            assert not asking_before
            assert first_command < 999
        case Rest():
            idle = stream in (Stream.OPEN, Stream.CLOSED) and not under_way
            assert not (idle and any(row.trigger for row in rows)), "nobody waits for nothing"


@given(ROWS, st.integers(1, 4), st.sets(st.integers(1, 60), max_size=4), st.data())
def test_step_by_step_everything_that_asks_is_done_in_its_order(
    rows: list[MessageIn], most: int, numbers: set[int], data: st.DataObject
) -> None:
    """A naive runner: it does what it is told, and a turn may be over after any step."""
    left = list(rows)
    commands = {row.id for row in rows if row.trigger and row.seq // 2 in numbers}
    stream, under_way, alone = Stream.CLOSED, False, False
    done: list[int] = []
    for _ in range(500):
        match decide_next(left, most, commands=commands, stream=stream, under_way=under_way, alone=alone):
            case Take(chosen):
                stream, under_way = Stream.OPEN, True
                alone = any(row.trigger and row.tries for row in chosen)
                done += [row.seq for row in chosen if row.trigger]
                left = [row for row in left if row not in chosen]
            case Obey(row):
                assert not under_way
                done.append(row.seq)
                left.remove(row)
            case End():
                stream = Stream.ENDING
            case Rest() if not under_way and stream is not Stream.ENDING:
                break
            case Rest():
                under_way = alone = False
        if under_way and data.draw(st.booleans()):
            under_way = alone = False
        if stream is Stream.ENDING and not under_way:
            stream = Stream.CLOSED
    assert done == sorted(row.seq for row in rows if row.trigger)
