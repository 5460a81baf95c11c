"""What a model costs, by its name: its maker's list prices, in dollars for a million tokens. Pure.

Checked on 2026-11-27 against copies of https://platform.claude.com/docs/en/about-claude/pricing and of the pages of
single models there. A bill may be lower: a model that is not known here counts as the dearest that is, and what comes
from the cache as a tenth, which some newer models undercut. It may be higher where something is asked for that answers
do not tell of: fast mode, or that a model runs in one country only. An operator's own prices come first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias

from attrs import frozen

from nanoclaw.core.model_usage import Counted

CACHED, STORED, STORED_LONG = 0.1, 1.25, 2.0
"""What a token costs that comes from the cache, and one that is put into it for five minutes or for an hour."""
MOST_DOLLARS = 100_000.0


@frozen
class Price:
    """Dollars for a million tokens."""

    read: float
    written: float
    beyond: tuple[int, float, float] | None = None
    """Of a call that reads more tokens than this: the same two for all of it."""

    def micros(self, used: Counted) -> int:
        """Millionths of a dollar for *used*."""
        read, written = self.read, self.written
        if self.beyond is not None and used.read > self.beyond[0]:
            _, read, written = self.beyond
        fresh = max(0, used.read - used.cached - used.stored)
        stored = max(0, used.stored - used.stored_long)
        weighed = fresh + used.cached * CACHED + stored * STORED + used.stored_long * STORED_LONG
        return round(weighed * read + used.written * written)


_OPUS_4, _SONNET_4 = Price(15, 75), Price(3, 15, beyond=(200_000, 6, 22.5))
LIST: Mapping[str, Price] = {
    **dict.fromkeys(("fable-5-1", "fable-5", "mythos-5-1", "mythos-5"), Price(10, 50)),
    "opus-5-5": Price(4, 20),
    **dict.fromkeys(("opus-5", "opus-4-8", "opus-4-7", "opus-4-6", "opus-4-5"), Price(5, 25)),
    **dict.fromkeys(("opus-4-1", "opus-4-0", "opus-4", "3-opus"), _OPUS_4),
    **dict.fromkeys(("sonnet-5-5", "sonnet-5"), Price(2, 10)),
    "sonnet-4-6": Price(3, 15),
    **dict.fromkeys(("sonnet-4-5", "sonnet-4-0", "sonnet-4"), _SONNET_4),
    **dict.fromkeys(("3-7-sonnet", "3-5-sonnet"), Price(3, 15)),
    "haiku-5-5": Price(0.1, 0.5, beyond=(100_000, 0.5, 2.5)),
    "haiku-4-5": Price(1, 5),
    "3-5-haiku": Price(0.8, 4),
    "3-haiku": Price(0.25, 1.25),
}
"""By what stands between `claude-` and the day of a model's name."""
DEAREST = _OPUS_4
_NAME = re.compile(r"claude-(?P<name>[a-z0-9-]+?)(?:-20\d{6}|-latest)?(?:\[1m\])?")


@frozen
class Prices:
    """The list, and before it what the operator says."""

    own: tuple[tuple[str, Price], ...] = ()
    """By how a model's name begins."""

    def of(self, model: str) -> Price:
        """What *model* costs."""
        said = [(len(name), price) for name, price in self.own if model.startswith(name)]
        if said:
            return max(said, key=lambda one: one[0])[1]
        found = _NAME.fullmatch(model)
        return DEAREST if found is None else LIST.get(found["name"], DEAREST)


@frozen
class BadPrices:
    """They cannot be read; *why* is for people."""

    why: str


ReadPrices: TypeAlias = Prices | BadPrices


def read_prices(text: str) -> ReadPrices:
    """Prices as an operator writes them: `NAME READ WRITTEN`, with commas between models."""
    own: list[tuple[str, Price]] = []
    for said in filter(None, (part.strip() for part in text.split(","))):
        words = said.split()
        if len(words) != 3:
            return BadPrices(f"{said!r}: say a model, and dollars for a million tokens that it reads and writes")
        try:
            read, written = float(words[1]), float(words[2])
        except ValueError:
            return BadPrices(f"{said!r}: {words[1]} and {words[2]} are not both numbers")
        if not (0 <= read <= MOST_DOLLARS and 0 <= written <= MOST_DOLLARS):
            return BadPrices(f"{said!r}: dollars are from 0 to {MOST_DOLLARS:,.0f}")
        own.append((words[0], Price(read, written)))
    return Prices(own=tuple(own))
