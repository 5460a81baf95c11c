"""Is a sandbox stuck? Pure: the actor says what the host has seen and how long ago, this file judges, with numbers.

Every age is counted by the host, from the moment the host saw the thing: no time that a sandbox wrote is believed, and
a wall clock that jumps changes nothing. A sandbox without a claim is never stuck over silence: a claim is what is
supervised, and idleness is another question (`core/session.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TypeAlias, assert_never

from attrs import frozen

from nanoclaw.model.ids import EpochNumber, InboundId
from schema.rows import Phase

ZERO = timedelta(0)


@frozen(kw_only=True)
class StuckPolicy:
    """How long what may take. All durations are more than 0."""

    claim: timedelta = timedelta(seconds=60)
    """Of a claim, without a sign of life since it was made."""
    silence: timedelta = timedelta(minutes=30)
    """Between two signs of life, while anything is claimed."""
    most_declared: timedelta = timedelta(hours=2)
    """What a tool may declare to need; it is cut to this."""
    turn: timedelta = timedelta(hours=6)
    """Of a turn, whatever life it shows."""
    rate_limit_wait: timedelta = timedelta(hours=1)
    """For as long, waiting for a rate limit is no silence."""
    answer_wait: timedelta = timedelta(hours=6)
    """For as long, waiting for a person is no silence."""
    unheard: timedelta = timedelta(minutes=5)
    """Of a message that may start a turn and is not claimed, while no other is."""


@frozen(kw_only=True)
class Claim:
    """A message that a runner works on."""

    message: InboundId
    epoch: EpochNumber
    """Whose claim it is."""
    age: timedelta
    """Since the host first saw it."""


@frozen(kw_only=True)
class Tool:
    """The tool that a runner says is running."""

    name: str
    declared_ms: int | None
    """Milliseconds that it may take, as the runner says: any number at all."""


@frozen(kw_only=True)
class Evidence:
    """What the host has seen of one sandbox. A negative age counts as none."""

    epoch: EpochNumber
    claims: tuple[Claim, ...]
    """Those of another epoch say nothing about this sandbox."""
    silence: timedelta | None
    """Since the last sign of life: the heartbeat's time changed, a row came, a tool began or ended. None: none yet."""
    tool: Tool | None = None
    phase: Phase = Phase.TURN
    phase_age: timedelta = ZERO
    """Since the host saw that phase begin."""
    turn: timedelta | None = None
    """Since the host saw the turn begin; None: nothing has been claimed."""
    unheard: timedelta | None = None
    """Since the oldest unclaimed message that may start a turn was shown; None: there is none."""


@frozen
class Fine:
    """There is no reason to end it."""


@frozen
class ClaimIgnored:
    """A message was claimed *age* ago, and nothing has moved since."""

    message: InboundId
    age: timedelta
    limit: timedelta


@frozen
class Silent:
    """The last sign of life is *age* old."""

    age: timedelta
    limit: timedelta


@frozen
class TurnTooLong:
    """The turn has taken *age*. Signs of life do not help here: they can be forged."""

    age: timedelta
    limit: timedelta


@frozen
class Deaf:
    """A message has waited *age* for being claimed, and nothing else is worked on."""

    age: timedelta
    limit: timedelta


Stuck: TypeAlias = ClaimIgnored | Silent | TurnTooLong | Deaf
Verdict: TypeAlias = Fine | Stuck


def decide_stuck(seen: Evidence, policy: StuckPolicy) -> Verdict:
    """Judge a sandbox. Without news a verdict goes from `Fine` to one that is not, and never back.

    A limit is reached at its very end: an age that equals it is too old.
    """
    for verdict, counted in _rules(seen, policy):
        if counted >= verdict.limit:
            return verdict
    return Fine()


def next_deadline(seen: Evidence, policy: StuckPolicy) -> timedelta | None:
    """How long from now, if nothing happens, the verdict changes from `Fine`. Zero: it has. None: it will not.

    Whoever acts on verdicts sleeps that long, or until there is news.
    """
    pauses = [
        ZERO if counted >= verdict.limit else verdict.limit - counted + _still_allowed(verdict, seen, policy)
        for verdict, counted in _rules(seen, policy)
    ]
    return min(pauses, default=None)


def declared_window(tool: Tool | None, policy: StuckPolicy) -> timedelta:
    """The time that a running tool gets by its own word, cut to what the policy allows; zero for none."""
    if tool is None or tool.declared_ms is None or tool.declared_ms <= 0:
        return ZERO
    # Compared as numbers: what a sandbox declares may be more than a duration can hold.
    most_ms = policy.most_declared // timedelta(milliseconds=1)
    return min(policy.most_declared, timedelta(milliseconds=min(tool.declared_ms, most_ms)))


def allowed_wait(phase: Phase, policy: StuckPolicy) -> timedelta:
    """How long *phase* may last before it counts as silence; zero for what is no named wait."""
    match phase:
        case Phase.WAITING_RATE_LIMIT:
            return policy.rate_limit_wait
        case Phase.WAITING_ANSWER:
            return policy.answer_wait
        case Phase.STARTING | Phase.IDLE | Phase.TURN:
            return ZERO
        case _:
            assert_never(phase)


def describe(verdict: Stuck) -> str:
    """The verdict as half a sentence for people, with its numbers."""
    match verdict:
        case ClaimIgnored(age=age, limit=limit):
            return f"nothing moved for {_seconds(age)} after it took a message ({_seconds(limit)} allowed)"
        case Silent(age=age, limit=limit):
            return f"no sign of life for {_seconds(age)} ({_seconds(limit)} allowed)"
        case TurnTooLong(age=age, limit=limit):
            return f"one turn took {_seconds(age)} ({_seconds(limit)} allowed)"
        case Deaf(age=age, limit=limit):
            return f"it left a message lying for {_seconds(age)} ({_seconds(limit)} allowed)"
        case _:
            assert_never(verdict)


def _rules(seen: Evidence, policy: StuckPolicy) -> Iterator[tuple[Stuck, timedelta]]:
    """Every rule that applies: the verdict if it is broken, and how much of its limit is used up."""
    claims = [(claim.message, _age(claim.age)) for claim in seen.claims if claim.epoch == seen.epoch]
    if not claims:
        if seen.unheard is not None:
            yield Deaf(_age(seen.unheard), policy.unheard), _age(seen.unheard)
        return
    turn = max(_age(seen.turn or ZERO), *(age for _, age in claims))
    yield TurnTooLong(turn, policy.turn), turn
    declared = declared_window(seen.tool, policy)
    for message, age in claims:
        if seen.silence is None or _age(seen.silence) >= age:
            yield ClaimIgnored(message, age, max(policy.claim, declared)), _counted(age, seen, policy)
    if seen.silence is not None:
        silence = _age(seen.silence)
        yield Silent(silence, max(policy.silence, declared)), _counted(silence, seen, policy)


def _counted(age: timedelta, seen: Evidence, policy: StuckPolicy) -> timedelta:
    """Of the last *age*, what was silence: not what was a named wait, as far as such a wait may go."""
    allowed = allowed_wait(seen.phase, policy)
    since = _age(seen.phase_age)
    return age - max(ZERO, min(age, since) - max(ZERO, since - allowed))


def _still_allowed(verdict: Stuck, seen: Evidence, policy: StuckPolicy) -> timedelta:
    """How long the named wait may go on before it counts."""
    if isinstance(verdict, TurnTooLong | Deaf):
        return ZERO
    return max(ZERO, allowed_wait(seen.phase, policy) - _age(seen.phase_age))


def _age(age: timedelta) -> timedelta:
    return max(ZERO, age)


def _seconds(age: timedelta) -> str:
    return f"{age.total_seconds():,.0f} s"
