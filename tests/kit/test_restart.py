"""Restart and park ledgers, by example and against oracles that keep the whole history."""

from __future__ import annotations

import pytest
from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st

from nanoclaw.kit.restart import (
    GiveUp,
    LetEnd,
    Park,
    ParkLedger,
    ParkPolicy,
    ParkVerdict,
    Restart,
    RestartAfter,
    RestartLedger,
    RestartPolicy,
    Verdict,
)

# Quarters of a second are exact in binary: boundaries are hit, not brushed.
gaps = st.lists(st.integers(0, 400).map(lambda quarters: quarters / 4), max_size=40)


def test_a_permanent_child_is_restarted_whatever_its_end() -> None:
    ledger = RestartLedger(RestartPolicy(first_delay=1))
    assert ledger.judge(Restart.PERMANENT, failed=False, now=0) == RestartAfter(1)
    assert ledger.judge(Restart.PERMANENT, failed=True, now=0) == RestartAfter(2)


@pytest.mark.parametrize(
    ("mode", "failed", "ends"),
    [
        (Restart.TRANSIENT, False, True),
        (Restart.TRANSIENT, True, False),
        (Restart.TEMPORARY, False, True),
        (Restart.TEMPORARY, True, True),
    ],
)
def test_other_children_may_end(mode: Restart, failed: bool, ends: bool) -> None:
    verdict = RestartLedger(RestartPolicy()).judge(mode, failed=failed, now=0)
    assert isinstance(verdict, LetEnd) == ends


def test_a_restart_counts_until_the_period_is_over_and_not_one_moment_more() -> None:
    policy = RestartPolicy(intensity=1, period=5)
    on_the_edge, past_it = RestartLedger(policy), RestartLedger(policy)
    on_the_edge.judge(Restart.PERMANENT, failed=True, now=10)
    past_it.judge(Restart.PERMANENT, failed=True, now=10)
    assert on_the_edge.judge(Restart.PERMANENT, failed=True, now=15) == GiveUp(restarts=1)
    assert isinstance(past_it.judge(Restart.PERMANENT, failed=True, now=15.25), RestartAfter)


@define
class RestartOracle:
    policy: RestartPolicy
    restarts: list[float] = field(factory=list[float])

    def judge(self, now: float) -> Verdict:
        recent = sum(now - at <= self.policy.period for at in self.restarts)
        if recent >= self.policy.intensity:
            return GiveUp(recent)
        self.restarts.append(now)
        delay = self.policy.first_delay
        for _ in range(recent):
            delay = min(delay * 2, self.policy.longest_delay)
        return RestartAfter(delay)


@settings(deadline=None)
@given(gaps, st.integers(0, 5), st.sampled_from([0.25, 5.0, 60.0]))
def test_the_restart_ledger_agrees_with_the_whole_history(gaps: list[float], intensity: int, period: float) -> None:
    policy = RestartPolicy(intensity=intensity, period=period, first_delay=1, longest_delay=6)
    ledger, oracle, now = RestartLedger(policy), RestartOracle(policy), 0.0
    for gap in gaps:
        now += gap
        assert ledger.judge(Restart.PERMANENT, failed=True, now=now) == oracle.judge(now)


def test_a_child_is_parked_at_its_third_failure_in_a_minute() -> None:
    ledger = ParkLedger(ParkPolicy(first_delay=1))
    assert ledger.judge(now=0) == RestartAfter(1)
    assert ledger.judge(now=30) == RestartAfter(2)
    assert ledger.judge(now=60) == Park(60, restarts=3, first=True)


def test_slow_failures_never_park() -> None:
    ledger = ParkLedger(ParkPolicy())
    assert all(isinstance(ledger.judge(now=now), RestartAfter) for now in range(0, 10_000, 31))


def test_each_parking_of_a_streak_is_longer_and_only_the_first_is_told() -> None:
    ledger = ParkLedger(ParkPolicy(intensity=1))
    now, pauses, told = 0.0, [], []
    for _ in range(7):
        verdict = ledger.judge(now=now)
        assert isinstance(verdict, Park)
        pauses.append(verdict.pause)
        told.append(verdict.first)
        now += verdict.pause + 1
    assert pauses == [60, 120, 240, 480, 900, 900, 900]
    assert told == [True] + [False] * 6


@pytest.mark.parametrize(("quiet", "pause", "first"), [(120.0, 120, False), (120.25, 60, True)])
def test_a_streak_ends_once_a_run_outlasts_the_last_pause_and_the_period(
    quiet: float, pause: float, first: bool
) -> None:
    ledger = ParkLedger(ParkPolicy(intensity=1, period=60))
    ledger.judge(now=0)  # parked until 60
    assert ledger.judge(now=60 + quiet) == Park(pause, restarts=1, first=first)


@pytest.mark.parametrize(("quiet", "pause", "first"), [(120.0, 120, False), (120.25, 60, True)])
def test_the_delay_of_a_restart_is_no_quiet_run(quiet: float, pause: float, first: bool) -> None:
    ledger = ParkLedger(ParkPolicy(intensity=2, period=60, first_delay=1))
    ledger.judge(now=0)
    assert isinstance(ledger.judge(now=1), Park)  # until 61
    assert ledger.judge(now=70) == RestartAfter(1)
    ledger.judge(now=71 + quiet)
    assert ledger.judge(now=72 + quiet) == Park(pause, restarts=2, first=first)


def test_a_long_quiet_after_a_mere_restart_ends_the_streak_too() -> None:
    ledger = ParkLedger(ParkPolicy(intensity=2, period=60, first_delay=1))
    assert isinstance(ledger.judge(now=0), RestartAfter)
    assert isinstance(ledger.judge(now=1), Park)
    assert isinstance(ledger.judge(now=70), RestartAfter)
    assert isinstance(ledger.judge(now=1000), RestartAfter)
    assert ledger.judge(now=1001) == Park(60, restarts=2, first=True)


def test_very_many_failures_do_not_overflow_the_delay() -> None:
    ledger = ParkLedger(ParkPolicy(intensity=10_000, longest_delay=30))
    assert [ledger.judge(now=0) for _ in range(2000)][-1] == RestartAfter(30)


@define
class ParkOracle:
    """Keeps every verdict and derives each new one from the whole list."""

    policy: ParkPolicy
    history: list[tuple[float, ParkVerdict]] = field(factory=list[tuple[float, ParkVerdict]])

    def judge(self, now: float) -> ParkVerdict:
        verdict = self._verdict(now)
        self.history.append((now, verdict))
        return verdict

    def _verdict(self, now: float) -> ParkVerdict:
        failures = 1
        for at, verdict in reversed(self.history):
            if isinstance(verdict, Park) or now - at > self.policy.period:
                break
            failures += 1
        if failures < self.policy.intensity:
            delay = self.policy.first_delay * 2 ** (failures - 1)
            return RestartAfter(min(delay, self.policy.longest_delay))
        streak = self._streak(now)
        pauses = self.policy.pauses
        return Park(pauses[min(streak, len(pauses) - 1)], failures, first=streak == 0)

    def _streak(self, now: float) -> int:
        streak, last_pause = 0, 0.0
        following = [at for at, _ in self.history[1:]] + [now]
        for (at, verdict), then in zip(self.history, following, strict=False):
            wait = verdict.pause if isinstance(verdict, Park) else verdict.delay
            if isinstance(verdict, Park):
                streak, last_pause = streak + 1, verdict.pause
            if then - (at + wait) > last_pause + self.policy.period:
                streak, last_pause = 0, 0.0
        return streak


@settings(deadline=None)
@given(gaps, st.integers(1, 4), st.sampled_from([0.25, 10.0, 60.0]))
def test_the_park_ledger_agrees_with_the_whole_history(gaps: list[float], intensity: int, period: float) -> None:
    policy = ParkPolicy(intensity=intensity, period=period, pauses=(8, 16, 40), first_delay=0.25, longest_delay=1)
    ledger, oracle, now = ParkLedger(policy), ParkOracle(policy), 0.0
    for gap in gaps:
        now += gap
        assert ledger.judge(now=now) == oracle.judge(now)


@settings(deadline=None)
@given(gaps, gaps, st.integers(1, 3))
def test_a_cold_ledger_judges_as_a_fresh_one(past: list[float], future: list[float], intensity: int) -> None:
    policy = ParkPolicy(intensity=intensity, period=20, pauses=(10, 20))
    used, now = ParkLedger(policy), 0.0
    for gap in past:
        now += gap
        used.judge(now=now)
    now += 20 + 20 + 30 + 20.25  # past any pause or delay, then past any pause and period
    assert used.is_cold(now=now)
    fresh = ParkLedger(policy)
    for gap in [0.0, *future]:
        now += gap
        assert used.judge(now=now) == fresh.judge(now=now)
