"""May an agent ask its model once more? By what it has taken today and this month, and what it may take. Pure.

What a call will take is not known before. So a call is put as long as anything is left, and none after that: an agent
with a budget has one call under way at a time, and goes over its limit by at most that one.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import TypeAlias

from attrs import frozen

MICROS = 1_000_000
"""Of a dollar."""
MOST_DOLLARS = 1_000_000
MOST_TOKENS = 1 << 50
_DOLLARS = re.compile(r"\d{1,7}(?:\.\d{1,6})?")


class Period(Enum):
    """How long a limit is for, on the clock of the home's zone."""

    DAY = "today"
    MONTH = "this month"


@frozen(kw_only=True)
class Budget:
    """What an agent group may take; None: no limit."""

    tokens_day: int | None = None
    tokens_month: int | None = None
    micros_day: int | None = None
    micros_month: int | None = None

    @property
    def is_none(self) -> bool:
        """Is there no limit at all?"""
        return (self.tokens_day, self.tokens_month, self.micros_day, self.micros_month) == (None,) * 4


@frozen(kw_only=True)
class Spent:
    """What it has taken."""

    tokens_day: int = 0
    tokens_month: int = 0
    micros_day: int = 0
    micros_month: int = 0


@frozen
class Room:
    """Something is left."""


@frozen(kw_only=True)
class UsedUp:
    """Nothing is left of one limit."""

    period: Period
    used: str
    """In words, as the next."""
    limit: str

    @property
    def why(self) -> str:
        """A sentence for people."""
        until = "tomorrow" if self.period is Period.DAY else "next month"
        return (
            f"the budget of this agent for {self.period.value} is used up ({self.used} of {self.limit}): "
            f"it answers again {until}, or when its operator allows it more"
        )


@frozen
class BadAmount:
    """It is no amount."""

    why: str


Verdict: TypeAlias = Room | UsedUp


def decide(budget: Budget, spent: Spent) -> Verdict:
    """Is anything left of every limit? What is used up for longest is told."""
    for period, most, used, words in (
        (Period.MONTH, budget.micros_month, spent.micros_month, dollars),
        (Period.MONTH, budget.tokens_month, spent.tokens_month, tokens),
        (Period.DAY, budget.micros_day, spent.micros_day, dollars),
        (Period.DAY, budget.tokens_day, spent.tokens_day, tokens),
    ):
        if most is not None and used >= most:
            return UsedUp(period=period, used=words(used), limit=words(most))
    return Room()


def day_of(local: datetime) -> str:
    """The day that a time of the home's zone is in."""
    return f"{local:%Y-%m-%d}"


def month_of(day: str) -> str:
    """The month that a day is in."""
    return day[:7]


def tokens(amount: int) -> str:
    """So many tokens, in words."""
    return f"{amount:,} tokens"


def dollars(micros: int) -> str:
    """So much money, in words."""
    return f"${Decimal(micros) / MICROS:,.{2 if micros >= MICROS else 4}f}"


def read_dollars(text: str) -> int | BadAmount:
    """Millionths of a dollar, of what somebody typed."""
    try:
        found = Decimal(text.strip().removeprefix("$")) if _DOLLARS.fullmatch(text.strip().removeprefix("$")) else None
    except InvalidOperation:
        found = None
    if found is None or found > MOST_DOLLARS:
        return BadAmount(f"{text!r} is no amount of dollars: 5 and 2.50 are")
    return int(found * MICROS)
