"""What a tool takes that is a list of words, or words each under a name: as `runner.core.arguments` has it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import field, frozen

from runner.core.arguments import Refused, Schema
from runner.core.text import storable


@frozen(kw_only=True)
class Texts:
    """Words, in their order."""

    name: str
    about: str
    most: int
    """How many."""
    longest: int
    """Characters of each."""
    required: bool = field(default=False, init=False)

    def schema(self) -> Schema:
        """A list of texts, with its limits."""
        text = {"type": "string", "maxLength": self.longest}
        return {"type": "array", "description": self.about, "items": text, "maxItems": self.most}

    def read(self, value: object) -> tuple[str, ...] | Refused:
        """The words."""
        if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > self.most:
            return Refused(f"{self.name} has to be a list of at most {self.most}.")
        return _texts(self.name, value, self.longest)


@frozen(kw_only=True)
class NamedTexts:
    """Words, each under a name."""

    name: str
    about: str
    most: int
    longest: int
    required: bool = field(default=False, init=False)

    def schema(self) -> Schema:
        """An object of texts, with its limits."""
        text = {"type": "string", "maxLength": self.longest}
        return {
            "type": "object",
            "description": self.about,
            "additionalProperties": text,
            "maxProperties": self.most,
        }

    def read(self, value: object) -> dict[str, str] | Refused:
        """The words by name."""
        if not isinstance(value, Mapping) or len(value) > self.most:
            return Refused(f"{self.name} has to be an object with {self.most} names at the most.")
        texts = _texts(self.name, list(value.values()), self.longest)
        return texts if isinstance(texts, Refused) else dict(zip(map(storable, map(str, value)), texts, strict=True))


def _texts(name: str, values: Sequence[object], longest: int) -> tuple[str, ...] | Refused:
    found = []
    for value in values:
        if not isinstance(value, str):
            return Refused(f"What is in {name} has to be text.")
        if len(value) > longest:
            return Refused(f"In {name} is a text of {len(value):,} characters; {longest:,} are the most.")
        found.append(storable(value))
    return tuple(found)
