"""`nanoclaw audit`: shows who did what with a say in the house. Reads the truth, with a host or without."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

import attrs
import click
from rich import box
from rich.console import Console
from rich.table import Table

from nanoclaw.cli.words import printable
from nanoclaw.config import Config
from nanoclaw.core.since import BadTime, read_since
from nanoclaw.errors import UsageError
from nanoclaw.kit.clock import SystemClock
from nanoclaw.store import audit
from nanoclaw.store.audit import Outcome, Record
from schema import sqlite
from schema.times import write_time

COLOURS = {Outcome.DONE: "green", Outcome.BEGUN: "dim", Outcome.REFUSED: "yellow", Outcome.FAILED: "red"}
SHORT_DIGEST = 12


def show(config: Config, *, who: str | None, what: str | None, since: str | None, most: int, as_json: bool) -> None:
    """Print the latest records that fit. Raises `UsageError` for a time that is none, or where there is no home."""
    if not config.database.exists():
        raise UsageError(f"there is nothing in {config.home} yet: start it once with `nanoclaw up`")
    start = None
    if since is not None:
        read = read_since(since, now=SystemClock().now(), zone=ZoneInfo(config.agent.timezone))
        if isinstance(read, BadTime):
            raise UsageError(f"--since: {read.why}")
        start = read
    conn = sqlite.open_read_only(config.database)
    try:
        with sqlite.snapshot(conn):
            if not sqlite.fetch(conn, "SELECT 1 FROM sqlite_schema WHERE name = 'audit'"):
                raise UsageError("this home is of before there was an audit: start it once with `nanoclaw up`")
            found = audit.records(conn, who=who, what=what, since=start, most=most)
    finally:
        conn.close()
    if as_json:
        for one in found:
            click.echo(json.dumps(_line(one), ensure_ascii=False))
        return
    _print(found)


def _line(one: Record) -> dict[str, object]:
    line = attrs.asdict(one) | {"at": write_time(one.at), "outcome": one.outcome.value}
    line["on"] = line.pop("subject")
    return line


def _print(found: list[Record]) -> None:
    console = Console(highlight=False)
    if not found:
        console.print("nothing of the kind is on record")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("when", "who", "what", "on", "outcome", "what came of it", "digest"):
        table.add_column(column, overflow="fold")
    for one in found:
        table.add_row(
            f"{one.at:%Y-%m-%d %H:%M:%S}",
            *(printable(cell) for cell in (one.who, one.what, one.subject or "-")),
            printable(one.outcome.value, COLOURS[one.outcome]),
            printable(one.detail or "-"),
            (one.digest or "-")[:SHORT_DIGEST],
        )
    console.print(table)
