"""A session's next step: never idle with work, never two sandboxes, warm for exactly as long as asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.session import Leave, Rest, Start, Step, Stop, View, next_step

NOW = datetime(2026, 4, 16, 14, 37, tzinfo=UTC)
WARM = timedelta(minutes=30)
TICK = timedelta(milliseconds=1)
IDLE = View(due=0, claimed=0, next_at=None, running=False, quiet_since=NOW, now=NOW)
RUNNING = evolve(IDLE, running=True)
LATER = NOW + timedelta(minutes=5)

AROUND_NOW = st.timedeltas(timedelta(days=-2), timedelta(days=2)).map(lambda away: NOW + away)
AFTER_NOW = st.timedeltas(TICK, timedelta(days=2)).map(lambda away: NOW + away)
VIEWS = st.builds(
    View,
    due=st.integers(0, 3),
    claimed=st.integers(0, 3),
    next_at=st.none() | AFTER_NOW,
    running=st.booleans(),
    quiet_since=AROUND_NOW,
    now=st.just(NOW),
)
WARMTHS = st.timedeltas(timedelta(0), timedelta(days=1))


@pytest.mark.parametrize(
    ("view", "step"),
    [
        (IDLE, Leave()),
        (evolve(IDLE, due=1), Start()),
        (evolve(IDLE, due=1, next_at=LATER), Start()),
        (evolve(IDLE, next_at=LATER), Rest(LATER)),
        (RUNNING, Rest(NOW + WARM)),
        (evolve(RUNNING, next_at=LATER), Rest(LATER)),
        (evolve(RUNNING, next_at=NOW + WARM + TICK), Rest(NOW + WARM)),
        (evolve(RUNNING, due=1), Rest(None)),
        (evolve(RUNNING, claimed=1), Rest(None)),
        (evolve(RUNNING, due=1, claimed=1, quiet_since=NOW - 2 * WARM), Rest(None)),
        (evolve(RUNNING, quiet_since=NOW - 2 * WARM), Stop(2 * WARM)),
        (evolve(RUNNING, quiet_since=NOW - 2 * WARM, next_at=LATER), Stop(2 * WARM)),
    ],
)
def test_each_state_of_a_session_has_its_step(view: View, step: Step) -> None:
    assert next_step(view, keep_warm=WARM) == step


def test_a_sandbox_is_kept_up_to_the_very_end_of_its_warm_time() -> None:
    assert next_step(evolve(RUNNING, quiet_since=NOW - WARM + TICK), keep_warm=WARM) == Rest(NOW + TICK)
    assert next_step(evolve(RUNNING, quiet_since=NOW - WARM), keep_warm=WARM) == Stop(WARM)


def test_without_a_warm_time_a_sandbox_ends_with_its_work() -> None:
    assert next_step(RUNNING, keep_warm=timedelta(0)) == Stop(timedelta(0))


def test_a_clock_that_was_set_back_stops_nothing() -> None:
    assert next_step(evolve(RUNNING, quiet_since=LATER), keep_warm=WARM) == Rest(LATER + WARM)


@given(VIEWS, WARMTHS)
def test_a_sandbox_is_started_exactly_when_there_is_work_and_none_runs(view: View, warm: timedelta) -> None:
    starts = isinstance(next_step(view, keep_warm=warm), Start)
    assert starts is (view.due > 0 and not view.running)


@given(VIEWS, WARMTHS)
def test_an_actor_leaves_exactly_when_there_is_no_sandbox_no_work_and_no_deadline(view: View, warm: timedelta) -> None:
    leaves = isinstance(next_step(view, keep_warm=warm), Leave)
    # A claim does not keep it: without a sandbox nobody holds one, and the next actor gives back what it finds.
    assert leaves is (not view.running and view.due == 0 and view.next_at is None)


@given(VIEWS, WARMTHS)
def test_a_sandbox_is_stopped_exactly_when_it_is_idle_for_long_enough(view: View, warm: timedelta) -> None:
    step = next_step(view, keep_warm=warm)
    idle = view.running and not view.due and not view.claimed
    assert isinstance(step, Stop) is (idle and view.now - view.quiet_since >= warm)
    if isinstance(step, Stop):
        assert step.quiet == view.now - view.quiet_since


@given(VIEWS, WARMTHS)
def test_a_rest_ends_in_the_future_and_at_no_later_than_the_next_deadline(view: View, warm: timedelta) -> None:
    step = next_step(view, keep_warm=warm)
    if not isinstance(step, Rest):
        return
    if step.until is None:
        assert view.running
        assert view.due or view.claimed
        return
    assert step.until > view.now
    if view.next_at is not None:
        assert step.until <= view.next_at
    if view.running:
        at_its_end = next_step(evolve(view, now=step.until, next_at=None), keep_warm=warm)
        assert isinstance(at_its_end, Stop) is (step.until == view.quiet_since + warm)
