"""What a platform says, but for one place, where there is something that it never says."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

JUNK: tuple[Any, ...] = (
    *(None, True, -1, 1.5, 10**30, "", " ", "\x00", "\u202e", "\ud7ff" * 3, "x" * 10_000),
    *("telegram:4711", "../../x", "<@1>", "0|0|0", [], [None], {}, {"id": {}}, [[[]]]),
)


def paths(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to everything in *value*."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inside:
        yield (*before, name)
        yield from paths(one, (*before, name))


@st.composite
def mangled(draw: st.DrawFn, samples: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    """One of *samples* with one or two places that are missing, or hold junk."""
    found: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(samples)))
    for _ in range(draw(st.integers(1, 2))):
        *way, last = draw(st.sampled_from(list(paths(found))))
        place: Any = found
        for step in way:
            place = place[step]
        if draw(st.booleans()):
            # A copy: the second place may be within what the first one holds.
            place[last] = copy.deepcopy(draw(st.sampled_from(JUNK)))
        elif isinstance(place, dict):
            del place[last]
        if not found:
            break
    return found
