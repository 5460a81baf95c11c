"""What `nanoclaw top` shows and how keys change that: a value, and a function from a key to the next one. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from attrs import evolve, frozen

Row = Mapping[str, Any]

VIEWS: Final[Mapping[str, tuple[str, ...]]] = {
    "sessions": ("session", "agent", "chat", "reason", "why", "age", "waiting", "claimed", "unsent", "left"),
    "claims": ("session", "message", "kind", "epoch", "age", "left", "tries"),
    "lanes": ("lane", "reason", "why", "waiting", "age", "head", "attempts", "next"),
    "channels": ("channel", "kind", "state", "reason", "why", "heard"),
    "approvals": ("approval", "kind", "title", "session", "age"),
}
"""What can be looked at, and its columns."""
MARKS: Final = ("bad", "waits", "note", "good")
"""How bad things are, the worst first: how rows are sorted if nobody says otherwise."""
BY_MARK: Final = "how bad"
KEYS: Final = (
    ("↑ ↓ PgUp PgDn", "select"),
    ("Enter", "open"),
    ("Esc", "back"),
    ("Tab 1-5", "view"),
    ("s r", "sort, reverse"),
    ("/", "filter"),
    ("b", "only what is held up"),
    ("q", "quit"),
)


@frozen(kw_only=True)
class State:
    """What is on the screen, as far as the person decides."""

    view: str = "sessions"
    sort: str = BY_MARK
    reverse: bool = False
    filter: str = ""
    typing: bool = False
    """Is the filter being typed?"""
    only_held: bool = False
    selected: int = 0
    opened: str | None = None
    """The first cell of the row that is shown alone."""
    page: int = 10
    """How many rows fit."""
    over: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of the view."""
        return VIEWS[self.view]


def rows_of(state: State, overview: Mapping[str, Any]) -> list[Row]:
    """What *state* shows of *overview*: filtered and sorted."""
    needle = state.filter.casefold()
    found = [
        row
        for row in overview.get(state.view, ())
        if (not needle or any(needle in str(cell).casefold() for cell in row.values()))
        and (not state.only_held or row.get("mark", "bad") in {"bad", "waits"})
    ]
    name = state.columns[0]
    if state.sort == BY_MARK:
        found.sort(key=lambda row: (MARKS.index(row.get("mark", "note")), row.get("reason", ""), str(row[name])))
    else:
        found.sort(key=lambda row: (_rank(row.get(state.sort)), str(row[name])))
    return found[::-1] if state.reverse else found


def press(state: State, key: str, rows: Sequence[Row]) -> State:
    """What a key does, where *rows* are what is shown. A key that means nothing changes nothing."""
    if state.typing:
        return _typed(state, key)
    chosen = min(state.selected, max(0, len(rows) - 1))
    match key:
        case "q" | "ctrl-c" | "ctrl-d":
            return evolve(state, over=True)
        case "escape" if state.opened is None:
            return evolve(state, filter="", only_held=False)
        case "escape" | "left" | "backspace":
            return evolve(state, opened=None)
        case "enter" | "right" if rows:
            return evolve(state, selected=chosen, opened=str(rows[chosen][state.columns[0]]))
        case "/":
            return evolve(state, typing=True, opened=None)
        case "s":
            order = (BY_MARK, *state.columns)
            return evolve(state, sort=order[(order.index(state.sort) + 1) % len(order)], selected=0)
        case "r":
            return evolve(state, reverse=not state.reverse)
        case "b":
            return evolve(state, only_held=not state.only_held, selected=0)
        case _:
            return _moved(state, key, chosen, len(rows))


def _moved(state: State, key: str, chosen: int, count: int) -> State:
    views = list(VIEWS)
    steps = {"up": -1, "k": -1, "down": 1, "j": 1, "pageup": -state.page, "pagedown": state.page}
    if key in steps:
        return evolve(state, selected=max(0, min(count - 1, chosen + steps[key])))
    if key in {"home", "g"}:
        return evolve(state, selected=0)
    if key in {"end", "G"}:
        return evolve(state, selected=max(0, count - 1))
    if key == "tab":
        return _view(state, views[(views.index(state.view) + 1) % len(views)])
    if key.isdigit() and 1 <= int(key) <= len(views):
        return _view(state, views[int(key) - 1])
    return state


def _view(state: State, view: str) -> State:
    return evolve(state, view=view, sort=BY_MARK, reverse=False, selected=0, opened=None)


def _typed(state: State, key: str) -> State:
    match key:
        case "enter":
            return evolve(state, typing=False)
        case "escape" | "ctrl-c":
            return evolve(state, typing=False, filter="")
        case "backspace":
            return evolve(state, filter=state.filter[:-1])
        case _ if len(key) == 1 and key.isprintable():
            return evolve(state, filter=state.filter + key, selected=0)
        case _:
            return state


def _rank(cell: object) -> tuple[int, float, str]:
    """Numbers before words, and nothing last."""
    if cell is None or cell == "":
        return 2, 0.0, ""
    if isinstance(cell, int | float):
        return 0, float(cell), ""
    return 1, 0.0, str(cell)
