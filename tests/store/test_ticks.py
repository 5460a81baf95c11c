"""The one counter of the file, and the highest number of each session."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.model.ids import SessionId
from nanoclaw.store import notices
from nanoclaw.store.ticks import highest_seq, tick, tick_and_seqs
from tests.support.central import NOW, ROOM, World


def test_every_tick_is_greater_than_the_last() -> None:
    world = World()
    first = tick(world.conn)
    assert [tick(world.conn) for _ in range(3)] == [first + 1, first + 2, first + 3]


def test_a_session_without_messages_is_at_zero() -> None:
    world = World()
    session = world.session()
    assert highest_seq(world.conn, session) == 0
    last = tick(world.conn)
    both = {session: 0, SessionId("nobody"): 0}
    assert tick_and_seqs(world.conn, list(both)) == (last + 1, both)
    assert tick_and_seqs(world.conn, []) == (last + 2, {})


def test_what_the_host_says_for_nobody_counts_for_no_session() -> None:
    world = World()
    session = world.session()
    notices.tell_chat(world.conn, None, ROOM, key="k", text="hello", now=NOW)
    assert highest_seq(world.conn, session) == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["in", "host", "runner"])), max_size=12))
def test_the_highest_number_counts_what_comes_in_and_what_goes_out(steps: list[tuple[str, str]]) -> None:
    world = World()
    sessions = {name: world.session(name, room=name) for name in "abc"}
    epochs = {name: world.epoch(session) for name, session in sessions.items()}
    last = dict.fromkeys("abc", 0)
    for number, (name, how) in enumerate(steps):
        if how == "in":
            world.message(sessions[name], f"m{number}")
        elif how == "host":
            notices.tell_chat(world.conn, sessions[name], ROOM, key=f"k{number}", text="hello", now=NOW)
        else:
            world.reply(sessions[name], epochs[name], last[name] + 1 + last[name] % 2)
        last[name] += 1 + (last[name] % 2 == (how == "runner"))
        assert highest_seq(world.conn, sessions[name]) == last[name]
    assert tick_and_seqs(world.conn, list(sessions.values()))[1] == {sessions[name]: last[name] for name in "abc"}
