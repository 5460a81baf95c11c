"""What follows a failure: how long to wait, and when to stop trying. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeAlias

from attrs import frozen

from nanoclaw.model.messages import EpochEnding

MOST_DOUBLINGS = 64
"""More would be longer than any pause, and in the end than any number."""


@frozen(kw_only=True)
class RetryPolicy:
    """How often a message may outlive its sandbox."""

    most_tries: int = 5
    first_pause: timedelta = timedelta(seconds=5)
    longest_pause: timedelta = timedelta(hours=1)


@frozen
class Again:
    """The message waits for *pause* and is offered again; it has then had *tries* tries."""

    tries: int
    pause: timedelta


@frozen
class Fail:
    """The message has had its last try."""

    why: str


Verdict: TypeAlias = Again | Fail


def after_epoch(ending: EpochEnding, tries: int, policy: RetryPolicy) -> Verdict:
    """Judge a claim that outlived its epoch; *tries* is what the message had before.

    A stop that the host itself asked for says nothing about the message and costs no try. When the host died the
    try counts, since the message may be the cause, but nobody has to wait: the restart was pause enough.
    """
    if ending is EpochEnding.STOPPED:
        return Again(tries, timedelta(0))
    tried = tries + 1
    if tried >= policy.most_tries:
        return Fail(f"the sandbox ended {tried} times while at it ({ending.value})")
    if ending is EpochEnding.HOST_DIED:
        return Again(tried, timedelta(0))
    seconds = policy.first_pause.total_seconds() * 2.0 ** min(tries, MOST_DOUBLINGS)
    return Again(tried, timedelta(seconds=min(seconds, policy.longest_pause.total_seconds())))
