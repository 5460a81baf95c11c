"""Whom to ask for room: nobody at work, the longest idle first, no more than are needed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.admission import Guest, Pressure, whom_to_ask
from nanoclaw.model.ids import SessionId


def guest(name: str, idle_since: float | None = None, *, asked: bool = False) -> Guest:
    return Guest(session=SessionId(name), idle_since=idle_since, asked=asked)


HOUSE = [guest("busy"), guest("old", 1.0), guest("young", 3.0), guest("middle", 2.0)]


@pytest.mark.parametrize(
    ("guests", "waiting", "short", "asked"),
    [
        (HOUSE, 0, False, ()),
        (HOUSE, 1, False, ("old",)),
        (HOUSE, 2, False, ("old", "middle")),
        (HOUSE, 9, False, ("old", "middle", "young")),
        (HOUSE, 0, True, ("old",)),
        (HOUSE, 2, True, ("old", "middle")),
        ([guest("busy")], 3, True, ()),
        ([guest("old", 1.0, asked=True), guest("young", 2.0)], 1, False, ()),
        ([guest("old", 1.0, asked=True), guest("young", 2.0)], 2, False, ("young",)),
        ([guest("old", 1.0, asked=True), guest("young", 2.0)], 0, True, ()),
    ],
)
def test_each_pressure_has_its_answer(guests: list[Guest], waiting: int, short: bool, asked: tuple[str, ...]) -> None:
    assert whom_to_ask(guests, Pressure(waiting=waiting, memory_short=short)) == asked


GUESTS = st.lists(
    st.builds(
        Guest,
        session=st.uuids().map(lambda one: SessionId(str(one))),
        idle_since=st.none() | st.floats(0, 1e6),
        asked=st.booleans(),
    ),
    unique_by=lambda one: one.session,
)
PRESSURES = st.builds(Pressure, waiting=st.integers(0, 5), memory_short=st.booleans())


@given(GUESTS, PRESSURES)
def test_only_the_idle_are_asked_once_each_and_never_more_than_are_needed(
    guests: list[Guest], pressure: Pressure
) -> None:
    by_name = {one.session: one for one in guests}
    asked = whom_to_ask(guests, pressure)
    assert len(set(asked)) == len(asked)
    assert all(by_name[name].idle_since is not None and not by_name[name].asked for name in asked)
    assert len(asked) <= max(pressure.waiting, int(pressure.memory_short))
    passed_over = [one.idle_since for one in guests if one.session not in asked and not one.asked]
    for name in asked:
        since = by_name[name].idle_since
        assert since is not None
        assert all(other is None or other >= since for other in passed_over)
