"""How long something takes at most, seen on a machine that may have more to do just then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

TRIES = 5


async def once_in_time(seconds: float, act: Callable[[], Awaitable[float]]) -> None:
    """Do *act*, which says how many seconds it took, until it once took less than *seconds*.

    What always takes longer is found; a machine that stood still for a moment is not. Raises `AssertionError` after
    `TRIES`.
    """
    took: list[float] = []
    while not took or took[-1] >= seconds:
        assert len(took) < TRIES, f"it never took less than {seconds:g} s, but {took}"
        took.append(await act())


def once_in_time_of(seconds: float, act: Callable[[], float]) -> None:
    """As `once_in_time`, of what is not awaited."""
    took: list[float] = []
    while not took or took[-1] >= seconds:
        assert len(took) < TRIES, f"it never took less than {seconds:g} s, but {took}"
        took.append(act())
