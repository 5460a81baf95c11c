"""A table as lines whose columns stand below one another, for platforms that know none."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

WIDEST = 40
"""Signs of a column that the next one stands beside; what is longer pushes it."""
BETWEEN = " | "


def as_columns(rows: Sequence[Sequence[str]]) -> str:
    """*rows* as text; the first one is the head."""
    columns = max((len(row) for row in rows), default=0)
    widths = [min(max((_width(row[at]) for row in rows if at < len(row)), default=0), WIDEST) for at in range(columns)]
    lines = [_line(row, widths) for row in rows]
    if len(lines) > 1:
        lines.insert(1, "-+-".join("-" * max(width, 1) for width in widths))
    return "\n".join(lines)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    filled = list(row)
    while filled and not filled[-1].strip():
        filled.pop()
    cells = (cell + " " * (width - _width(cell)) for cell, width in zip(filled, widths, strict=False))
    return BETWEEN.join(cells).rstrip()


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)
