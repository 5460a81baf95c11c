"""What a task waits for: its await chain, the scopes around it with their deadlines, and the tasks below it.

Looks, never touches. The chain is read off the coroutines, as a debugger would; a step of an asynchronous generator
does not say what it waits for, so a chain may end there. Scopes are read off Trio's own record of them, which is no
part of its promises: where it looks otherwise, none are shown.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import PurePath
from types import FrameType
from typing import Any

import trio
from attrs import frozen

MOST_STEPS = 60
MOST_TASKS = 2_000
PACKAGES = ("nanoclaw", "runner", "schema")


@frozen(kw_only=True)
class Step:
    """One function that waits for the next."""

    function: str
    where: str
    """The file, from its package on, and the line."""
    ours: bool
    """Is it the house's own code?"""


@frozen(kw_only=True)
class ScopeView:
    """A scope that can cancel the task, the outermost first."""

    left: float | None
    """Seconds to its deadline; None: it has none."""
    shield: bool
    cancelled: bool


@frozen(kw_only=True)
class TaskView:
    """A picture of one task. `attrs.asdict` makes it JSON-friendly."""

    name: str
    steps: tuple[Step, ...]
    """The outermost first; the last one is what it waits in."""
    scopes: tuple[ScopeView, ...]
    children: tuple[TaskView, ...]


def view(task: trio.lowlevel.Task, now: float) -> TaskView:
    """A picture of *task* and all below it, at *now* on Trio's clock. At most 2,000 tasks."""
    return _view(task, now, [MOST_TASKS])


def _view(task: trio.lowlevel.Task, now: float, left: list[int]) -> TaskView:
    left[0] -= 1
    children = []
    for nursery in task.child_nurseries:
        for child in sorted(nursery.child_tasks, key=lambda one: one.name):
            if left[0] <= 0:
                break
            children.append(_view(child, now, left))
    return TaskView(
        name=task.name,
        steps=tuple(steps(task.coro)),
        scopes=tuple(_scopes(task, now)),
        children=tuple(children),
    )


def steps(awaited: Any) -> Iterator[Step]:
    """The await chain of a coroutine: what waits for what, the outermost first."""
    for _ in range(MOST_STEPS):
        frame: FrameType | None = None
        for kind in ("cr", "gi", "ag"):
            if hasattr(awaited, f"{kind}_frame"):
                frame = getattr(awaited, f"{kind}_frame")
                following = getattr(awaited, "gi_yieldfrom" if kind == "gi" else f"{kind}_await")
                break
        else:
            return
        if frame is not None:
            yield _step(frame)
        if following is None:
            return
        awaited = following


def _step(frame: FrameType) -> Step:
    code = frame.f_code
    parts = PurePath(code.co_filename).parts
    package = next((at for at in range(len(parts) - 1) if parts[at] in PACKAGES), None)
    ours = package is not None and "site-packages" not in parts
    place = "/".join(parts[package:] if ours else parts[-2:])
    return Step(function=code.co_qualname, where=f"{place}:{frame.f_lineno}", ours=ours)


def _scopes(task: trio.lowlevel.Task, now: float) -> list[ScopeView]:
    found = []
    status = getattr(task, "_cancel_status", None)
    while status is not None:
        scope = getattr(status, "_scope", None)
        if isinstance(scope, trio.CancelScope):
            left = None if math.isinf(scope.deadline) else scope.deadline - now
            found.append(ScopeView(left=left, shield=scope.shield, cancelled=scope.cancel_called))
        status = getattr(status, "_parent", None)
    return found[::-1]
