"""Stored times: one form, one width, so that text order is time order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.times import normalise_time, read_time, write_time

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=ZONES)  # noqa: DTZ001  # hypothesis adds it


@given(TIMES)
def test_a_time_comes_back_to_the_millisecond(when: datetime) -> None:
    text = write_time(when)
    assert read_time(text) == when.replace(microsecond=when.microsecond // 1000 * 1000)
    assert normalise_time(text) == text
    assert len(text) == len("2026-04-16T14:37:00.000Z")


@given(TIMES, TIMES)
def test_the_order_of_texts_is_the_order_of_times(one: datetime, other: datetime) -> None:
    assert (write_time(one) < write_time(other)) == (read_time(write_time(one)) < read_time(write_time(other)))


def test_a_time_without_a_zone_is_not_stored() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        write_time(datetime(2026, 4, 16))  # noqa: DTZ001  # that is the point


@pytest.mark.parametrize(
    "text",
    [
        "2026-04-16T14:37:00Z",
        "2026-04-16 14:37:00.000Z",
        "2026-04-16T14:37:00.000+00:00",
        "2026-04-16T16:37:00.000+02:00",
        "2026-04-16T14:37:00.000",
        "2026-04-16T14:37:00.0001Z",
        "2026-04-16",
        "yesterday",
        "",
        "0001-01-01T00:00:00.000+14:00",
    ],
)
def test_any_other_form_is_a_bug_of_whoever_wrote_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"time|isoformat|years"):
        read_time(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-04-16 14:37:00",
        "2026-04-16T14:37:00Z",
        "2026-04-16T14:37:00+00:00",
        "2026-04-16T16:37:00.000999+02:00",
        "20260416T143700Z",
    ],
)
def test_forms_of_other_programs_become_ours(text: str) -> None:
    assert normalise_time(text) == "2026-04-16T14:37:00.000Z"
    assert read_time(normalise_time(text)) == datetime(2026, 4, 16, 14, 37, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"isoformat|month|years"):
        normalise_time(text)


@given(st.text(max_size=40))
def test_no_text_raises_anything_but_the_one_error(text: str) -> None:
    for read in (read_time, normalise_time):
        try:
            read(text)
        except ValueError:
            continue
