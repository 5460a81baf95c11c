"""What every run looks at in part, another part after each commit, and a soak whole."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final, TypeVar

T = TypeVar("T")

WHOLE: Final = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
SAMPLE: Final = int(os.environ.get("NANOCLAW_SAMPLE", "0"))
"""Which part. `tools/test.py` has it from the commit; a run that failed says it at its end."""


def stride(every: int) -> int:
    """How far apart two points are of which one in *every* is looked at: 1 in a soak."""
    return 1 if WHOLE else every


def offset(every: int) -> int:
    """How far from the first one the first point is that is looked at; below `stride(every)`."""
    return SAMPLE % stride(every)


def by_turns(ways: Sequence[T]) -> Sequence[T]:
    """The one of *ways* whose turn it is; all of them in a soak."""
    return ways if WHOLE else [ways[SAMPLE % len(ways)]]
