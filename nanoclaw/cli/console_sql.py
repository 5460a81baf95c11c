"""What the debug console asks of nanoclaw.db: on a connection that cannot write, of one moment, and not for long."""

from __future__ import annotations

import time

from rich import box
from rich.console import Console
from rich.table import Table

from nanoclaw.cli.words import printable
from nanoclaw.config import Config
from nanoclaw.errors import UsageError
from schema import sqlite
from schema.sqlite import SqliteError

MOST_ROWS = 200
MOST_SECONDS = 10.0
STEPS = 10_000
"""Of SQLite's machine between two looks at the clock."""

CLAIMS = """
SELECT i.session_id, i.id, i.kind, i.claimed_epoch AS epoch, i.claimed_at, i.tries FROM inbound i
 WHERE i.claimed_epoch IS NOT NULL ORDER BY i.claimed_at
"""
LANES = """
SELECT l.channel, l.platform_id, w.waiting, w.since, l.id AS head, l.state, l.attempts, l.not_before, l.error
  FROM (SELECT min(position) AS head, count(*) AS waiting, min(created_at) AS since FROM ledger
         WHERE state IN ('pending', 'sending') GROUP BY channel, platform_id) w
  JOIN ledger l ON l.position = w.head ORDER BY w.since
"""
EPOCHS = """
SELECT session_id, number AS epoch, engine, started_at, ended_at, ending, detail FROM epochs
 ORDER BY started_at DESC LIMIT 20
"""


def print_rows(config: Config, console: Console, query: str) -> None:
    """Print what *query* finds. Raises `UsageError`: it makes no sense, would write, or takes too long."""
    if not config.database.exists():
        raise UsageError(f"there is nothing in {config.home} yet: start it once with `nanoclaw up`")
    end = time.monotonic() + MOST_SECONDS
    conn = sqlite.open_read_only(config.database)
    try:
        conn.set_progress_handler(lambda: time.monotonic() > end, STEPS)
        with sqlite.snapshot(conn):
            names, rows = sqlite.fetch_plain(conn, query)
    except SqliteError as exc:
        late = time.monotonic() > end
        raise UsageError(f"it took more than {MOST_SECONDS:g} s" if late else f"SQLite says: {exc}") from None
    finally:
        conn.close()
    if not rows:
        console.print("[dim]nothing[/dim]")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    for row in rows[:MOST_ROWS]:
        table.add_row(*(printable("" if value is None else value) for value in row))
    console.print(table)
    if len(rows) > MOST_ROWS:
        console.print(f"[dim]and {len(rows) - MOST_ROWS} more[/dim]")
