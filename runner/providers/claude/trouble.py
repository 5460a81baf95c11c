"""What went wrong, by what the command line says of it. Pure."""

from __future__ import annotations

import re
from datetime import datetime

from runner.providers.base import ProviderError, Trouble

MOST_SHOWN = 600
"""Characters of a message."""

_UNKNOWN_SESSION = re.compile(
    r"no conversation found|session\b.{0,80}\bnot found|ENOENT.{0,400}\.jsonl|match any session",
    re.IGNORECASE | re.DOTALL,
)
_RATE_LIMIT = re.compile(r"rate.?limit|usage limit|hit your (?:\w+ )?limit|too many requests", re.IGNORECASE)
_RESETS_AT = re.compile(r"limit reached\|(\d{9,11})\b")
_OVERLOADED = re.compile(r"overloaded", re.IGNORECASE)
_NETWORK = re.compile(
    r"connection (?:error|closed|reset|refused)|ECONN\w+|ENOTFOUND|EAI_AGAIN|EPIPE|ETIMEDOUT|fetch failed|socket"
    r"|timed? ?out|network|unable to connect|stream (?:ended|closed)|premature",
    re.IGNORECASE,
)
_RETRYABLE = frozenset({Trouble.RATE_LIMIT, Trouble.OVERLOADED, Trouble.NETWORK, Trouble.SERVER, Trouble.CRASHED})


def classify(message: str, *, status: int | None = None, crashed: bool = False, now: datetime) -> ProviderError:
    """The error that *message* is of.

    Args:
      message: As the command line or the SDK has it.
      status: Of the model's HTTP answer, if there was one.
      crashed: The command line ended, or said nothing any more; it refused nothing.
      now: The time, for limits that end at one.
    """
    trouble = _by_status(status) or _by_words(message, crashed=crashed)
    ends = _RESETS_AT.search(message)
    return ProviderError(
        message=_shown(message),
        retryable=trouble in _RETRYABLE,
        trouble=trouble,
        retry_after=None if ends is None else max(0.0, int(ends[1]) - now.timestamp()),
    )


def waits_for(status: int | None, said: str) -> Trouble:
    """Why the command line waits before it asks the model again."""
    return _by_status(status) or _by_words(said, crashed=False, otherwise=Trouble.NETWORK)


def _by_status(status: int | None) -> Trouble | None:
    match status:
        case None:
            return None
        case 429:
            return Trouble.RATE_LIMIT
        case 529:
            return Trouble.OVERLOADED
        case 408 | 409:
            return Trouble.NETWORK
        case _ if 500 <= status <= 599:
            return Trouble.SERVER
        case _ if 400 <= status <= 499:
            return Trouble.REFUSED
        case _:
            return None


def _by_words(said: str, *, crashed: bool, otherwise: Trouble = Trouble.REFUSED) -> Trouble:
    if _UNKNOWN_SESSION.search(said):
        return Trouble.UNKNOWN_SESSION
    if _RATE_LIMIT.search(said):
        return Trouble.RATE_LIMIT
    if _OVERLOADED.search(said):
        return Trouble.OVERLOADED
    if crashed:
        return Trouble.CRASHED
    return Trouble.NETWORK if _NETWORK.search(said) else otherwise


def _shown(message: str) -> str:
    said = " ".join(message.split())
    return said if len(said) <= MOST_SHOWN else f"{said[: MOST_SHOWN - 1]}…"
