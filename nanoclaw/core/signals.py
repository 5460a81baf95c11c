"""What is seen of a sandbox that lives: three signals, kept apart. Pure; to be shown, while `core/stuck.py` judges.

A process may live while its loop is dead, and a loop may go round while nothing moves. So there is what the engine says
of the process, whether the runner answers the doorbell, and what the evidence says of its work. None of them speaks for
another, and only the evidence ends a sandbox: an answer can be forged, and a machine under load answers late.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TypeAlias, assert_never

from attrs import frozen

from nanoclaw.core.stuck import (
    ZERO,
    ClaimIgnored,
    Deaf,
    Evidence,
    Fine,
    Silent,
    Stuck,
    StuckPolicy,
    TurnTooLong,
    allowed_wait,
    decide_stuck,
    declared_window,
    describe,
    next_deadline,
)
from schema.rows import Phase

ANSWER_WITHIN = timedelta(seconds=5)
"""How long a ring may go unanswered before the loop is said not to answer."""


@frozen
class Runs:
    """The engine has said that its process started, and not that it ended."""


@frozen
class Paused:
    """The engine lets nothing in it run."""


Process: TypeAlias = Runs | Paused


@frozen
class Unasked:
    """No ring is out for long enough to say anything."""


@frozen
class Answers:
    """It answered *age* ago."""

    age: timedelta


@frozen
class Mute:
    """A ring has gone unanswered for *age*."""

    age: timedelta


Loop: TypeAlias = Unasked | Answers | Mute


@frozen
class Idle:
    """Nothing is claimed and nothing waits to be."""


@frozen(kw_only=True)
class Offered:
    """A message has waited *age* to be claimed; nothing is."""

    age: timedelta
    left: timedelta
    """Until it is ended over this."""


@frozen(kw_only=True)
class Working:
    """A turn is under way, in which something should move."""

    turn: timedelta
    silence: timedelta | None
    """Since the last sign of life; None: there was none yet."""
    tool: str | None
    declared: timedelta
    """What the tool gets by its own word; zero for nothing."""
    left: timedelta
    """Until it is ended, if nothing moves."""


@frozen(kw_only=True)
class Waiting:
    """A turn is under way, and waits for something that has a name."""

    phase: Phase
    age: timedelta
    allowed: timedelta
    """For as long, the wait is no silence."""
    turn: timedelta
    left: timedelta
    """Until it is ended, if nothing moves."""


Progress: TypeAlias = Idle | Offered | Working | Waiting | Stuck


@frozen(kw_only=True)
class Signals:
    """One look at a sandbox that lives."""

    process: Process
    loop: Loop
    progress: Progress


def loop_of(*, unanswered: timedelta | None, answered: timedelta | None) -> Loop:
    """Does its loop go round?

    Args:
      unanswered: How long a ring has been out without an answer, as of the last look for one; None: none is.
      answered: Since the last answer was seen; None: there was none.
    """
    if unanswered is not None and unanswered >= ANSWER_WITHIN:
        return Mute(unanswered)
    return Unasked() if answered is None else Answers(max(ZERO, answered))


def progress_of(seen: Evidence, policy: StuckPolicy) -> Progress:
    """Does its work go on? What is not `Fine` by `decide_stuck` is here as it is there."""
    verdict = decide_stuck(seen, policy)
    if not isinstance(verdict, Fine):
        return verdict
    left = next_deadline(seen, policy)
    if left is None:
        return Idle()
    if not any(claim.epoch == seen.epoch for claim in seen.claims):
        return Offered(age=seen.unheard or ZERO, left=left)
    turn = seen.turn or ZERO
    if (allowed := allowed_wait(seen.phase, policy)) > ZERO:
        return Waiting(phase=seen.phase, age=seen.phase_age, allowed=allowed, turn=turn, left=left)
    return Working(
        turn=turn,
        silence=seen.silence,
        tool=None if seen.tool is None else seen.tool.name,
        declared=declared_window(seen.tool, policy),
        left=left,
    )


def state_of(signal: Process | Loop | Progress) -> str:
    """The signal as one word or two: what is counted, and what pages explain."""
    match signal:
        case Runs():
            return "runs"
        case Paused():
            return "paused"
        case Unasked():
            return "not asked yet"
        case Answers():
            return "answers"
        case Mute():
            return "no answer"
        case _:
            return _state_of_work(signal)


def detail_of(signal: Process | Loop | Progress) -> str:
    """The numbers behind the word, for people; empty if there are none."""
    match signal:
        case Runs() | Paused() | Unasked() | Idle():
            return ""
        case Answers(age):
            return f"{_seconds(age)} ago"
        case Mute(age):
            return f"for {_seconds(age)}"
        case Offered():
            return f"for {_seconds(signal.age)}, {_seconds(signal.left)} left to take it up"
        case Working():
            life = "no sign of life yet" if signal.silence is None else f"sign of life {_seconds(signal.silence)} ago"
            tool = "" if signal.tool is None else f", tool {signal.tool}{_declared(signal.declared)}"
            return f"for {_seconds(signal.turn)}{tool}, {life}, {_seconds(signal.left)} left without one"
        case Waiting():
            return (
                f"for {_seconds(signal.age)} of {_seconds(signal.allowed)}, in a turn of {_seconds(signal.turn)},"
                f" {_seconds(signal.left)} left without a sign of life"
            )
        case _:
            return describe(signal)


def say(signal: Process | Loop | Progress) -> str:
    """Both, for people."""
    return f"{state_of(signal)} {detail_of(signal)}".rstrip()


def _state_of_work(progress: Progress) -> str:
    match progress:
        case Idle():
            return "idle"
        case Offered():
            return "offered"
        case Working():
            return "working"
        case Waiting(phase=Phase.WAITING_RATE_LIMIT):
            return "rate limit"
        case Waiting():
            return "waiting for a person"
        case ClaimIgnored() | Silent() | TurnTooLong() | Deaf():
            return "stuck"
        case _:
            assert_never(progress)


def _declared(window: timedelta) -> str:
    return f" (says it needs {_seconds(window)})" if window > ZERO else ""


def _seconds(age: timedelta) -> str:
    return f"{max(ZERO, age).total_seconds():,.0f} s"


def told(seen: Signals) -> dict[str, object]:
    """What is seen of one sandbox, as the command line takes it."""
    signals = {"process": seen.process, "loop": seen.loop, "progress": seen.progress}
    return {name: {"state": state_of(signal), "detail": detail_of(signal)} for name, signal in signals.items()}
