"""What the newest conversations are about: which mail belongs to which, and their subjects. Pure; kept as a mark.

A mail names those before it, though not every program names all. Each conversation is known for one correspondent
alone: nobody learns anything by naming the mails of somebody else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from attrs import define, field

from nanoclaw.channels.email.addresses import is_id

MARK = "topics"
MOST_MAILS = 400
MOST_SUBJECTS = 200


@define(eq=False)
class Topics:
    """The mails that were seen last, of each correspondent."""

    _first: dict[str, str] = field(factory=dict[str, str])
    """By correspondent and mail: the first mail of all."""
    _subjects: dict[str, str] = field(factory=dict[str, str])
    """By correspondent and first mail."""

    @classmethod
    def of(cls, kept: str | None) -> Topics:
        """As it was kept; what makes no sense is forgotten."""
        try:
            found = json.loads(kept or "{}")
        except ValueError:
            found = {}
        return cls(_pairs(found, "first"), _pairs(found, "subjects"))

    def kept(self) -> str:
        """To be kept."""
        return json.dumps({"first": self._first, "subjects": self._subjects}, ensure_ascii=False)

    def first(self, chat: str, mails: Sequence[str]) -> str | None:
        """The first of all the mails that *mails* belong to; of several, what the last one that is known belongs to."""
        return next((found for one in reversed(mails) if (found := self._first.get(f"{chat} {one}"))), None)

    def subject(self, chat: str, first: str) -> str | None:
        """What the mails after *first* are about."""
        return self._subjects.get(f"{chat} {first}")

    def saw(self, chat: str, first: str, mail: str, subject: str) -> None:
        """*mail* belongs to *first*, and has that subject."""
        _put(self._first, f"{chat} {mail}", first, MOST_MAILS)
        if subject:
            _put(self._subjects, f"{chat} {first}", self.subject(chat, first) or subject, MOST_SUBJECTS)


def _put(known: dict[str, str], name: str, value: str, most: int) -> None:
    known.pop(name, None)
    known[name] = value
    if len(known) > most:
        del known[next(iter(known))]


def _pairs(found: object, name: str) -> dict[str, str]:
    pairs = found.get(name) if isinstance(found, Mapping) else None
    if not isinstance(pairs, Mapping):
        return {}
    return {
        key: value for key, value in pairs.items() if isinstance(value, str) and (name == "subjects" or is_id(value))
    }
