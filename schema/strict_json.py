"""JSON from strangers: read strictly, within limits, or refused with the reason."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import NoReturn

MOST_BYTES = 1 << 20
MOST_DEPTH = 32
MOST_DIGITS = 25
"""Longer whole numbers cannot be meant, and cost time to read."""


_BRACKETS_AND_STRINGS = re.compile(r"""[][{}]|"(?:[^"\\]|\\.)*+"?""", re.DOTALL)
"""A string that never ends goes to the end of the text."""


class JsonError(ValueError):
    """What is wrong with a text that should be JSON. `str()` is safe to show: it quotes nothing of the text."""


def read(text: str, *, most: int = MOST_BYTES) -> object:
    """The value that *text*, of *most* bytes, stands for.

    Raises:
      JsonError: too large, nested deeper than `MOST_DEPTH`, a key twice, NaN or Infinity, a lone surrogate,
        a number too long, or not JSON at all.
    """
    if len(text) > most or len(text.encode("utf-8", "surrogatepass")) > most:
        raise JsonError(f"larger than {most} bytes")
    if depth(text) > MOST_DEPTH:
        raise JsonError(f"nested deeper than {MOST_DEPTH}")
    try:
        value = json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_int=_read_integer,
            parse_float=_read_float,
            object_pairs_hook=_read_object,
        )
    except JsonError:
        raise
    except (ValueError, RecursionError) as exc:
        where = f" at character {exc.pos}" if isinstance(exc, json.JSONDecodeError) else ""
        raise JsonError(f"not JSON{where}") from None
    # Escapes such as \ud800 make text that no file and no socket takes.
    _refuse_surrogates(value)
    return value


def depth(text: str) -> int:
    """How deep brackets nest in *text*, outside strings; a scan, so no depth can exhaust a stack."""
    deepest = level = 0
    for token in _BRACKETS_AND_STRINGS.finditer(text):
        match text[token.start()]:
            case "[" | "{":
                level += 1
                deepest = max(deepest, level)
            case "]" | "}":
                level -= 1
            case _:
                pass  # a string, whatever stands in it
    return deepest


def _refuse_constant(_: str) -> NoReturn:
    raise JsonError("NaN and Infinity are not JSON")


def _read_integer(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise JsonError(f"a number of more than {MOST_DIGITS} digits")
    return int(digits)


def _read_float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise JsonError("a number too large")
    return value


def _read_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise JsonError("a key is given twice")
    return found


def _refuse_surrogates(value: object) -> None:
    match value:
        case str():
            try:
                value.encode("utf-8")
            except UnicodeEncodeError:
                raise JsonError("half of a surrogate pair") from None
        case list():
            _each(value, _refuse_surrogates)
        case dict():
            _each(list(value), _refuse_surrogates)
            _each(list(value.values()), _refuse_surrogates)
        case _:
            pass


def _each(values: list[object], do: Callable[[object], None]) -> None:
    for value in values:
        do(value)
