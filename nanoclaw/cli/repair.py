"""`nanoclaw repair`: shows what would be done about what `verify` finds, and with `--apply` does it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from nanoclaw.cli import exits
from nanoclaw.cli.look import running_host
from nanoclaw.cli.words import printable
from nanoclaw.config import Config
from nanoclaw.core.repair import ByHand, MendRow, NextStart, RebuildIndexes, SetAside, Step, changes
from nanoclaw.errors import StoreError, UsageError
from nanoclaw.kit.clock import SystemClock
from nanoclaw.store import audit
from nanoclaw.store.audit import Outcome
from nanoclaw.store.home import held
from nanoclaw.store.migrate import check_origin
from nanoclaw.store.repairing import Repaired, look, mend_all
from schema import files, sqlite
from schema.sqlite import Connection, Journal, SqliteError, Synchronous


def run(config: Config, *, apply: bool, yes: bool, as_json: bool) -> int:
    """Show what would be done, and with *apply* do it; returns the exit code.

    Raises:
      UsageError: there is nothing to look at, or nobody said yes.
      HomeInUseError: a host runs and there is something to do; nothing was changed.
      StoreError: the database cannot be read, or the disk would not.
    """
    now = SystemClock().now()
    if not config.database.exists():
        raise UsageError(f"there is nothing in {config.home} yet: start it once with `nanoclaw up`")
    if not apply:
        host = running_host(config)
        with _opened(config.database, writing=False) as conn, sqlite.snapshot(conn):
            steps = look(conn, config.home, host=host, now=now)
        _show(steps, as_json=as_json)
        if changes(steps) and not as_json:
            Console().print("nothing was changed. To do it, with no host running: [bold]nanoclaw repair --apply[/bold]")
        return exits.REFUSED if steps else exits.OK
    with held(config.home, now=now), _opened(config.database, writing=True) as conn:
        steps = look(conn, config.home, now=now)
        if not changes(steps):
            _show(steps, as_json=as_json)
            return exits.REFUSED if steps else exits.OK
        if not yes:
            _ask(steps)
        _record(conn, steps, Outcome.BEGUN, now)
        try:
            done = mend_all(conn, config.home, now=now)
        except (OSError, SqliteError) as exc:
            _record(conn, steps, Outcome.FAILED, now)
            raise StoreError(f"not all was repaired, and it can be begun again: {exc}") from exc
        _record(conn, steps, Outcome.DONE, now)
    _report(done, as_json=as_json)
    return exits.REFUSED if any(isinstance(step, ByHand) for step in done.left) else exits.OK


def _record(conn: Connection, steps: Sequence[Step], outcome: Outcome, now: datetime) -> None:
    """In the audit: that it was done, and how many steps it took."""
    with sqlite.transaction(conn):
        detail = f"{len(changes(steps))} steps"
        digest = audit.digest({"steps": [_plain(step) for step in changes(steps)]})
        audit.record(conn, who=audit.OPERATOR, what="repair", digest=digest, outcome=outcome, detail=detail, at=now)


@contextmanager
def _opened(database: Path, *, writing: bool) -> Iterator[Connection]:
    """The database, as it is: nothing is brought up to date here. Raises `StoreError`."""
    try:
        conn = (
            sqlite.open_read_write(database, Journal.WAL, Synchronous.FULL)
            if writing
            else sqlite.open_read_only(database)
        )
        try:
            known = len(files.central_ddl())
            if check_origin(conn, known=known) < known:
                raise StoreError("the database is of an older nanoclaw: start it once with `nanoclaw up`")
            yield conn
        finally:
            conn.close()
    except SqliteError as exc:
        raise StoreError(f"the database cannot be read: {exc}; nanoclaw backup restore") from exc


def _ask(steps: Sequence[Step]) -> None:
    if not sys.stdin.isatty():
        raise UsageError("nobody is here to say yes: look at nanoclaw repair, and add --yes if you mean it")
    _show(steps, as_json=False)
    if not click.confirm("Do it?"):
        raise UsageError("nothing was changed")


def words(step: Step) -> str:
    """What *step* is, for people."""
    match step:
        case MendRow(how=how):
            return how.value
        case SetAside(anew=True):
            return "move it into quarantine/; it is made anew when it is needed"
        case SetAside():
            return "move it into quarantine/"
        case RebuildIndexes():
            return "make the indexes anew"
        case NextStart():
            return "nothing: nanoclaw up mends it"
        case ByHand(mend=mend):
            return f"not by itself: {mend}"


def _show(steps: Sequence[Step], *, as_json: bool) -> None:
    if as_json:
        for step in steps:
            click.echo(json.dumps(_plain(step)))
        return
    console = Console()
    if not steps:
        console.print("[green]✓[/green] nothing is wrong, and there is nothing to repair")
        return
    table = Table(title=f"{len(steps)} things are wrong", title_justify="left")
    for column in ("what", "where", "what would be done"):
        table.add_column(column, overflow="fold")
    for step in steps:
        problem = step.problem
        where = f"{problem.where} ({problem.evidence})" if problem.evidence else problem.where
        table.add_row(printable(problem.what), printable(where), printable(words(step)))
    console.print(table)


def _report(done: Repaired, *, as_json: bool) -> None:
    if as_json:
        for change in done.done:
            click.echo(json.dumps({**_plain(change), "done": True}))
        for step in done.left:
            click.echo(json.dumps(_plain(step)))
        return
    console = Console(highlight=False, soft_wrap=True)
    for change in done.done:
        console.print(printable(f"✓ {change.problem.where}: {words(change)}"))
    if done.aside is not None:
        console.print(printable(f"what was in the way, and the database as it was before, is in {done.aside}"))
    if done.left:
        _show(done.left, as_json=False)
    else:
        console.print("nothing is wrong any more")


def _plain(step: Step) -> dict[str, object]:
    problem = step.problem
    return {
        "step": type(step).__name__,
        "what": problem.what,
        "where": problem.where,
        "evidence": problem.evidence,
        "does": words(step),
        "done": False,
    }
