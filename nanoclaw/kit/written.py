"""JSON that was written elsewhere than on the loop: for answers that are long."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from attrs import frozen


@frozen
class Written:
    """A value as JSON has it, on one line."""

    text: str


def write(value: object, depth: int) -> Written:
    """Write *value*; what is nested deeper than *depth* is written in one go, and nobody else can run meanwhile.

    Blocks: call it off the loop. Raises `ValueError` for what JSON cannot say.
    """
    return Written("".join(_pieces(value, depth)))


def _pieces(value: object, depth: int) -> Iterator[str]:
    if depth and isinstance(value, Mapping):
        yield "{"
        for number, (name, one) in enumerate(value.items()):
            yield f"{',' if number else ''}{json.dumps(name, ensure_ascii=False)}:"
            yield from _pieces(one, depth - 1)
        yield "}"
    elif depth and isinstance(value, list | tuple):
        yield "["
        for number, one in enumerate(value):
            if number:
                yield ","
            yield from _pieces(one, depth - 1)
        yield "]"
    else:
        yield json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
