"""What went wrong, said short: the failure without its nursery wrappings, on one line."""

from __future__ import annotations

LONGEST_LINE = 300
"""Characters of `one_line`: enough for a console row, too few to flood a log."""


def sole(exc: BaseException) -> BaseException:
    """The failure inside groups of one. A group of several is returned as it is."""
    while isinstance(exc, BaseExceptionGroup) and len(exc.exceptions) == 1:
        exc = exc.exceptions[0]
    return exc


def one_line(exc: BaseException) -> str:
    """Type and message of every failure in *exc*, printable, at most `LONGEST_LINE` characters."""
    return "; ".join(_said(leaf) for leaf in _leaves(exc))[:LONGEST_LINE]


def _leaves(exc: BaseException) -> list[BaseException]:
    if isinstance(exc, BaseExceptionGroup):
        return [leaf for inner in exc.exceptions for leaf in _leaves(inner)]
    return [exc]


def _said(exc: BaseException) -> str:
    # Messages quote strangers: no control or bidi character may reach a terminal.
    text = str(exc)[: LONGEST_LINE * 2]
    message = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    name = type(exc).__name__
    return f"{name}: {message}" if message else name
