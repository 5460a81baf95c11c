"""What follows an attempt to deliver: again, later, never, or a person's decision."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.delivery import (
    AfterFailure,
    DeliveryPolicy,
    Failure,
    GiveUp,
    InDoubt,
    Park,
    SendLater,
    SendNow,
    after_crash,
    after_failure,
)

POLICY = DeliveryPolicy()
LONG_AGO = 2 * 86_400.0
"""The age of a message that has waited out every outage."""
WEATHER = Failure(retryable=True, reached=False, retry_after=None, why="503")
LOST = evolve(WEATHER, reached=True, why="no answer")
LIMITED = evolve(WEATHER, retry_after=7.5, why="429")
FACT = evolve(WEATHER, retryable=False, why="no such chat")

FAILURES = st.builds(
    Failure,
    retryable=st.booleans(),
    reached=st.booleans(),
    retry_after=st.none() | st.floats(0, 86_400),
    why=st.text(max_size=20),
)
POLICIES = st.builds(
    DeliveryPolicy,
    most_attempts=st.integers(1, 3_000),
    first_pause=st.floats(0.001, 3_600),
    longest_pause=st.floats(0.001, 86_400),
    jitter=st.floats(0, 1),
)
LUCK = st.floats(0, 1, exclude_max=True)
IN_DOUBT = st.sampled_from(InDoubt)


def judge(
    failure: Failure,
    attempts: int = 1,
    *,
    keyed: bool = False,
    in_doubt: InDoubt = InDoubt.SEND_AGAIN,
    policy: DeliveryPolicy = POLICY,
    asks: bool = False,
    age: float = LONG_AGO,
    luck: float = 0.0,
) -> AfterFailure:
    """`after_failure` with what most tests leave as it is."""
    return after_failure(
        failure, attempts, keyed=keyed, in_doubt=in_doubt, policy=policy, asks=asks, age=age, luck=luck
    )


@pytest.mark.parametrize(
    ("keyed", "in_doubt", "verdict"),
    [
        (True, InDoubt.PARK, SendNow()),
        (True, InDoubt.SEND_AGAIN, SendNow()),
        (False, InDoubt.SEND_AGAIN, SendNow()),
        (False, InDoubt.PARK, Park("the host died while it was being sent")),
    ],
)
def test_after_a_crash_only_a_key_or_the_channel_allows_a_second_copy(
    *, keyed: bool, in_doubt: InDoubt, verdict: SendNow | Park
) -> None:
    policy = DeliveryPolicy(most_attempts=3)
    for attempts in (1, 2):
        assert after_crash(attempts, keyed=keyed, in_doubt=in_doubt, policy=policy) == verdict
    last = after_crash(3, keyed=keyed, in_doubt=in_doubt, policy=policy)
    assert last == (verdict if isinstance(verdict, Park) else GiveUp("3 attempts were cut short"))


@pytest.mark.parametrize(("attempts", "pause"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 32), (7, 64)])
def test_each_attempt_that_failed_doubles_the_pause(attempts: int, pause: float) -> None:
    assert judge(WEATHER, attempts) == SendLater(pause, refund=False)


def test_a_pause_has_an_upper_bound() -> None:
    assert judge(WEATHER, 11, policy=DeliveryPolicy(most_attempts=100)) == SendLater(900, refund=False)


@pytest.mark.parametrize(("age", "pause"), [(0, 1), (2, 2), (31.5, 31.5), (60, 60), (3_600, 60), (86_399, 60)])
@pytest.mark.parametrize("attempts", [1, 8, 1_000])
def test_a_platform_that_cannot_be_reached_is_waited_for_a_day_at_no_cost(
    attempts: int, age: float, pause: float
) -> None:
    assert judge(WEATHER, attempts, age=age) == SendLater(pause, refund=True)
    assert judge(WEATHER, 8, age=86_400) == GiveUp("503 (attempt 8 of 8)")


def test_whoever_is_asked_something_is_waited_for_ten_minutes() -> None:
    assert judge(WEATHER, 8, asks=True, age=599) == SendLater(60, refund=True)
    assert judge(WEATHER, 8, asks=True, age=600) == GiveUp("503 (attempt 8 of 8)")


def test_what_fails_at_the_platform_itself_counts_however_young_it_is() -> None:
    assert judge(LOST, 7, age=0) == SendLater(64, refund=False)
    assert judge(LOST, 8, age=0) == GiveUp("no answer (attempt 8 of 8)")


def test_luck_adds_up_to_its_share_of_the_pause() -> None:
    assert judge(WEATHER, 3, luck=0.5, policy=DeliveryPolicy(jitter=0.25)) == SendLater(4.5, refund=False)


def test_the_eighth_attempt_is_the_last_and_says_so() -> None:
    assert judge(WEATHER, 8) == GiveUp("503 (attempt 8 of 8)")


@pytest.mark.parametrize("attempts", [1, 8, 1_000])
def test_the_platforms_own_pause_is_kept_to_the_second_and_costs_no_attempt(attempts: int) -> None:
    assert judge(LIMITED, attempts, luck=0.9) == SendLater(7.5, refund=True)


def test_a_message_that_its_platform_puts_off_for_days_is_given_up_in_the_end() -> None:
    days = POLICY.put_off
    assert judge(LIMITED, 8, age=days - 1) == SendLater(7.5, refund=True)
    assert judge(LIMITED, 7, age=days) == SendLater(7.5, refund=False)
    assert judge(LIMITED, 8, age=days) == GiveUp("429 (attempt 8 of 8)")


@pytest.mark.parametrize("attempts", [1, 8])
def test_a_fact_is_not_tried_again(attempts: int) -> None:
    assert judge(FACT, attempts) == GiveUp("no such chat")


def test_what_may_have_arrived_is_parked_where_twice_is_worse_than_never() -> None:
    assert judge(LOST, in_doubt=InDoubt.PARK) == Park("no answer")


@pytest.mark.parametrize(
    ("keyed", "in_doubt"), [(True, InDoubt.PARK), (True, InDoubt.SEND_AGAIN), (False, InDoubt.SEND_AGAIN)]
)
def test_what_may_have_arrived_is_sent_again_where_that_is_harmless_or_wanted(
    *, keyed: bool, in_doubt: InDoubt
) -> None:
    assert judge(LOST, keyed=keyed, in_doubt=in_doubt) == SendLater(1, refund=False)


@given(FAILURES, st.integers(1, 5_000), st.booleans(), IN_DOUBT, POLICIES, LUCK)
def test_nothing_is_sent_twice_against_its_channels_will(
    failure: Failure, attempts: int, keyed: bool, in_doubt: InDoubt, policy: DeliveryPolicy, luck: float
) -> None:
    verdict = judge(failure, attempts, keyed=keyed, in_doubt=in_doubt, policy=policy, luck=luck)
    if failure.reached and not keyed and in_doubt is InDoubt.PARK:
        assert not isinstance(verdict, SendLater)
    else:
        assert not isinstance(verdict, Park)


@given(FAILURES, st.integers(1, 5_000), st.booleans(), IN_DOUBT, POLICIES, LUCK)
def test_a_message_is_given_up_for_a_fact_or_after_its_last_attempt_and_never_else(
    failure: Failure, attempts: int, keyed: bool, in_doubt: InDoubt, policy: DeliveryPolicy, luck: float
) -> None:
    verdict = judge(failure, attempts, keyed=keyed, in_doubt=in_doubt, policy=policy, luck=luck)
    if isinstance(verdict, GiveUp):
        assert not failure.retryable or (attempts >= policy.most_attempts and failure.retry_after is None)
        assert verdict.why.startswith(failure.why)
    if isinstance(verdict, SendLater):
        assert failure.retryable
        assert attempts < policy.most_attempts or verdict.refund


@given(st.integers(1, 2_999), POLICIES, LUCK)
def test_pauses_grow_and_stay_within_their_bound_and_its_jitter(
    attempts: int, policy: DeliveryPolicy, luck: float
) -> None:
    now = judge(WEATHER, attempts, policy=policy, luck=luck)
    then = judge(WEATHER, attempts + 1, policy=policy, luck=luck)
    if isinstance(now, SendLater):
        assert not now.refund
        assert 0 < now.pause <= policy.longest_pause * (1 + policy.jitter)
        if isinstance(then, SendLater):
            assert now.pause <= then.pause
    else:
        assert isinstance(now, GiveUp)
        assert attempts >= policy.most_attempts
