"""The full-screen view: what keys do to it, and what it prints in the room there is."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from nanoclaw.cli.top import NAMES, keys
from nanoclaw.cli.top_screen import screen
from nanoclaw.cli.top_state import BY_MARK, VIEWS, State, press, rows_of


def row(name: str, mark: str, **cells: Any) -> dict[str, Any]:
    """A session's row."""
    some = {"agent": "Nano", "chat": "family", "reason": mark, "mark": mark, "why": f"because of {name}", "mend": ""}
    return {"session": name, **some, "age": 5.0, "waiting": 0, "claimed": 0, "unsent": 0, "left": None, **cells}


OVERVIEW: dict[str, Any] = {
    "house": {"engine": "docker", "sandboxes": 3, "places": 8, "waiting": 1, "resting": 97, "not_shown": {}},
    "sessions": [
        row("ses-1", "good", age=3.0),
        row("ses-2", "bad", age=None, mend="nanoclaw doctor"),
        row("ses-3", "waits", age=90.0, signals={"loop": {"state": "answers", "detail": "1 s ago"}}),
    ],
    "claims": [
        {"session": "ses-3", "message": "in-1", "kind": "chat", "epoch": 1, "age": 9.0, "left": 51.0, "tries": 0}
    ],
    "lanes": [],
    "channels": [],
    "approvals": [],
}


def after(*pressed: str, state: State | None = None) -> State:
    """What the keys lead to."""
    now = state or State()
    for key in pressed:
        now = press(now, key, rows_of(now, OVERVIEW))
    return now


def shown(state: State) -> list[str]:
    """The names of the rows, in order."""
    return [str(one["session"]) for one in rows_of(state, OVERVIEW)]


def printed(state: State, width: int = 160, height: int = 40, trouble: str = "") -> str:
    """The screen."""
    out = StringIO()
    Console(file=out, width=width, height=height).print(screen(state, OVERVIEW, trouble, width, height))
    return out.getvalue()


def test_the_worst_stands_first() -> None:
    assert shown(State()) == ["ses-2", "ses-3", "ses-1"]


def test_rows_are_sorted_by_any_column_and_backwards_with_nothing_last() -> None:
    state = State(sort="age")
    assert shown(state) == ["ses-1", "ses-3", "ses-2"]
    assert shown(press(state, "r", ())) == ["ses-2", "ses-3", "ses-1"]
    assert after(*["s"] * (len(VIEWS["sessions"]) + 1)).sort == BY_MARK


def test_a_filter_is_typed_kept_and_ended() -> None:
    state = after("/", *"SES-3x", "backspace")
    assert state.typing
    assert shown(state) == ["ses-3"]
    assert not after("enter", state=state).typing
    assert shown(after("enter", "escape", state=state)) == ["ses-2", "ses-3", "ses-1"]


def test_only_what_is_held_up_is_shown() -> None:
    assert shown(after("b")) == ["ses-2", "ses-3"]


def test_a_row_is_opened_with_all_that_belongs_to_it_and_closed() -> None:
    state = after("down", "enter")
    assert state.opened == "ses-3"
    assert "in-1 for 9 s, patience ends in 51 s" in printed(state)
    assert "answers 1 s ago" in printed(state)
    assert after("escape", state=state).opened is None


def test_views_are_changed_by_their_numbers_and_by_tab() -> None:
    assert after("2").view == "claims"
    assert after(*["tab"] * len(VIEWS)).view == "sessions"
    assert "in-1" in printed(after("2"))
    assert "nothing" in printed(after("3"))


@pytest.mark.parametrize("key", ["q", "ctrl-c", "ctrl-d"])
def test_it_ends(key: str) -> None:
    assert after(key).over


@given(st.lists(st.sampled_from([*NAMES.values(), *"qrsb/jkgG12345x9", "é"]), max_size=30))
def test_whatever_is_pressed_there_is_something_to_show(pressed: list[str]) -> None:
    state = after(*pressed)
    assert state.view in VIEWS
    assert printed(state, width=60, height=10)


@pytest.mark.parametrize(("width", "height"), [(160, 40), (80, 24), (40, 12)])
def test_it_fits_into_the_terminal(width: int, height: int) -> None:
    lines = printed(State(), width, height).splitlines()
    assert all(len(line) <= width for line in lines)
    assert any("ses-2" in line for line in lines)


@pytest.mark.parametrize(
    ("not_shown", "words"),
    [
        ({}, ", 97 at rest\n"),
        ({"sessions": 1_200, "claims": 1}, ", 97 at rest; 1,200 more sessions, 1 more claims open and not shown\n"),
    ],
)
def test_how_much_is_open_and_not_shown_is_said(not_shown: dict[str, int], words: str) -> None:
    overview = {**OVERVIEW, "house": {**OVERVIEW["house"], "not_shown": not_shown}}
    out = StringIO()
    Console(file=out, width=200, height=40).print(screen(State(), overview, "", 200, 40))
    assert words in "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


def test_what_is_not_of_now_says_so() -> None:
    assert "not running any more" in printed(State(), trouble="nanoclaw is not running any more")


def test_keys_are_read_as_terminals_say_them() -> None:
    said = "\x1b[A\x1bOB\x1b[5~\x1b[6~\r\t\x7f\x03/é\x1b".encode()
    named = ["up", "down", "pageup", "pagedown", "enter", "tab", "backspace", "ctrl-c"]
    assert list(keys(said)) == [*named, "/", "é", "escape"]
