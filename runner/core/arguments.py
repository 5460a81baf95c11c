"""What a tool takes: said once, as JSON schema for the model, and as the check of what it gave. Pure.

What does not fit is refused with a sentence about what to do instead, since a model reads it. Small things that models
get wrong and that can mean only one thing are taken as they are meant: null for what is left out, "14" for 14.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias, TypeVar

from attrs import field, frozen

from runner.core.text import storable
from schema.payloads import MOST_BODY, MOST_LABEL, MOST_OPTIONS, Option

T = TypeVar("T")

Schema: TypeAlias = dict[str, object]


@frozen
class Refused:
    """It is not done as it was said; *why* is a sentence or two for the model."""

    why: str


class Parameter(Protocol):
    """One of the things that a tool takes."""

    @property
    def name(self) -> str:
        """As the model writes it."""
        ...

    @property
    def required(self) -> bool:
        """Does the tool make no sense without it?"""
        ...

    def schema(self) -> Schema:
        """What may be given, as JSON schema."""
        ...

    def read(self, value: object) -> object | Refused:
        """What was given, as the tool wants it."""
        ...


@frozen(kw_only=True)
class Text:
    """Words."""

    name: str
    about: str
    most: int
    """Characters."""
    required: bool = True
    may_be_empty: bool = False

    def schema(self) -> Schema:
        """Text, with its limits."""
        least = {} if self.may_be_empty else {"minLength": 1}
        return {"type": "string", "description": self.about, **least, "maxLength": self.most}

    def read(self, value: object) -> str | Refused:
        """The text, as it can be stored."""
        if not isinstance(value, str):
            return Refused(f"{self.name} has to be text.")
        if len(value) > self.most:
            return Refused(f"{self.name} has {len(value):,} characters; {self.most:,} are the most.")
        if not self.may_be_empty and not value.strip():
            return Refused(f"{self.name} must not be empty.")
        return storable(value)


@frozen(kw_only=True)
class Whole:
    """A whole number."""

    name: str
    about: str
    least: int = 1
    most: int
    required: bool = True

    def schema(self) -> Schema:
        """A number, with its limits."""
        return {"type": "integer", "description": self.about, "minimum": self.least, "maximum": self.most}

    def read(self, value: object) -> int | Refused:
        """The number."""
        if isinstance(value, str) and value.isascii() and value.strip().lstrip("#").isdecimal():
            value = int(value.strip().lstrip("#")[:20])
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if type(value) is not int:
            return Refused(f"{self.name} has to be a whole number.")
        if not self.least <= value <= self.most:
            return Refused(f"{self.name} is {value}; it has to be from {self.least} to {self.most}.")
        return value


@frozen(kw_only=True)
class Choices:
    """The answers that a person may choose from: words, or words with a value that is told instead of them."""

    name: str
    about: str
    required: bool = field(default=True, init=False)

    def schema(self) -> Schema:
        """A list of either."""
        label: Schema = {"type": "string", "minLength": 1, "maxLength": MOST_LABEL}
        value: Schema = {"type": "string", "minLength": 1, "maxLength": MOST_BODY}
        pair = {
            "type": "object",
            "properties": {"label": label, "value": value},
            "required": ["label"],
            "additionalProperties": False,
        }
        return {
            "type": "array",
            "description": self.about,
            "items": {"anyOf": [label, pair]},
            "minItems": 1,
            "maxItems": MOST_OPTIONS,
        }

    def read(self, value: object) -> tuple[Option, ...] | Refused:
        """The answers, no two of which look alike or mean the same."""
        if not isinstance(value, Sequence) or isinstance(value, str) or not 1 <= len(value) <= MOST_OPTIONS:
            return Refused(f"{self.name} has to be a list of 1 to {MOST_OPTIONS} answers.")
        found = []
        for number, given in enumerate(value, start=1):
            option = self._option(f"answer {number} of {self.name}", given)
            if isinstance(option, Refused):
                return option
            found.append(option)
        for words in ([option.label.casefold() for option in found], [option.value for option in found]):
            if len(set(words)) < len(words):
                return Refused(f"Two of {self.name} are the same: nobody could tell them apart.")
        return tuple(found)

    def _option(self, which: str, given: object) -> Option | Refused:
        if isinstance(given, Mapping):
            if unknown := sorted(set(map(str, given)) - {"label", "value"}):
                return Refused(f"In {which} is {', '.join(unknown)}; an answer has a label and a value.")
            label, value = given.get("label"), given.get("value")
        else:
            label, value = given, None
        words = Text(name=f"The label of {which}", about="", most=MOST_LABEL).read(label)
        meant = words if value is None else Text(name=f"The value of {which}", about="", most=MOST_BODY).read(value)
        if isinstance(words, Refused):
            return words
        return meant if isinstance(meant, Refused) else Option(label=" ".join(words.split()), value=meant.strip())


@frozen(kw_only=True)
class Options:
    """Words, numbers and yes or no, each under a name."""

    name: str
    about: str
    most: int = 50
    """How many."""
    required: bool = field(default=False, init=False)

    def schema(self) -> Schema:
        """An object of plain values."""
        return {
            "type": "object",
            "description": self.about,
            "additionalProperties": {"type": ["string", "integer", "boolean"]},
            "maxProperties": self.most,
        }

    def read(self, value: object) -> dict[str, str | int | bool] | Refused:
        """The values by name; null is one that is left out."""
        if not isinstance(value, Mapping) or len(value) > self.most:
            return Refused(f"{self.name} has to be an object with {self.most} names at the most.")
        found: dict[str, str | int | bool] = {}
        for name, given in value.items():
            if given is None:
                continue
            if not isinstance(given, str | int):
                return Refused(f"In {self.name}, {str(name)[:80]} has to be text, a whole number, true or false.")
            found[storable(str(name))] = storable(given) if isinstance(given, str) else given
        return found


def schema_of(parameters: Sequence[Parameter]) -> Schema:
    """What *parameters* may be given, as JSON schema."""
    return {
        "type": "object",
        "properties": {parameter.name: parameter.schema() for parameter in parameters},
        "required": [parameter.name for parameter in parameters if parameter.required],
        "additionalProperties": False,
    }


def read_arguments(make: Callable[..., T], parameters: Sequence[Parameter], given: Mapping[str, object]) -> T | Refused:
    """What *make* makes of the arguments in *given*, or why they are refused. For what is left out it has a default.

    Args:
      make: Takes each of the parameters by its name. It may refuse them together by a `ValueError` with a sentence.
      parameters: What may be given.
      given: What was.
    """
    names = [parameter.name for parameter in parameters]
    if unknown := sorted(set(map(str, given)) - set(names)):
        return Refused(f"There is no parameter {', '.join(unknown)}. There are: {', '.join(names) or 'none'}.")
    found: dict[str, object] = {}
    for parameter in parameters:
        value = given.get(parameter.name)
        if value is None:
            if parameter.required:
                return Refused(f"{parameter.name} is missing.")
            continue
        read = parameter.read(value)
        if isinstance(read, Refused):
            return read
        found[parameter.name] = read
    try:
        return make(**found)
    except ValueError as exc:
        return Refused(str(exc))
