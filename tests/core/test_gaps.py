"""What is looked through after a gap, and what waits for it."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.gaps import (
    LONGEST_PAUSE,
    LONGEST_WAIT,
    After,
    Gap,
    GiveWay,
    Look,
    Now,
    Rest,
    failed,
    following,
    gate,
    overdue,
    shut,
)

places = st.sampled_from("abcdef")
gaps = st.builds(
    Gap, last=st.just("1"), wanted=st.just(inf) | st.floats(0, 9), due=st.floats(0, 20), failures=st.integers(0, 3)
)


@pytest.mark.parametrize(
    ("open_places", "event", "found"),
    [
        ("", "ab", Now()),
        ("c", "ab", Now()),
        ("b", "ab", After("b")),
        ("ba", "ab", After("a")),
        ("a", "", Now()),
    ],
)
def test_an_event_waits_for_the_widest_of_its_places_that_is_open_and_for_no_other(
    open_places: str, event: str, found: object
) -> None:
    assert gate(set(open_places), tuple(event)) == found


@pytest.mark.parametrize(
    ("pending", "found"),
    [
        ({}, Rest(inf)),
        ({"a": Gap(last="1"), "b": Gap(last="1")}, Look("a")),
        ({"a": Gap(last="1"), "b": Gap(last="1", wanted=2), "c": Gap(last="1", wanted=1)}, Look("c")),
        ({"a": Gap(last="1", wanted=1, due=12), "b": Gap(last="1")}, Look("b")),
        ({"a": Gap(last="1", wanted=1, failures=1), "b": Gap(last="1")}, Look("b")),
        ({"a": Gap(last="1", due=13), "b": Gap(last="1", due=12)}, Rest(2.0)),
    ],
    ids=["nothing", "in their order", "what waits", "not before it may be", "what fails is last", "rest"],
)
def test_what_somebody_waits_for_is_looked_through_first(pending: dict[str, Gap], found: object) -> None:
    assert following(pending, 10.0) == found


@pytest.mark.parametrize(
    ("pending", "found"),
    [
        ({}, Rest(inf)),
        ({"a": Gap(last="1")}, Rest(inf)),
        ({"a": Gap(last="1", wanted=1), "b": Gap(last="1", wanted=2)}, GiveWay("a")),
        ({"a": Gap(last="1", wanted=1, gave_way=True), "b": Gap(last="1", wanted=7)}, Rest(6.0)),
        ({"a": Gap(last="1", wanted=1, due=inf, failures=9)}, GiveWay("a")),
    ],
    ids=["nothing", "nobody waits", "the first", "once", "whatever it waits for"],
)
def test_a_place_gives_way_that_was_waited_for_too_long(pending: dict[str, Gap], found: object) -> None:
    assert overdue(pending, LONGEST_WAIT + 1) == found
    assert shut(pending) == {place for place, gap in pending.items() if not gap.gave_way}


@given(st.dictionaries(places, gaps), st.floats(0, 20))
def test_nothing_is_asked_before_it_may_be_and_nothing_that_may_be_is_waited_for(
    pending: dict[str, Gap], now: float
) -> None:
    match following(pending, now):
        case Look(place):
            assert pending[place].due <= now
        case Rest(seconds):
            assert seconds > 0
            assert all(gap.due > now for gap in pending.values())


@given(st.integers(0, 100), st.none() | st.floats(0.1, 3_600))
def test_a_place_that_failed_is_due_again_within_bounds_and_keeps_its_turn_if_it_only_had_to_wait(
    failures: int, retry_after: float | None
) -> None:
    gap = failed(Gap(last="7", wanted=3, failures=failures), 100.0, retry_after)
    assert (gap.last, gap.wanted) == ("7", 3)
    assert gap.failures == failures + (retry_after is None)
    assert gap.due == 100.0 + retry_after if retry_after is not None else 100 < gap.due <= 100 + LONGEST_PAUSE
