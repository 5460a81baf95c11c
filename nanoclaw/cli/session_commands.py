"""`nanoclaw session`: a session as one file, taken back to a turn, or gone on with elsewhere."""

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
    """A session as of any of its settled turns: as one file, taken back to it, or gone on with in another chat."""


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


@session.command("rewind")
@click.argument("which", metavar="SESSION")
@click.option("--turn", required=True, help="Back to which turn: the id of a message, or the beginning of it.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def session_rewind(which: str, turn: str, yes: bool) -> None:
    """Take SESSION back to one of its settled turns. No host may run on the home.

    What came later stays on record and is marked; what was still to be answered or sent is not. The agent begins a new
    conversation with its model, and is told what had been said. Its files stay as they are.
    """
    from nanoclaw.cli import session_turns

    sys.exit(session_turns.rewind(config.load(config.home_folder()), which, turn, yes=yes))


@session.command("fork")
@click.argument("which", metavar="SESSION")
@click.argument("chat")
@click.option("--turn", help="From which turn: the id of a message, or the beginning of it; by default the last.")
def session_fork(which: str, chat: str, turn: str | None) -> None:
    """Go on with SESSION, as of one of its settled turns, in another CHAT too, which its agent hears already.

    No host may run on the home. Nothing is said there: the agent is told what had been said with the next message.
    """
    from nanoclaw.cli import session_turns

    sys.exit(session_turns.fork(config.load(config.home_folder()), which, chat, turn))


def _export(
    settings: config.Config, which: str, turn: str | None, to: Path | None, *, workspace: bool, as_json: bool
) -> int:
    from nanoclaw.backups.session_export import export
    from nanoclaw.cli.recording import recorded
    from nanoclaw.errors import BackupError, UsageError
    from nanoclaw.kit.clock import SystemClock
    from schema import sqlite

    if not settings.database.exists():
        raise UsageError(f"there is nothing in {settings.home} yet: start it once with `nanoclaw up`")
    conn = sqlite.open_read_only(settings.database)
    try:
        path = (to or Path(f"{which}.tar.gz")).absolute()
        given = {"turn": turn, "to": str(path), "workspace": workspace}
        with recorded(settings, "session export", on=which, given=given, needed=False) as ending:
            done = export(conn, settings.home, which, turn, path, workspace=workspace, now=SystemClock().now())
            ending.detail = f"{done.messages} messages, as of {done.turn}, to {path}"
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
