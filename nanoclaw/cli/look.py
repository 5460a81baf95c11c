"""`nanoclaw status`, `tree` and `verify`: looks, never touches."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from time import sleep
from typing import Any

import attrs
import click
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from nanoclaw.cli import exits
from nanoclaw.cli.client import NotRunningError, ask
from nanoclaw.cli.words import printable
from nanoclaw.config import Config
from nanoclaw.core.promises import Problem
from nanoclaw.core.why_hops import Mark
from nanoclaw.errors import UsageError
from nanoclaw.kit.clock import SystemClock
from nanoclaw.model.ids import SessionId
from nanoclaw.store.verify import Host
from nanoclaw.store.verify import verify as find_problems
from schema import sqlite

STATE_COLOURS = {"running": "green", "parked": "red", "restarting": "yellow", "stopped": "dim", "stopping": "yellow"}

MARK_COLOURS = {"good": "green", "note": "dim", "waits": "yellow", "bad": "bold red"}
"""Of what holds something up."""
WATCH_SECONDS = 1.0
BAD_STATES = ("no answer", "stuck")
"""Of the three signals, those that want to be looked at."""
NAMED_WAITS = ("rate limit", "waiting for a person")
"""Of what is seen of the work, what `status` names the session of."""


def status(config: Config, *, as_json: bool) -> None:
    """Print the host's figures. Raises `NotRunningError`."""
    found = ask(config.admin_socket, "status")
    if as_json:
        click.echo(json.dumps(found))
        return
    table = Table(title=printable(f"nanoclaw in {found['home']}"), show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column()
    table.add_row("sandbox", printable(f"{found['engine']} ({found['walls']})"))
    table.add_row("provider", printable(found["provider"]))
    table.add_row("commits seen by", found["watch"])
    table.add_row("sessions at work", str(len(found["actors"])))
    places = found["sandboxes"]
    waiting = f", [yellow]{places['waiting']} waiting[/yellow]" if places["waiting"] else ""
    table.add_row("places taken", f"{places['running']} of at most {places['most']}{waiting}")
    for signal in ("process", "loop", "progress"):
        table.add_row(f"  {signal}", _counted(seen[signal]["state"] for seen in places["signals"]))
    for line in _named_waits(places["signals"]):
        table.add_row("  waits", printable(line, "yellow"))
    store = found["store"]
    table.add_row("commits", f"{store['batches']} for {store['transactions']} transactions")
    for name, value in found["figures"].items():
        bad = name in {"failed", "dead", "unknown"} and value
        table.add_row(name.replace("_", " "), f"[red]{value}[/red]" if bad else str(value))
    Console().print(table)


def tree(config: Config, path: str = "", *, watch: bool = False, as_json: bool) -> None:
    """Print the tree of actors, or what is below *path*; with *watch*, again every second until Ctrl-C.

    Raises:
      NotRunningError: there is no host.
      UsageError: there is no such actor.
    """
    console = Console(soft_wrap=True)
    if not watch:
        found = _below(config, path)
        if as_json:
            click.echo(json.dumps(found))
        else:
            console.print(branch(found))
        return
    try:
        with Live(console=console, screen=console.is_terminal, auto_refresh=False) as live:
            while True:
                live.update(branch(_below(config, path)), refresh=True)
                sleep(WATCH_SECONDS)
    except KeyboardInterrupt:
        return


def _below(config: Config, path: str) -> dict[str, Any]:
    found: dict[str, Any] = ask(config.console_socket, "actor", {"path": path})["actor"]
    return found


def running_host(config: Config) -> Host | None:
    """What the running host says of itself; None: none runs."""
    try:
        return Host(actors=frozenset(map(SessionId, ask(config.admin_socket, "status")["actors"])))
    except NotRunningError:
        return None


def verify(config: Config, *, as_json: bool) -> int:
    """Print what is wrong; returns the exit code.

    Raises:
      UsageError: there is no database to look at.
    """
    if not config.database.exists():
        raise UsageError(f"there is nothing in {config.home} yet: start it once with `nanoclaw up`")
    host = running_host(config)
    conn = sqlite.open_read_only(config.database)
    try:
        with sqlite.snapshot(conn):
            problems = find_problems(conn, config.home, host=host, now=SystemClock().now())
            events = sqlite.integer(conn, "SELECT count(*) FROM events")
            messages = sqlite.integer(conn, "SELECT (SELECT count(*) FROM inbound) + (SELECT count(*) FROM ledger)")
    finally:
        conn.close()
    if as_json:
        for problem in problems:
            click.echo(json.dumps(attrs.asdict(problem)))
    else:
        _print(problems, f"{events} events and {messages} messages", online=host is not None)
    return exits.REFUSED if problems else exits.OK


def _print(problems: list[Problem], looked_at: str, *, online: bool) -> None:
    console = Console()
    if not problems:
        where = "the host is running" if online else "no host is running"
        console.print(f"[green]✓[/green] {looked_at}: every one is accounted for, nothing is left over ({where})")
        return
    table = Table(title=f"{len(problems)} things are wrong", title_justify="left")
    for column in ("what", "where", "what to do"):
        table.add_column(column, overflow="fold")
    for problem in problems:
        table.add_row(printable(problem.what), printable(problem.where), printable(problem.mend or "report it"))
    console.print(table)


def branch(node: Mapping[str, Any], parent: Tree | None = None) -> Tree:
    """An actor and all below it, as `TreeNode.snapshot` shows them."""
    state = printable(node["state"], STATE_COLOURS.get(node["state"], "cyan"))
    parts = [printable(node["name"], "bold"), Text.assemble(state, f" {_age(node['age'])}")]
    if node["mailbox"]:
        parts.append(Text(f"{node['mailbox']} unread"))
    if node["restarts"]:
        parts.append(Text(f"{node['restarts']} restarts", "yellow"))
    if node["doing"]:
        parts.append(printable(node["doing"], "dim"))
    for signal, said in node["signals"].items():
        parts.append(printable(f"{signal}: {said}", "red" if said.startswith(BAD_STATES) else "dim"))
    if node["last_error"]:
        parts.append(printable(node["last_error"], "red"))
    if (hold := node.get("hold")) is not None and hold["mark"] != Mark.GOOD.value:
        parts.append(printable(f"{hold['reason']}: {hold['why']}", MARK_COLOURS[hold["mark"]]))
    label = Text("  ").join(parts)
    made = Tree(label) if parent is None else parent.add(label)
    for what, said in node.get("owns", {}).items():
        made.add(Text.assemble((f"{what}: ", "dim"), printable(said, "dim")))
    for child in node["children"]:
        branch(child, made)
    return made


def _named_waits(signals: Iterable[dict[str, Any]]) -> list[str]:
    """Sessions whose turn waits for something that has a name."""
    return [
        f"{seen['session']}: {seen['progress']['state']}, {seen['progress']['detail']}"
        for seen in signals
        if seen["progress"]["state"] in NAMED_WAITS
    ]


def _counted(states: Iterable[str]) -> str:
    return ", ".join(
        f"[red]{count} {state}[/red]" if state in BAD_STATES else f"{count} {state}"
        for state, count in sorted(Counter(states).items())
    )


def _age(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
