"""What a model costs, by its name: its maker's list prices, in dollars for a million tokens. Pure.

A bill may be lower, never the other way round: a model that is not known here counts as the dearest that is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from attrs import frozen

from nanoclaw.core.model_usage import Counted


@frozen
class Price:
    """Dollars for a million tokens."""

    read: float
    written: float

    def micros(self, used: Counted) -> int:
        """Millionths of a dollar for *used*: a token from the cache costs a tenth, one put into it a quarter more."""
        fresh = max(0, used.read - used.cached - used.stored)
        weighed = fresh + used.cached * 0.1 + used.stored * 1.25
        return round(weighed * self.read + used.written * self.written)


PRICES: Sequence[tuple[re.Pattern[str], Price]] = (
    (re.compile(r"claude-opus-4-[5-9]"), Price(5, 25)),
    (re.compile(r"claude-(?:opus-|3-opus)"), Price(15, 75)),
    (re.compile(r"claude-(?:sonnet-|3-[57]-sonnet)"), Price(3, 15)),
    (re.compile(r"claude-haiku-"), Price(1, 5)),
    (re.compile(r"claude-3-5-haiku"), Price(0.8, 4)),
    (re.compile(r"claude-3-haiku"), Price(0.25, 1.25)),
)
DEAREST = Price(15, 75)


def price_of(model: str) -> Price:
    """What *model* costs."""
    return next((price for name, price in PRICES if name.match(model)), DEAREST)
