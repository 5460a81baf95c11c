"""What a message goes through when its sandbox ends under it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nanoclaw.core.retry import Again, Fail, RetryPolicy, after_epoch
from nanoclaw.model.messages import EpochEnding

DEFAULT = RetryPolicy()
ENDINGS = st.sampled_from(EpochEnding)
POLICIES = st.builds(
    RetryPolicy,
    most_tries=st.integers(1, 2_000),
    first_pause=st.timedeltas(timedelta(0), timedelta(hours=2)),
    longest_pause=st.timedeltas(timedelta(0), timedelta(days=1)),
)


@pytest.mark.parametrize(
    ("tries", "seconds"),
    [(0, 5), (1, 10), (2, 20), (3, 40)],
)
@pytest.mark.parametrize(
    "ending", [EpochEnding.EXITED, EpochEnding.KILLED, EpochEnding.QUARANTINED, EpochEnding.NOT_STARTED]
)
def test_each_try_that_failed_doubles_the_pause(ending: EpochEnding, tries: int, seconds: int) -> None:
    assert after_epoch(ending, tries, DEFAULT) == Again(tries + 1, timedelta(seconds=seconds))


def test_the_fifth_try_is_the_last_and_says_how_it_ended() -> None:
    assert after_epoch(EpochEnding.EXITED, 4, DEFAULT) == Fail("the sandbox ended 5 times while at it (exited)")


@pytest.mark.parametrize("tries", range(4))
def test_a_host_that_died_costs_a_try_and_no_pause(tries: int) -> None:
    assert after_epoch(EpochEnding.HOST_DIED, tries, DEFAULT) == Again(tries + 1, timedelta(0))


def test_a_host_that_keeps_dying_over_a_message_fails_it() -> None:
    assert isinstance(after_epoch(EpochEnding.HOST_DIED, 4, DEFAULT), Fail)


@given(tries=st.integers(0, 3_000), policy=POLICIES)
def test_a_stop_that_the_host_asked_for_costs_nothing(tries: int, policy: RetryPolicy) -> None:
    assert after_epoch(EpochEnding.STOPPED, tries, policy) == Again(tries, timedelta(0))


@given(ending=ENDINGS, tries=st.integers(0, 3_000), policy=POLICIES)
def test_a_message_fails_exactly_when_its_tries_are_used_up(
    ending: EpochEnding, tries: int, policy: RetryPolicy
) -> None:
    used_up = ending is not EpochEnding.STOPPED and tries + 1 >= policy.most_tries
    assert isinstance(after_epoch(ending, tries, policy), Fail) is used_up


@given(ending=ENDINGS, tries=st.integers(0, 1_998), policy=POLICIES)
def test_pauses_grow_with_the_tries_and_stay_within_their_bound(
    ending: EpochEnding, tries: int, policy: RetryPolicy
) -> None:
    now, then = after_epoch(ending, tries, policy), after_epoch(ending, tries + 1, policy)
    assume(isinstance(now, Again))
    assert isinstance(now, Again)
    assert timedelta(0) <= now.pause <= policy.longest_pause
    if isinstance(then, Again):
        assert now.pause <= then.pause


@given(endings=st.lists(ENDINGS, max_size=40), policy=POLICIES)
def test_however_its_sandboxes_end_a_message_gets_its_tries_and_no_more(
    endings: list[EpochEnding], policy: RetryPolicy
) -> None:
    tries, failed = 0, False
    for number, ending in enumerate(endings, start=1):
        verdict = after_epoch(ending, tries, policy)
        counted = sum(ending is not EpochEnding.STOPPED for ending in endings[:number])
        if isinstance(verdict, Fail):
            assert counted == policy.most_tries
            failed = True
            break
        tries = verdict.tries
        assert tries == counted < policy.most_tries
    counted = sum(ending is not EpochEnding.STOPPED for ending in endings)
    assert failed is (counted >= policy.most_tries)
