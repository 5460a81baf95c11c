"""The screen of `nanoclaw top`: what rich prints for one state and one overview, in the room that there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from nanoclaw.cli.look import MARK_COLOURS
from nanoclaw.cli.top_state import KEYS, VIEWS, Row, State, rows_of
from nanoclaw.cli.words import printable
from nanoclaw.core.holds_words import ago, left_out

SPANS = {"age", "left", "heard", "next"}
"""Cells that are seconds."""
NARROW = 150
"""Columns: where there is less room, those in the middle are left out."""
ESSENTIAL = {"session", "reason", "why", "lane", "channel", "state", "message", "age", "approval", "title"}
AROUND = 7
"""Lines of the screen that are no rows."""


def screen(state: State, overview: Mapping[str, Any], trouble: str, width: int, height: int) -> RenderableType:
    """All of it.

    Args:
      state: What is to be shown.
      overview: Of the running host; empty: nothing is known yet.
      trouble: Why it is not of now; empty: it is.
      width: Of the terminal.
      height: Of the terminal.
    """
    if not overview:
        return Text(trouble or "asking …", style="red" if trouble else "dim")
    rows = rows_of(state, overview)
    opened = next((row for row in rows if str(row[state.columns[0]]) == state.opened), None)
    body = _one(opened, overview) if opened is not None else _table(state, rows, width, height - AROUND)
    return Group(_head(overview, trouble), _tabs(state, overview), body, _foot(state, rows))


def counts(rows: Sequence[Row]) -> str:
    """How many of *rows* want to be looked at, and how many wait."""
    bad = sum(row.get("mark") == "bad" for row in rows)
    waits = sum(row.get("mark") == "waits" for row in rows)
    return "".join([f" [bold red]{bad}![/bold red]" if bad else "", f" [yellow]{waits}…[/yellow]" if waits else ""])


def _head(overview: Mapping[str, Any], trouble: str) -> Text:
    house = overview["house"]
    places = f"{house['sandboxes']} of {house['places']} sandboxes"
    queue = f", {house['waiting']} wait" if house["waiting"] else ""
    head = Text.assemble(
        ("nanoclaw ", "bold"),
        printable(f"{house['engine']}, {places}{queue}, {len(overview['sessions'])} sessions with something open, "),
        printable(f"{house['resting']} at rest"),
        (left_out(house["not_shown"]), "bold yellow"),
    )
    if way_out := house.get("way_out"):
        head.append_text(printable(f"   {way_out}", "bold red"))
    if trouble:
        head.append(f"   {trouble}", "bold red")
    return head


def _tabs(state: State, overview: Mapping[str, Any]) -> Text:
    tabs = Text()
    for number, view in enumerate(VIEWS, 1):
        rows = overview.get(view, ())
        tabs.append(f" {number} {view} {len(rows)}", "reverse bold" if view == state.view else "bold")
        tabs.append_text(Text.from_markup(counts(rows)))
        tabs.append("  ")
    return tabs


def _table(state: State, rows: Sequence[Row], width: int, room: int) -> RenderableType:
    columns = [name for name in state.columns if width >= NARROW or name in ESSENTIAL]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=True)
    for name in columns:
        sign = ("▲" if state.reverse else "▼") if name == state.sort else ""
        right = name in SPANS or name in {"waiting", "claimed", "unsent", "tries", "attempts", "epoch"}
        wide = name in {"why", "title"}
        table.add_column(
            f"{name}{sign}",
            justify="right" if right else "left",
            no_wrap=True,
            overflow="ellipsis",
            ratio=3 if wide else None,
            min_width=10 if wide else None,
        )
    selected = min(state.selected, max(0, len(rows) - 1))
    first = max(0, min(selected - room // 2, len(rows) - room))
    for place, row in enumerate(rows[first : first + max(1, room)], first):
        colour = MARK_COLOURS.get(row.get("mark", ""), "")
        cells = [printable(cell(name, row.get(name)), colour if name in {"reason", "why"} else "") for name in columns]
        table.add_row(*cells, style="reverse" if place == selected else "")
    return table if rows else Text("\n  nothing", style="dim")


def _one(row: Row, overview: Mapping[str, Any]) -> RenderableType:
    """One row with all its cells, and what belongs to its session."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in row.items():
        if name == "signals" and value:
            for signal, said in value.items():
                table.add_row(signal, printable(f"{said['state']} {said['detail']}"))
        elif value not in (None, "", 0):
            table.add_row(name, printable(cell(name, value), MARK_COLOURS.get(str(value), "")))
    session = row.get("session")
    for claim in overview["claims"]:
        if session and claim["session"] == session:
            left = "" if claim["left"] is None else f", patience ends in {ago(claim['left'])}"
            table.add_row("claim", printable(f"{claim['message']} for {ago(claim['age'])}{left}"))
    return Panel(table, box=box.ROUNDED, expand=True)


def _foot(state: State, rows: Sequence[Row]) -> Text:
    if state.typing:
        return Text.assemble(
            ("filter: ", "bold"), state.filter, ("▏", "blink"), ("  Enter keeps it, Esc ends it", "dim")
        )
    foot = Text()
    for keys, what in KEYS:
        foot.append(f"{keys} ", "bold cyan")
        foot.append(f"{what}  ", "dim")
    said = [f"filter “{state.filter}”"] if state.filter else []
    said += ["only what is held up"] if state.only_held else []
    said += [f"by {state.sort}{', reversed' if state.reverse else ''}", f"{len(rows)} rows"]
    return Text.assemble(foot, "\n", (", ".join(said), "dim"))


def cell(name: str, value: object) -> str:
    """A cell as people read it."""
    if value is None:
        return ""
    if name in SPANS and isinstance(value, int | float):
        return ago(float(value))
    return str(value)
