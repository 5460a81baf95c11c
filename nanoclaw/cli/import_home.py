"""`nanoclaw import`: what would come over from a NanoClaw v2 home, and then that it does."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from attrs import asdict
from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from nanoclaw.backups.before_upgrade import back_up_before_upgrade
from nanoclaw.cli import exits
from nanoclaw.cli.words import printable
from nanoclaw.config import Config
from nanoclaw.errors import UsageError
from nanoclaw.importing.apply import apply
from nanoclaw.importing.folders import Copy, copies, copy
from nanoclaw.importing.old import LeftBehind, OldHome
from nanoclaw.importing.plan import Plan, plan
from nanoclaw.importing.present import Present, look
from nanoclaw.importing.read import read_home
from nanoclaw.kit.clock import SystemClock
from nanoclaw.kit.ids import mint
from nanoclaw.store import audit
from nanoclaw.store.home import held, make_folders
from nanoclaw.store.opening import open_writer
from schema import sqlite
from schema.sqlite import transaction

MOST_SHOWN = 50


def run(config: Config, folder: Path, *, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Show what would come over from *folder*, and bring it if somebody says so; returns the exit code.

    Raises:
      HomeInUseError: a host runs on this home; nothing was written.
      UsageError: *folder* is no NanoClaw v2 home, or nobody is here to say yes.
    """
    now = SystemClock().now()
    if dry_run:
        made, folders = _compare(config, folder)
        _show(config, folder, made, folders, as_json=as_json, applied=False)
        return exits.OK
    with held(config.home, now=now):
        made, folders = _compare(config, folder)
        nothing = made.empty and not folders
        if not as_json:
            _show(config, folder, made, folders, as_json=False, applied=False)
        if not nothing and not (yes or _is_wanted(config)):
            raise UsageError("nothing was changed")
        make_folders(config.home)
        made.left += _copy_all(folders, quiet=as_json)
        _apply(config, read_home(folder, now=now))
        if as_json:
            _show(config, folder, made, folders, as_json=True, applied=True)
        elif not nothing:
            _say_how_to_go_on(made)
    return exits.OK


def _compare(config: Config, folder: Path) -> tuple[Plan, list[Copy]]:
    old = read_home(folder, now=SystemClock().now())
    made = plan(old, _present(config), timezone=config.agent.timezone)
    return made, copies(old, config.home, made.coming)


def _present(config: Config) -> Present:
    """What is here, seen on a copy: it may have to be brought to the tables of today first."""
    if not config.database.exists():
        return Present()
    with TemporaryDirectory(prefix="nanoclaw-import-") as place:
        copied = Path(place, "nanoclaw.db")
        conn = sqlite.open_read_only(config.database)
        try:
            sqlite.copy_into(conn, copied)
        finally:
            conn.close()
        writer = open_writer(copied)
        try:
            return look(writer.conn)
        finally:
            writer.close()


def _apply(config: Config, old: OldHome) -> None:
    back_up_before_upgrade(config.home, config.backups_folder, now=SystemClock().now())
    writer = open_writer(config.database)
    try:
        with transaction(writer.conn):
            now = SystemClock().now()
            made = apply(writer.conn, old, timezone=config.agent.timezone, mint=mint, now=now)
            brought = ", ".join(f"{new} {name}" for name, new, _ in made.counts() if new)
            audit.record(
                writer.conn,
                who=audit.OPERATOR,
                what="import",
                on=str(old.folder),
                digest=audit.digest({"folder": str(old.folder), "brought": brought}),
                detail=brought or "nothing",
                at=now,
            )
    finally:
        writer.close()


def _copy_all(folders: list[Copy], *, quiet: bool) -> list[LeftBehind]:
    left: list[LeftBehind] = []
    with Progress(console=Console(stderr=True), disable=quiet, transient=True) as progress:
        for one in progress.track(folders, description="copying folders"):
            try:
                left += copy(one)
            except OSError as exc:
                raise UsageError(f"{one.what} cannot be copied: {exc}; mend that and import again") from None
    return left


def _is_wanted(config: Config) -> bool:
    if not sys.stdin.isatty():
        raise UsageError("nobody is here to say yes: add --yes if you mean it, or --dry-run to look")
    return click.confirm(f"Bring this into {config.home}?")


def _show(config: Config, folder: Path, made: Plan, folders: list[Copy], *, as_json: bool, applied: bool) -> None:
    if as_json:
        found = {
            "applied": applied,
            "kinds": {name: {"new": new, "there": there} for name, new, there in made.counts()},
            "folders": [str(one.target) for one in folders],
            "left": [asdict(one) for one in made.left],
        }
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    console = Console(highlight=False)
    table = Table(
        title=printable(f"{folder} → {config.home}"), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
    )
    table.add_column("kind")
    table.add_column("to bring", justify="right")
    table.add_column("here already", justify="right")
    for name, new, there in made.counts():
        table.add_row(name, str(new), str(there))
    table.add_row("folders", str(len(folders)), "")
    console.print(table)
    if made.left:
        stays = Table(title="What stays behind", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        stays.add_column("what", overflow="fold")
        stays.add_column("why", overflow="fold")
        for one in made.left[:MOST_SHOWN]:
            stays.add_row(printable(one.what), printable(one.why))
        console.print(stays)
        if len(made.left) > MOST_SHOWN:
            console.print(f"and {len(made.left) - MOST_SHOWN} more; --json lists them all")
    if made.empty and not folders:
        console.print("nothing to bring: everything that can come over is here")


def _say_how_to_go_on(made: Plan) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print("[green]✓[/green] brought over. See that all is well with: nanoclaw verify; then: nanoclaw up")
    for group in made.agent_groups[:1]:
        console.print(
            f"  to talk to {printable(group.name)} here: nanoclaw wirings create terminal {printable(group.folder)}"
        )
    if made.tasks:
        console.print(f"  {len(made.tasks)} tasks are paused; nothing starts them yet")
    channels = sorted({chat.channel for chat in made.chats})
    if channels:
        console.print(printable(f"  chats wait for their channels: {', '.join(channels)}"))
