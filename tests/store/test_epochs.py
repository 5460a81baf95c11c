"""The lives of sandboxes: one at a time for each session, numbered without gaps."""

from __future__ import annotations

import pytest

from nanoclaw.model.ids import SessionId
from nanoclaw.model.messages import EpochEnding
from nanoclaw.store import epochs
from schema.sqlite import ConstraintError
from tests.support.central import NOW, World, everything


def test_epochs_are_numbered_from_one_for_each_session() -> None:
    world = World()
    one, two = world.session("one", room="a"), world.session("two", room="b")
    for number in (1, 2, 3):
        begun = world.epoch(one)
        assert begun == number
        epochs.end(world.conn, one, begun, EpochEnding.EXITED, "", now=NOW)
    assert world.epoch(two) == 1


def test_a_session_has_one_open_epoch_at_most() -> None:
    world = World()
    session = world.session()
    world.epoch(session)
    with pytest.raises(ConstraintError):
        world.epoch(session)


def test_an_epoch_belongs_to_a_session() -> None:
    with pytest.raises(ConstraintError):
        World().epoch(SessionId("nobody"))


def test_the_live_epoch_is_the_open_one() -> None:
    world = World()
    one, two = world.session("one", room="a"), world.session("two", room="b")
    assert epochs.live(world.conn, one) is None
    world.epoch(two)
    epochs.end(world.conn, one, world.epoch(one), EpochEnding.EXITED, "", now=NOW)
    assert epochs.live(world.conn, one) is None
    number = world.epoch(one)
    live = epochs.live(world.conn, one)
    assert live is not None
    assert (live.session_id, live.number, live.engine, live.started_at) == (one, number, "test", NOW)
    assert (live.cursor, live.ended_at, live.ending, live.detail) == (0, None, None, None)
    assert [(epoch.session_id, epoch.number) for epoch in epochs.all_live(world.conn)] == [(one, 2), (two, 1)]


def test_the_cursor_never_goes_back() -> None:
    world = World()
    session = world.session()
    number = world.epoch(session)
    seen = []
    for cursor in (5, 3, 5, 8):
        epochs.advance(world.conn, session, number, cursor)
        live = epochs.live(world.conn, session)
        assert live is not None
        seen.append(live.cursor)
    assert seen == [5, 5, 5, 8]


@pytest.mark.parametrize("ending", EpochEnding)
def test_an_epoch_that_is_closed_stays_as_it_was(ending: EpochEnding) -> None:
    world = World()
    session = world.session()
    number = world.epoch(session)
    epochs.end(world.conn, session, number, ending, "so it was", now=NOW)
    before = everything(world.conn)
    [row] = before["epochs"]
    assert (row["ending"], row["detail"], row["ended_at"]) == (ending.value, "so it was", "2026-04-16T14:37:00.000Z")
    epochs.end(world.conn, session, number, EpochEnding.KILLED, "no, so", now=world.wait(seconds=1))
    assert everything(world.conn) == before
