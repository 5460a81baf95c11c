"""Three signals of a sandbox: each says its own, the word is what the evidence is judged by, and waits have names."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve
from hypothesis import given

from nanoclaw.core.signals import (
    ANSWER_WITHIN,
    Answers,
    Idle,
    Loop,
    Mute,
    Offered,
    Paused,
    Process,
    Progress,
    Runs,
    Unasked,
    Waiting,
    Working,
    detail_of,
    loop_of,
    progress_of,
    say,
    state_of,
)
from nanoclaw.core.stuck import ClaimIgnored, Evidence, Fine, Silent, StuckPolicy, decide_stuck, next_deadline
from schema.rows import Phase
from tests.core.test_stuck import EVIDENCE, HOUR, IDLE, M1, MINUTE, MOMENT, POLICIES, SECOND, ZERO, at_work, shell

POLICY = StuckPolicy()


@pytest.mark.parametrize(
    ("unanswered", "answered", "loop"),
    [
        (None, None, Unasked()),
        (ANSWER_WITHIN - MOMENT, None, Unasked()),
        (ANSWER_WITHIN, None, Mute(ANSWER_WITHIN)),
        (None, MINUTE, Answers(MINUTE)),
        (ANSWER_WITHIN - MOMENT, MINUTE, Answers(MINUTE)),
        (MINUTE, 2 * MINUTE, Mute(MINUTE)),
        (None, -SECOND, Answers(ZERO)),
    ],
)
def test_a_loop_answers_until_a_ring_has_waited_for_too_long(
    unanswered: timedelta | None, answered: timedelta | None, loop: Loop
) -> None:
    assert loop_of(unanswered=unanswered, answered=answered) == loop


def test_nothing_to_do_is_idle_and_what_lies_there_is_counted() -> None:
    assert progress_of(IDLE, POLICY) == Idle()
    offered = evolve(IDLE, unheard=MINUTE)
    assert progress_of(offered, POLICY) == Offered(age=MINUTE, left=POLICY.unheard - MINUTE)


def test_a_turn_shows_its_tool_its_silence_and_what_is_left() -> None:
    seen = at_work(age=MINUTE, silence=SECOND, tool=shell(HOUR))
    assert progress_of(seen, POLICY) == Working(
        turn=MINUTE, silence=SECOND, tool="Bash", declared=HOUR, left=HOUR - SECOND
    )
    nothing_yet = at_work(age=SECOND, phase=Phase.STARTING)
    assert progress_of(nothing_yet, POLICY) == Working(
        turn=SECOND, silence=None, tool=None, declared=ZERO, left=POLICY.claim - SECOND
    )


def test_a_named_wait_is_shown_by_its_name_with_the_same_patience_that_it_is_judged_by() -> None:
    seen = at_work(age=MINUTE, silence=SECOND, phase=Phase.WAITING_RATE_LIMIT, phase_age=SECOND)
    assert progress_of(seen, POLICY) == Waiting(
        phase=Phase.WAITING_RATE_LIMIT,
        age=SECOND,
        allowed=POLICY.rate_limit_wait,
        turn=MINUTE,
        left=POLICY.rate_limit_wait + POLICY.silence - SECOND,
    )
    long = at_work(age=2 * HOUR, silence=2 * HOUR, phase=Phase.WAITING_RATE_LIMIT, phase_age=2 * HOUR)
    assert isinstance(progress_of(long, POLICY), Silent | ClaimIgnored)


@given(EVIDENCE, POLICIES)
def test_what_is_shown_is_what_is_judged(seen: Evidence, policy: StuckPolicy) -> None:
    shown = progress_of(seen, policy)
    verdict = decide_stuck(seen, policy)
    assert (state_of(shown) == "stuck") == (not isinstance(verdict, Fine))
    assert isinstance(verdict, Fine) or shown == verdict
    if isinstance(shown, Offered | Working | Waiting):
        assert shown.left == next_deadline(seen, policy)
    assert say(shown).startswith(state_of(shown))
    assert "\n" not in say(evolve(shown, tool="Bash") if isinstance(shown, Working) else shown)


@pytest.mark.parametrize(
    ("signal", "said"),
    [
        (Runs(), "runs"),
        (Paused(), "paused"),
        (Unasked(), "not asked yet"),
        (Answers(2 * SECOND), "answers 2 s ago"),
        (Mute(MINUTE), "no answer for 60 s"),
        (Idle(), "idle"),
        (Offered(age=SECOND, left=MINUTE), "offered for 1 s, 60 s left to take it up"),
        (
            Working(turn=MINUTE, silence=SECOND, tool="Bash", declared=HOUR, left=HOUR),
            "working for 60 s, tool Bash (says it needs 3,600 s), sign of life 1 s ago, 3,600 s left without one",
        ),
        (
            Working(turn=MINUTE, silence=None, tool="Read", declared=ZERO, left=SECOND),
            "working for 60 s, tool Read, no sign of life yet, 1 s left without one",
        ),
        (
            Waiting(phase=Phase.WAITING_RATE_LIMIT, age=SECOND, allowed=HOUR, turn=MINUTE, left=MINUTE),
            "rate limit for 1 s of 3,600 s, in a turn of 60 s, 60 s left without a sign of life",
        ),
        (
            Waiting(phase=Phase.WAITING_ANSWER, age=SECOND, allowed=HOUR, turn=MINUTE, left=MINUTE),
            "waiting for a person for 1 s of 3,600 s, in a turn of 60 s, 60 s left without a sign of life",
        ),
        (
            ClaimIgnored(M1, MINUTE, MINUTE),
            "stuck nothing moved for 60 s after it took a message (60 s allowed)",
        ),
    ],
)
def test_each_is_said_in_a_word_and_its_numbers(signal: Process | Loop | Progress, said: str) -> None:
    assert say(signal) == said
    assert said == f"{state_of(signal)} {detail_of(signal)}".strip()
