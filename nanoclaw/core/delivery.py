"""What follows an attempt to deliver a message. Pure."""

from __future__ import annotations

from enum import Enum
from math import isfinite
from typing import TypeAlias

from attrs import frozen

MOST_DOUBLINGS = 64
"""More would be longer than any pause, and in the end than any number."""


LEAST_ASKED, MOST_ASKED = 0.1, 86_400.0
"""Seconds: the bounds of what a platform may ask for."""


class InDoubt(Enum):
    """What a channel without idempotency keys wants done with a message that may have arrived."""

    SEND_AGAIN = "send-again"  # at least once: better twice than never
    PARK = "park"  # at most once: `unknown`, for a person to decide


@frozen(kw_only=True)
class DeliveryPolicy:
    """How often and how patiently a message is offered to its platform. Times are seconds."""

    most_attempts: int = 8
    first_pause: float = 1.0
    longest_pause: float = 900.0
    outage: float = 86_400.0
    """How old a message may be that waits for a platform which cannot be reached; no attempt is spent on that."""
    outage_of_question: float = 600.0
    """The same for what asks a person: the asker, or somebody else who can answer, is not kept waiting for a day."""
    outage_pause: float = 60.0
    """The longest pause meanwhile: who is back shall not wait for us."""
    put_off: float = 4 * 86_400.0
    """How old a message may be that its platform puts off at no cost; mail servers try so long (RFC 5321, 4.5.4.1)."""
    jitter: float = 0.2
    """Share of a pause that is random, so that lanes do not retry in step."""


@frozen(kw_only=True)
class Failure:
    """What an attempt came to, as its channel judged it."""

    retryable: bool
    reached: bool
    retry_after: float | None
    """Seconds the platform asked for."""
    why: str


@frozen
class SendNow:
    """The next attempt may follow at once."""


@frozen
class SendLater:
    """The next attempt waits *pause* seconds; *refund*: this one did not count."""

    pause: float
    refund: bool


@frozen
class Park:
    """It may have arrived and must not be sent twice."""

    why: str


@frozen
class GiveUp:
    """It will not be sent."""

    why: str


AfterFailure: TypeAlias = SendLater | Park | GiveUp


def after_crash(attempts: int, *, keyed: bool, in_doubt: InDoubt, policy: DeliveryPolicy) -> SendNow | Park | GiveUp:
    """Judge a message that was being sent, for the *attempts*-th time, when the host died.

    With an idempotency key the platform itself drops the second copy. A message that is there whenever the host
    dies is not sent for ever.
    """
    may_repeat = keyed or in_doubt is InDoubt.SEND_AGAIN
    if may_repeat and attempts >= policy.most_attempts:
        return GiveUp(f"{attempts} attempts were cut short")
    if may_repeat:
        return SendNow()
    return Park("the host died while it was being sent")


def after_failure(
    failure: Failure,
    attempts: int,
    *,
    keyed: bool,
    in_doubt: InDoubt,
    policy: DeliveryPolicy,
    asks: bool,
    age: float,
    luck: float,
) -> AfterFailure:
    """Judge a failed attempt, number *attempts* (the first is 1), with a message that is *age* seconds old.

    *luck* in [0, 1) spreads the pauses, *asks*: it asks a person something. A platform that cannot be reached, as when
    a home has no network, is waited for, and one that asks for a pause gets it: neither says anything of the message,
    until it is old. What reached its platform and failed there counts against it from the first time.
    """
    if not failure.retryable:
        return GiveUp(failure.why)
    if failure.reached and not keyed and in_doubt is InDoubt.PARK:
        return Park(failure.why)
    if failure.retry_after is not None and isfinite(failure.retry_after):
        # The platform named its time, and asking was the answer: no attempt is spent on it, unless it always says so.
        pause, free = min(max(failure.retry_after, LEAST_ASKED), MOST_ASKED), age < policy.put_off
    elif not failure.reached and age < (policy.outage_of_question if asks else policy.outage):
        pause, free = min(max(policy.first_pause, age), policy.outage_pause) * (1 + policy.jitter * luck), True
    else:
        pause = min(policy.first_pause * 2.0 ** min(attempts - 1, MOST_DOUBLINGS), policy.longest_pause)
        pause, free = pause * (1 + policy.jitter * luck), False
    if not free and attempts >= policy.most_attempts:
        return GiveUp(f"{failure.why} (attempt {attempts} of {policy.most_attempts})")
    return SendLater(pause, refund=free)
