"""A sandbox is ended when it is stuck, and for no other reason: each limit at the limit, and what must hold for all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.stuck import (
    Claim,
    ClaimIgnored,
    Deaf,
    Evidence,
    Fine,
    Silent,
    Stuck,
    StuckPolicy,
    Tool,
    TurnTooLong,
    Verdict,
    decide_stuck,
    declared_window,
    describe,
    next_deadline,
)
from nanoclaw.model.ids import EpochNumber, InboundId
from schema.rows import Phase

POLICY = StuckPolicy()
EPOCH, EARLIER = EpochNumber(7), EpochNumber(6)
M1 = InboundId("m1")
ZERO, MOMENT = timedelta(0), timedelta(microseconds=1)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
IDLE = Evidence(epoch=EPOCH, claims=(), silence=None, phase=Phase.IDLE)

AGES = st.timedeltas(timedelta(hours=-1), timedelta(days=3))
PAST = st.timedeltas(ZERO, timedelta(days=3))
LIMITS = st.timedeltas(MOMENT, timedelta(days=2))
POLICIES = st.builds(StuckPolicy, **dict.fromkeys(StuckPolicy.__annotations__, LIMITS))
NUMBERS = st.integers() | st.sampled_from([0, -1, 10**15, 10**400, 90 * 60_000])
EVIDENCE = st.builds(
    Evidence,
    epoch=st.just(EPOCH),
    claims=st.lists(
        st.builds(Claim, message=st.text(max_size=3), epoch=st.sampled_from([EPOCH, EARLIER]), age=AGES), max_size=4
    ).map(tuple),
    silence=st.none() | AGES,
    tool=st.none() | st.builds(Tool, name=st.text(max_size=3), declared_ms=st.none() | NUMBERS),
    phase=st.sampled_from(Phase),
    phase_age=AGES,
    turn=st.none() | AGES,
    unheard=st.none() | AGES,
)


def at_work(*, age: timedelta, silence: timedelta | None = None, **more: Any) -> Evidence:
    """A sandbox that claimed a message *age* ago and has shown no life for *silence*."""
    claim = Claim(message=M1, epoch=EPOCH, age=age)
    return evolve(Evidence(epoch=EPOCH, claims=(claim,), silence=silence, turn=age), **more)


def shell(declared: timedelta) -> Tool:
    return Tool(name="Bash", declared_ms=declared // timedelta(milliseconds=1))


def later(seen: Evidence, passed: timedelta) -> Evidence:
    """The same sandbox after *passed*, in which nothing happened."""

    def older(age: timedelta) -> timedelta:
        return max(ZERO, age) + passed

    def older_if_any(age: timedelta | None) -> timedelta | None:
        return None if age is None else older(age)

    return evolve(
        seen,
        claims=tuple(evolve(claim, age=older(claim.age)) for claim in seen.claims),
        silence=older_if_any(seen.silence),
        phase_age=older(seen.phase_age),
        turn=older_if_any(seen.turn),
        unheard=older_if_any(seen.unheard),
    )


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        (IDLE, Fine()),
        (evolve(IDLE, silence=timedelta(days=9)), Fine()),
        (at_work(age=MINUTE - MOMENT), Fine()),
        (at_work(age=MINUTE), ClaimIgnored(M1, MINUTE, MINUTE)),
        (at_work(age=MINUTE, silence=MINUTE), ClaimIgnored(M1, MINUTE, MINUTE)),
        (at_work(age=MINUTE, silence=MINUTE - MOMENT), Fine()),
        (at_work(age=HOUR, silence=HOUR / 2 - MOMENT), Fine()),
        (at_work(age=HOUR, silence=HOUR / 2), Silent(HOUR / 2, HOUR / 2)),
        (at_work(age=6 * HOUR - MOMENT, silence=ZERO), Fine()),
        (at_work(age=6 * HOUR, silence=ZERO), TurnTooLong(6 * HOUR, 6 * HOUR)),
        (at_work(age=SECOND, silence=ZERO, turn=6 * HOUR), TurnTooLong(6 * HOUR, 6 * HOUR)),
        (evolve(IDLE, unheard=5 * MINUTE - MOMENT), Fine()),
        (evolve(IDLE, unheard=5 * MINUTE), Deaf(5 * MINUTE, 5 * MINUTE)),
        (at_work(age=SECOND, silence=ZERO, unheard=HOUR), Fine()),
    ],
)
def test_each_limit_holds_to_the_microsecond(seen: Evidence, verdict: Verdict) -> None:
    assert decide_stuck(seen, POLICY) == verdict


def test_a_shell_that_declared_ninety_minutes_gets_them() -> None:
    declared = timedelta(minutes=90)
    seen = at_work(age=declared - MOMENT, silence=declared - MOMENT, tool=shell(declared))
    assert decide_stuck(seen, POLICY) == Fine()
    assert decide_stuck(later(seen, MOMENT), POLICY) == ClaimIgnored(M1, declared, declared)
    # With a sign of life after the claim it is the silence that counts, by the same declaration.
    moved = at_work(age=2 * HOUR, silence=declared - MOMENT, tool=shell(declared))
    assert decide_stuck(moved, POLICY) == Fine()
    assert decide_stuck(later(moved, MOMENT), POLICY) == Silent(declared, declared)


@pytest.mark.parametrize("declared_ms", [10**15, 10**400, 2 * 3_600_000 + 1])
def test_what_a_tool_declares_is_cut_to_what_the_operator_allows(declared_ms: int) -> None:
    tool = Tool(name="Bash", declared_ms=declared_ms)
    assert declared_window(tool, POLICY) == POLICY.most_declared
    assert decide_stuck(at_work(age=2 * HOUR - MOMENT, tool=tool), POLICY) == Fine()
    assert decide_stuck(at_work(age=2 * HOUR, tool=tool), POLICY) == ClaimIgnored(M1, 2 * HOUR, 2 * HOUR)


@pytest.mark.parametrize("declared_ms", [None, 0, -1, -(10**400)])
def test_a_declaration_that_makes_no_sense_gives_no_time(declared_ms: int | None) -> None:
    seen = at_work(age=MINUTE, tool=Tool(name="Bash", declared_ms=declared_ms))
    assert decide_stuck(seen, POLICY) == ClaimIgnored(M1, MINUTE, MINUTE)


def test_a_heartbeat_that_is_touched_all_the_time_does_not_outlive_the_turn() -> None:
    for age in (HOUR, 6 * HOUR - MOMENT):
        assert decide_stuck(at_work(age=age, silence=ZERO), POLICY) == Fine()
    assert decide_stuck(at_work(age=6 * HOUR, silence=ZERO), POLICY) == TurnTooLong(6 * HOUR, 6 * HOUR)
    # Nor does one that is always ahead of the host's clock.
    assert isinstance(decide_stuck(at_work(age=6 * HOUR, silence=-timedelta(days=27_000)), POLICY), TurnTooLong)


@given(phase=st.sampled_from(Phase), age=PAST)
def test_a_heartbeat_that_never_came_is_no_reason_by_itself(phase: Phase, age: timedelta) -> None:
    assert decide_stuck(evolve(IDLE, phase=phase, phase_age=age), POLICY) == Fine()


@given(age=PAST, silence=st.none() | PAST)
def test_a_fresh_sandbox_is_not_ended_for_a_claim_of_an_earlier_epoch(
    age: timedelta, silence: timedelta | None
) -> None:
    old = Claim(message=M1, epoch=EARLIER, age=age)
    seen = Evidence(epoch=EPOCH, claims=(old,), silence=silence, phase=Phase.STARTING)
    assert decide_stuck(seen, POLICY) == Fine()
    assert next_deadline(seen, POLICY) is None


@pytest.mark.parametrize(
    ("phase", "allowed"), [(Phase.WAITING_RATE_LIMIT, HOUR), (Phase.WAITING_ANSWER, 6 * HOUR)], ids=str
)
def test_a_named_wait_is_no_silence_up_to_its_clamp(phase: Phase, allowed: timedelta) -> None:
    patient = evolve(POLICY, turn=timedelta(days=1))
    seen = at_work(age=allowed + HOUR, silence=allowed, phase=phase, phase_age=allowed)
    assert decide_stuck(seen, patient) == Fine()
    assert decide_stuck(later(seen, HOUR / 2 - MOMENT), patient) == Fine()
    assert decide_stuck(later(seen, HOUR / 2), patient) == Silent(allowed + HOUR / 2, HOUR / 2)


def test_a_message_that_joins_a_wait_gets_no_more_of_it_than_is_left() -> None:
    # The wait is 59 minutes old; a follow-up was claimed a minute ago.
    seen = at_work(age=MINUTE, phase=Phase.WAITING_RATE_LIMIT, phase_age=59 * MINUTE)
    assert decide_stuck(seen, POLICY) == Fine()
    assert next_deadline(seen, POLICY) == 2 * MINUTE
    assert decide_stuck(later(seen, 2 * MINUTE), POLICY) == ClaimIgnored(M1, 3 * MINUTE, MINUTE)


def test_twenty_minutes_of_a_rate_limit_end_nothing() -> None:
    seen = at_work(age=20 * MINUTE, silence=20 * MINUTE, phase=Phase.WAITING_RATE_LIMIT, phase_age=20 * MINUTE)
    assert decide_stuck(seen, POLICY) == Fine()


@given(seen=EVIDENCE, policy=POLICIES)
def test_there_is_a_verdict_on_anything_and_it_carries_what_it_rests_on(seen: Evidence, policy: StuckPolicy) -> None:
    verdict = decide_stuck(seen, policy)
    if not isinstance(verdict, Fine):
        assert verdict.age >= verdict.limit > ZERO
        assert "allowed" in describe(verdict)


@given(seen=EVIDENCE, policy=POLICIES, more=PAST)
def test_more_silence_never_makes_a_stuck_sandbox_fine(seen: Evidence, policy: StuckPolicy, more: timedelta) -> None:
    if isinstance(decide_stuck(seen, policy), Fine):
        return
    assert not isinstance(decide_stuck(later(seen, more), policy), Fine)
    if seen.silence is not None:
        assert not isinstance(decide_stuck(evolve(seen, silence=seen.silence + more), policy), Fine)


@given(seen=EVIDENCE, policy=POLICIES)
def test_if_nothing_happens_the_verdict_changes_at_the_deadline_and_not_before(
    seen: Evidence, policy: StuckPolicy
) -> None:
    seen = later(seen, ZERO)
    deadline = next_deadline(seen, policy)
    if deadline is None:
        assert decide_stuck(later(seen, timedelta(days=1000)), policy) == Fine()
        return
    assert not isinstance(decide_stuck(later(seen, deadline), policy), Fine)
    if deadline > ZERO:
        assert decide_stuck(later(seen, deadline - MOMENT), policy) == Fine()


@given(seen=EVIDENCE, policy=POLICIES)
def test_fresh_life_leaves_only_what_life_cannot_help(seen: Evidence, policy: StuckPolicy) -> None:
    honest = evolve(seen, silence=ZERO, claims=tuple(evolve(c, age=max(c.age, MOMENT)) for c in seen.claims))
    verdict: Verdict = decide_stuck(honest, policy)
    assert isinstance(verdict, Fine | TurnTooLong | Deaf)


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (ClaimIgnored(M1, MINUTE, MINUTE), "nothing moved for 60 s after it took a message (60 s allowed)"),
        (Silent(HOUR, HOUR / 2), "no sign of life for 3,600 s (1,800 s allowed)"),
        (TurnTooLong(6 * HOUR, 6 * HOUR), "one turn took 21,600 s (21,600 s allowed)"),
        (Deaf(5 * MINUTE, 5 * MINUTE), "it left a message lying for 300 s (300 s allowed)"),
    ],
)
def test_each_verdict_says_its_numbers_to_people(verdict: Stuck, said: str) -> None:
    assert describe(verdict) == said
