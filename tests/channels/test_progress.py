"""How far each place of a platform was read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.channels.progress import MOST_READ, Reading, earlier, is_after

times = st.builds(lambda whole, rest: f"{whole}.{rest:06}", st.integers(2, 10**10), st.integers(0, 999_999))
numbers = st.integers(2, 10**18).map(str) | times


@given(numbers)
def test_a_place_is_known_before_its_first_message_is_told_and_that_is_still_to_be_read(message: str) -> None:
    reading = Reading()
    assert reading.begin("here", message)
    assert not reading.begin("here", message)
    last = reading.last("here")
    assert last is None or is_after(message, last)
    reading.saw("here", message)
    assert reading.last("here") == message


@given(st.lists(st.tuples(st.sampled_from("abc"), numbers)))
def test_what_is_kept_is_what_was_read_and_never_goes_back(seen: list[tuple[str, str]]) -> None:
    reading = Reading()
    for place, message in seen:
        before = reading.last(place)
        reading.saw(place, message)
        last = reading.last(place)
        assert last is not None
        assert not is_after(message, last)
        assert before is None or not is_after(before, last)
    again = Reading.of(reading.kept())
    assert again.places == reading.places
    assert [again.last(place) for place in again.places] == [reading.last(place) for place in reading.places]


@pytest.mark.parametrize("kept", [None, "", "[]", "{", '{"a": 1, "b": "x", "c": "-1", "d": "1.2.3"}'])
def test_marks_that_make_no_sense_are_forgotten(kept: str | None) -> None:
    assert Reading.of(kept).places == ()


def test_the_places_without_news_for_the_longest_time_go() -> None:
    reading = Reading()
    for number in range(MOST_READ + 1):
        reading.saw(f"place {number}", "1")
    assert (len(reading.places), reading.last("place 0")) == (MOST_READ, None)
    reading.forget("place 1")
    assert reading.last("place 1") is None
    reading.saw("place 2", "no number")
    assert reading.last("place 2") == "1"


@given(st.lists(numbers, min_size=1), st.integers(0, 100))
def test_what_was_heard_last_is_kept_and_lags_by_less_than_it_may(seen: list[str], least: int) -> None:
    reading = Reading()
    for message in seen:
        reading.heard(message, least=least)
    again = Reading.of(reading.kept())
    assert again.since == reading.since
    assert again.places == ()
    assert again.since is not None
    assert all(int(one.partition(".")[0]) - int(again.since.partition(".")[0]) < max(least, 1) for one in seen)
    assert not is_after(earlier(again.since, 5), again.since)
