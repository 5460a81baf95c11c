"""`nanoclaw session`: a session as one file."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.console import Console

from nanoclaw import config
from nanoclaw.cli import exits
from nanoclaw.cli.words import printable


@click.group()
def session() -> None:
    """A session as one file, as of any of its settled turns."""


@session.command("export")
@click.argument("which", metavar="SESSION")
@click.option("--turn", help="As of which turn: the id of a message, or the beginning of it; by default the last.")
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), help="The file; by default SESSION.tar.gz here.")
@click.option("--no-workspace", is_flag=True, help="Without the agent's folder.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
def session_export(which: str, turn: str | None, to: Path | None, no_workspace: bool, as_json: bool) -> None:
    """Write SESSION, by its id or the beginning of it, to a file: its messages, their files, and the agent's folder.

    No key is in it. Works with and without a running host, and changes nothing.
    """
    settings = config.load(config.home_folder())
    sys.exit(_export(settings, which, turn, to, workspace=not no_workspace, as_json=as_json))


def _export(
    settings: config.Config, which: str, turn: str | None, to: Path | None, *, workspace: bool, as_json: bool
) -> int:
    from nanoclaw.backups.session_export import export
    from nanoclaw.errors import BackupError, UsageError
    from nanoclaw.kit.clock import SystemClock
    from schema import sqlite

    if not settings.database.exists():
        raise UsageError(f"there is nothing in {settings.home} yet: start it once with `nanoclaw up`")
    conn = sqlite.open_read_only(settings.database)
    try:
        path = (to or Path(f"{which}.tar.gz")).absolute()
        done = export(conn, settings.home, which, turn, path, workspace=workspace, now=SystemClock().now())
    except OSError as exc:
        raise BackupError(f"nothing was exported: {exc}") from exc
    except sqlite.SqliteError as exc:
        raise BackupError(f"nothing was exported: the database cannot be read: {exc}") from exc
    finally:
        conn.close()
    if as_json:
        skipped = [{"path": one.path, "why": one.why} for one in done.skipped]
        click.echo(
            json.dumps({"path": str(done.path), "turn": done.turn, "messages": done.messages, "skipped": skipped})
        )
        return exits.OK
    console = Console(highlight=False, soft_wrap=True)
    console.print(printable(f"{done.path}: {done.messages} messages, as of {done.turn}"))
    for one in done.skipped:
        console.print(printable(f"  not in it, or not whole: {one.path}: {one.why}", "yellow"))
    return exits.OK
