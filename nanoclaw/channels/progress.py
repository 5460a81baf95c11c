"""How far each place of a platform was read: what came after that and was not told is fetched, after a gap."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Never

import trio
from attrs import define, field

from nanoclaw.channels.base import Marks

MARK = "read"
"""The mark that it is kept as."""
MARK_SECONDS = 5.0
"""Between two looks at whether there is news of it."""
MOST_READ = 500
"""Places of which it is remembered; those without news for the longest time go."""
NOWHERE = ""
"""What `since` is kept under, among the places."""
_ORDER = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,9})?", re.ASCII)


@define(eq=False)
class Reading:
    """By place, the id of the last message that is safe. Ids are numbers that grow, such as `17` or `17.000200`."""

    _last: dict[str, str] = field(factory=dict[str, str])
    since: str | None = None
    """A message that was heard lately, wherever it was and whoever it was for: what came after it, where nothing is
    known to have been read, may have been missed."""
    changed: bool = field(default=False, init=False)

    @classmethod
    def of(cls, kept: str | None) -> Reading:
        """As it was kept; what makes no sense is forgotten."""
        read = parsed(kept)
        since = read.pop(NOWHERE, None)
        return cls(read, since)

    def kept(self) -> str:
        """To be kept."""
        self.changed = False
        return json.dumps(self._last if self.since is None else {**self._last, NOWHERE: self.since})

    def saw(self, place: str, message: str) -> None:
        """All up to that message is safe. What is no number is no news."""
        if _ORDER.fullmatch(message) is None or not is_after(message, self._last.get(place, "0")):
            return
        self._last.pop(place, None)
        self._last[place] = message
        if len(self._last) > MOST_READ:
            del self._last[next(iter(self._last))]
        self.changed = True

    def heard(self, message: str, *, least: int) -> None:
        """That message was heard as it came. Noted if it is *least* whole numbers after the one that is known."""
        if _ORDER.fullmatch(message) is None:
            return
        if self.since is None or _number(message)[0] - _number(self.since)[0] >= least:
            self.since, self.changed = message, True

    def begin(self, place: str, message: str) -> bool:
        """That message is about to be told; says whether its place is new, and so has to be kept at once.

        Otherwise a host that dies soon would not know of a place where something was said meanwhile.
        """
        if place in self._last or _ORDER.fullmatch(message) is None:
            return False
        self.saw(place, _before(message))
        return True

    def forget(self, place: str) -> None:
        """It is not there any more."""
        self.changed = self._last.pop(place, None) is not None or self.changed

    def last(self, place: str) -> str | None:
        """The last message that was read there."""
        return self._last.get(place)

    @property
    def places(self) -> tuple[str, ...]:
        """Those of which something was read; where there was news last, last."""
        return tuple(self._last)


def parsed(kept: str | None) -> dict[str, str]:
    """Messages by places, as a mark keeps them; what makes no sense is forgotten."""
    try:
        found = json.loads(kept or "{}")
    except ValueError:
        found = {}
    pairs = found.items() if isinstance(found, Mapping) else ()
    return {place: last for place, last in pairs if isinstance(last, str) and _ORDER.fullmatch(last)}


async def keep(reading: Reading, marks: Marks) -> Never:
    """Keep how far was read, until cancelled.

    Cancellation: what was read since is told again by the next life, and is no second message.
    """
    while True:
        await trio.sleep(MARK_SECONDS)
        if reading.changed:
            await marks.put(MARK, reading.kept())


def is_after(message: str, other: str) -> bool:
    """Did *message* come after *other*?"""
    return _number(message) > _number(other)


def earlier(message: str, by: int) -> str:
    """The number that is *by* whole ones less."""
    return str(max(0, _number(message)[0] - by))


def _number(message: str) -> tuple[int, int]:
    whole, _, rest = message.partition(".")
    return int(whole), int(rest or "0")


def _before(message: str) -> str:
    """The number that is one less."""
    whole, rest = _number(message)
    if "." not in message:
        return str(max(0, whole - 1))
    return f"{whole}.{rest - 1:06}" if rest else f"{max(0, whole - 1)}.999999"
