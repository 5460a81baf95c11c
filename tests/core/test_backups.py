"""What backups are called, which are kept, and when the next is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.backup_contents import is_inside, through_links
from nanoclaw.core.backups import moment_of, name_of, newest_first, pause_before_next, too_many

NOW = datetime(2026, 4, 16, 14, 37, tzinfo=UTC)
DAY = timedelta(days=1)
moments = st.datetimes(min_value=datetime(1980, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0)
)


@given(moments)
def test_a_name_says_its_moment(moment: datetime) -> None:
    assert moment_of(name_of(moment)) == moment


@pytest.mark.parametrize(
    "name",
    [
        "nanoclaw-2026-13-01T00-00-00Z.tar.gz",
        "nanoclaw-2026-04-16T14-37-00Z.tar.gz.part",
        "nanoclaw-2026-04-16T14-37-00Z.tar.gz\n",
        "x",
        "",
    ],
)
def test_any_other_name_is_somebody_elses(name: str) -> None:
    assert moment_of(name) is None
    assert newest_first([name]) == ()


@given(st.sets(moments), st.integers(min_value=1, max_value=10))
def test_the_newest_stay(found: set[datetime], keep: int) -> None:
    gone = too_many(map(name_of, found), keep=keep)
    stay = {name_of(moment) for moment in found} - set(gone)
    assert len(stay) == min(keep, len(found))
    assert all(one > other for one in stay for other in gone)


def test_the_first_is_due_at_once_and_the_next_a_day_after_the_last() -> None:
    assert pause_before_next([], every=DAY, now=NOW) == timedelta(0)
    assert pause_before_next([name_of(NOW - DAY / 4)], every=DAY, now=NOW) == DAY * 3 / 4
    assert pause_before_next([name_of(NOW - 3 * DAY)], every=DAY, now=NOW) == timedelta(0)


def test_a_clock_that_was_wrong_stops_no_backups() -> None:
    future = name_of(NOW + 3_000 * DAY)
    assert pause_before_next([future], every=DAY, now=NOW) == DAY
    assert pause_before_next([future, name_of(NOW - 2 * DAY)], every=DAY, now=NOW) == timedelta(0)


@pytest.mark.parametrize("path", ["nanoclaw.db", "nanoclaw.toml", "groups/a", "spool/file-1", "state/a/b", "skills/é"])
def test_what_a_home_is_made_of_is_inside(path: str) -> None:
    assert is_inside(path)


@given(st.text(alphabet="a./\0", max_size=8))
def test_nothing_else_is(rest: str) -> None:
    for path in (rest, f"/{rest}", f"../{rest}", f"groups/../{rest}", f"secrets/{rest}"):
        assert not is_inside(path)


def test_what_lies_behind_a_link_is_found_however_deep() -> None:
    assert through_links(["a"], ["b", "ab"]) == ()
    assert through_links(["a"], ["a/b/c"]) == ("a/b/c",)
    assert through_links(["a", "a/b"], []) == ("a/b",)
    assert through_links(["a", "a"], ["a"]) == ("a", "a")
