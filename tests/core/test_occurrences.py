"""What becomes of occurrences that are due, or were while nobody could take them up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.occurrences import GRACE, MOST_AT_ONCE, MOST_WAITING, Due, Pass, Run, come_due, is_late
from nanoclaw.core.recurrence import read_recurrence
from nanoclaw.model.tasks import Misfire, Outcome

HOURLY = read_recurrence("0 * * * *", ZoneInfo("Europe/Berlin"))
MINUTELY = read_recurrence("* * * * *", ZoneInfo("UTC"))
DUE = datetime(2026, 4, 16, 12, tzinfo=UTC)
HOUR, MOMENT = timedelta(hours=1), timedelta(milliseconds=1)
MISFIRES = st.sampled_from(Misfire)


def outcomes(due: Due) -> list[Outcome | None]:
    return [step.outcome if isinstance(step, Pass) else None for step in due.steps]


@given(misfire=MISFIRES, early=st.timedeltas(MOMENT, timedelta(days=400)))
def test_nothing_is_done_before_its_time(misfire: Misfire, early: timedelta) -> None:
    assert come_due(DUE, HOURLY, misfire, now=DUE - early, waiting=0) == Due((), DUE)


@pytest.mark.parametrize("misfire", Misfire)
@pytest.mark.parametrize("after", [timedelta(0), MOMENT, GRACE])
def test_what_is_taken_up_in_its_time_runs_whatever_the_policy(misfire: Misfire, after: timedelta) -> None:
    assert come_due(DUE, HOURLY, misfire, now=DUE + after, waiting=0) == Due((Run(DUE),), DUE + HOUR)
    assert come_due(DUE, None, misfire, now=DUE + after, waiting=0) == Due((Run(DUE),), None)
    assert not is_late(DUE, DUE + after)


@pytest.mark.parametrize(
    ("misfire", "expected"),
    [
        (Misfire.LATEST, [Outcome.MISSED, Outcome.MISSED, None]),
        (Misfire.ALL, [None, None, None]),
        (Misfire.SKIP, [Outcome.MISSED, Outcome.MISSED, Outcome.MISSED]),
    ],
)
def test_after_a_pause_the_policy_decides(misfire: Misfire, expected: list[Outcome | None]) -> None:
    due = come_due(DUE, HOURLY, misfire, now=DUE + 2.5 * HOUR, waiting=0)
    assert outcomes(due) == expected
    assert [step.due for step in due.steps] == [DUE, DUE + HOUR, DUE + 2 * HOUR]
    assert due.next == DUE + 3 * HOUR


def test_a_task_that_does_not_make_up_still_runs_what_is_on_time_after_a_pause() -> None:
    due = come_due(DUE, HOURLY, Misfire.SKIP, now=DUE + 2 * HOUR + GRACE, waiting=0)
    assert outcomes(due) == [Outcome.MISSED, Outcome.MISSED, None]


@pytest.mark.parametrize("misfire", [Misfire.LATEST, Misfire.SKIP])
def test_a_run_that_is_not_over_is_not_doubled(misfire: Misfire) -> None:
    due = come_due(DUE, HOURLY, misfire, now=DUE, waiting=1)
    assert due == Due((Pass(DUE, Outcome.SKIPPED, "a run before it is not over"),), DUE + HOUR)


def test_making_up_for_all_has_an_end() -> None:
    due = come_due(DUE, MINUTELY, Misfire.ALL, now=DUE + 5 * HOUR, waiting=0)
    assert len(due.steps) == 301
    assert outcomes(due) == [None] * MOST_WAITING[Misfire.ALL] + [Outcome.SKIPPED] * 201


@pytest.mark.parametrize("misfire", Misfire)
def test_years_that_were_missed_are_decided_at_once_and_say_so(misfire: Misfire) -> None:
    now = datetime(2100, 1, 1, tzinfo=UTC) + HOUR / 2
    due = come_due(DUE, MINUTELY, misfire, now=now, waiting=0)
    assert len(due.steps) == MOST_AT_ONCE + 1
    assert due.steps[-1].due == now
    assert due.next == now + timedelta(minutes=1)
    step = due.steps[-2]
    assert isinstance(step, Pass)
    assert "so it was with all" in step.reason


@given(
    misfire=MISFIRES,
    waiting=st.integers(0, 120),
    passed=st.timedeltas(timedelta(0), timedelta(days=30)),
    recurrence=st.none() | st.just(HOURLY) | st.just(MINUTELY),
)
def test_each_occurrence_is_decided_once_in_order_and_the_next_is_later_than_now(
    misfire: Misfire, waiting: int, passed: timedelta, recurrence: None
) -> None:
    now = DUE + passed
    due = come_due(DUE, recurrence, misfire, now=now, waiting=waiting)
    times = [step.due for step in due.steps]
    assert times[0] == DUE
    assert times == sorted(set(times))
    assert times[-1] <= now
    assert (due.next is None) is (recurrence is None)
    assert due.next is None or due.next > now
    runs = sum(isinstance(step, Run) for step in due.steps)
    assert waiting + runs <= max(waiting, MOST_WAITING[misfire])
    if misfire is not Misfire.ALL:
        assert runs <= 1
    # What comes after follows from the schedule and not from when this was decided.
    if due.next is not None:
        assert come_due(DUE, recurrence, misfire, now=due.next - MOMENT, waiting=waiting).next == due.next
