"""A session's next step: never idle with work, never two sandboxes, warm for exactly as long as asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.session import Leave, Patience, Pause, Rest, Resume, Start, Step, Stop, View, next_step

NOW = datetime(2026, 4, 16, 14, 37, tzinfo=UTC)
WARM = timedelta(minutes=30)
TICK = timedelta(milliseconds=1)
IDLE = View(due=0, claimed=0, next_at=None, running=False, quiet=timedelta(0), now=NOW)
RUNNING = evolve(IDLE, running=True)
A_MINUTE = timedelta(minutes=1)
LATER = NOW + A_MINUTE
SOON = timedelta(minutes=2)
PATIENCE = Patience(pause_after=SOON, keep_warm=WARM)
NEVER_PAUSED = Patience(pause_after=timedelta(days=9), keep_warm=WARM)
PAUSED = evolve(RUNNING, paused=True, quiet=SOON)

AFTER_NOW = st.timedeltas(TICK, timedelta(days=2)).map(lambda away: NOW + away)
VIEWS = st.builds(
    View,
    due=st.integers(0, 3),
    claimed=st.integers(0, 3),
    next_at=st.none() | AFTER_NOW,
    running=st.booleans(),
    paused=st.booleans(),
    wanted_away=st.none() | st.just("room"),
    told_to_end=st.none() | st.just("anew"),
    quiet=st.timedeltas(timedelta(0), timedelta(days=2)),
    now=st.just(NOW),
)
PATIENCES = st.builds(
    Patience,
    pause_after=st.timedeltas(timedelta(0), timedelta(days=1)),
    keep_warm=st.timedeltas(timedelta(0), timedelta(days=1)),
)


@pytest.mark.parametrize(
    ("view", "step"),
    [
        (IDLE, Leave()),
        (evolve(IDLE, due=1), Start()),
        (evolve(IDLE, due=1, next_at=LATER), Start()),
        (evolve(IDLE, next_at=LATER), Rest(A_MINUTE)),
        (RUNNING, Rest(SOON)),
        (evolve(RUNNING, next_at=LATER), Rest(A_MINUTE)),
        (evolve(RUNNING, next_at=NOW + SOON + TICK), Rest(SOON)),
        (evolve(RUNNING, due=1), Rest(None)),
        (evolve(RUNNING, claimed=1), Rest(None)),
        (evolve(RUNNING, due=1, claimed=1, quiet=2 * WARM), Rest(None)),
        (evolve(RUNNING, quiet=SOON - TICK), Rest(TICK)),
        (evolve(RUNNING, quiet=SOON), Pause()),
        (PAUSED, Rest(WARM - SOON)),
        (evolve(PAUSED, next_at=LATER), Rest(A_MINUTE)),
        (evolve(PAUSED, due=1), Resume()),
        (evolve(PAUSED, claimed=1), Resume()),
        (evolve(PAUSED, quiet=WARM), Stop("idle for 0:30:00")),
        (evolve(RUNNING, quiet=2 * WARM, next_at=LATER), Stop("idle for 1:00:00")),
        (evolve(RUNNING, wanted_away="room"), Stop("room")),
        (evolve(PAUSED, wanted_away="room"), Stop("room")),
        (evolve(RUNNING, wanted_away="room", claimed=1), Rest(None)),
        (evolve(RUNNING, told_to_end="anew", claimed=1), Stop("anew")),
        (evolve(IDLE, told_to_end="anew", wanted_away="room"), Leave()),
    ],
)
def test_each_state_of_a_session_has_its_step(view: View, step: Step) -> None:
    assert next_step(view, PATIENCE) == step


def test_a_sandbox_is_kept_up_to_the_very_end_of_its_warm_time() -> None:
    assert next_step(evolve(RUNNING, quiet=WARM - TICK), NEVER_PAUSED) == Rest(TICK)
    assert next_step(evolve(RUNNING, quiet=WARM), NEVER_PAUSED) == Stop("idle for 0:30:00")


def test_without_a_warm_time_a_sandbox_ends_with_its_work() -> None:
    assert next_step(RUNNING, evolve(PATIENCE, keep_warm=timedelta(0))) == Stop("idle for 0:00:00")


@pytest.mark.parametrize(
    "now", [NOW - timedelta(hours=1), datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)]
)
def test_a_clock_that_was_set_stops_nothing(now: datetime) -> None:
    assert next_step(evolve(RUNNING, now=now), NEVER_PAUSED) == Rest(WARM)


def test_one_that_is_paused_no_earlier_than_it_ends_is_never_paused() -> None:
    never = evolve(PATIENCE, pause_after=WARM)
    assert next_step(evolve(RUNNING, quiet=WARM - TICK), never) == Rest(TICK)


@given(VIEWS, PATIENCES)
def test_a_sandbox_is_started_exactly_when_there_is_work_and_none_runs(view: View, patience: Patience) -> None:
    starts = isinstance(next_step(view, patience), Start)
    assert starts is (view.due > 0 and not view.running)


@given(VIEWS, PATIENCES)
def test_an_actor_leaves_exactly_when_there_is_no_sandbox_no_work_and_no_deadline(
    view: View, patience: Patience
) -> None:
    leaves = isinstance(next_step(view, patience), Leave)
    # A claim does not keep it: without a sandbox nobody holds one, and the next actor gives back what it finds.
    assert leaves is (not view.running and view.due == 0 and view.next_at is None)


@given(VIEWS, PATIENCES)
def test_a_sandbox_with_work_is_stopped_only_when_it_is_told_to_and_never_paused(
    view: View, patience: Patience
) -> None:
    step = next_step(evolve(view, running=True, due=1), patience)
    assert isinstance(step, Stop) is (view.told_to_end is not None)
    assert not isinstance(step, Pause)


@given(VIEWS, PATIENCES)
def test_an_idle_sandbox_that_nobody_wants_away_is_stopped_exactly_when_its_time_is_over(
    view: View, patience: Patience
) -> None:
    idle = evolve(view, running=True, due=0, claimed=0, wanted_away=None, told_to_end=None)
    step = next_step(idle, patience)
    assert isinstance(step, Stop) is (idle.quiet >= patience.keep_warm)
    assert not (isinstance(step, Pause) and idle.paused)


@given(VIEWS, PATIENCES)
def test_a_rest_ends_in_the_future_and_at_no_later_than_the_next_deadline(view: View, patience: Patience) -> None:
    step = next_step(view, patience)
    if not isinstance(step, Rest):
        return
    if step.pause is None:
        assert view.running
        assert view.due or view.claimed
        return
    assert step.pause > timedelta(0)
    until = view.now + step.pause
    if view.next_at is not None:
        assert until <= view.next_at
    if view.running and until != view.next_at:
        at_its_end = next_step(evolve(view, now=until, quiet=view.quiet + step.pause, next_at=None), patience)
        assert isinstance(at_its_end, Stop | Pause), "it rests until there is something to do, and no less"


@given(VIEWS, PATIENCES)
def test_only_a_paused_sandbox_is_resumed_and_only_for_work(view: View, patience: Patience) -> None:
    if isinstance(next_step(view, patience), Resume):
        assert view.running
        assert view.paused
        assert view.due or view.claimed
