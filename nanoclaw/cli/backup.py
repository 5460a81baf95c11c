"""`nanoclaw backup`: makes, lists, checks and restores backups of the home."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table

from nanoclaw.backups import making, restoring
from nanoclaw.cli import exits
from nanoclaw.cli.recording import note_refused, recorded
from nanoclaw.cli.words import printable
from nanoclaw.config import Config
from nanoclaw.core.attachments import size_in_words
from nanoclaw.core.backup_contents import Contents
from nanoclaw.core.backups import moment_of
from nanoclaw.errors import BackupError, NanoclawError, UsageError
from nanoclaw.kit.clock import SystemClock
from nanoclaw.store.home import held
from schema.times import write_time

MOST_SHOWN = 20


def create(config: Config, to: Path | None, *, as_json: bool) -> int:
    """Make one; returns the exit code. Raises `BackupError`."""
    folder = to or config.backups_folder
    with (
        recorded(config, "backup create", on=str(folder), needed=False) as ending,
        _progress("backing up", quiet=as_json) as told,
    ):
        try:
            made = making.make(config.home, folder, now=SystemClock().now(), told=told)
        except OSError as exc:
            raise BackupError(f"nothing was backed up: {exc}") from exc
        ending.detail = made.path.name
    if as_json:
        click.echo(json.dumps({"path": str(made.path), "size": made.size, **_told_of(made.contents)}))
        return exits.OK
    console = Console(highlight=False, soft_wrap=True)
    console.print(printable(f"made and read through: {made.path} ({size_in_words(made.size)})"))
    _say_skipped(console, made.contents)
    console.print("[dim]keys are in no backup: nanoclaw secrets list shows those to keep elsewhere[/dim]")
    return exits.OK


def show(config: Config, *, as_json: bool) -> int:
    """List those of the home; returns the exit code."""
    found = making.there_are(config.backups_folder)
    if as_json:
        for path in found:
            made_at = moment_of(path.name)
            assert made_at is not None
            click.echo(json.dumps({"path": str(path), "size": path.stat().st_size, "made_at": write_time(made_at)}))
        return exits.OK
    console = Console(highlight=False)
    if not found:
        console.print("no backup yet: make one with nanoclaw backup create")
        return exits.OK
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("name", overflow="fold")
    table.add_column("made", overflow="fold")
    table.add_column("size", justify="right")
    for path in found:
        table.add_row(path.name, f"{moment_of(path.name):%Y-%m-%d %H:%M} UTC", size_in_words(path.stat().st_size))
    console.print(table)
    return exits.OK


def verify(config: Config, name: str | None, *, as_json: bool) -> int:
    """Read one to its end; returns the exit code. Raises `BackupError`."""
    path = find(config, name)
    with _progress("reading", quiet=as_json) as told:
        try:
            contents = making.check(path, told)
        except OSError as exc:
            raise BackupError(f"{path} cannot be read: {exc.strerror}") from exc
    if as_json:
        click.echo(json.dumps({"path": str(path), **_told_of(contents)}))
        return exits.OK
    console = Console(highlight=False, soft_wrap=True)
    console.print(printable(f"{path.name} is whole: {len(contents.files)} files, its database is sound"))
    _say_skipped(console, contents)
    return exits.OK


def restore(config: Config, name: str, *, yes: bool) -> int:
    """Put one in the place of what is there; returns the exit code.

    Raises:
      BackupError, HomeInUseError: nothing was changed.
      UsageError: nobody said yes.
    """
    path = find(config, name)
    try:
        done = _restore(config, path, yes=yes)
    except NanoclawError as exc:
        note_refused(config, restoring.WHAT, on=path.name, why=str(exc))
        raise
    console = Console(highlight=False, soft_wrap=True)
    parked = done.parked
    console.print(printable(f"restored: this home is as it was on {done.contents.made_at:%Y-%m-%d %H:%M} UTC"))
    console.print(printable(f"what was there before is in {done.aside}; remove it when you miss nothing"))
    if parked.messages_in or parked.messages_out:
        console.print(
            f"{parked.messages_in} messages in and {parked.messages_out} out were undecided then, and may have been"
            " decided since: [bold]nanoclaw dead list[/bold] shows them, and can have them tried again"
        )
    if parked.occurrences:
        console.print(f"{parked.occurrences} tasks had their time meanwhile: [bold]nanoclaw tasks list[/bold]")
    if parked.approvals:
        console.print(f"{parked.approvals} requests for approval are over; whoever asked is told")
    console.print("rights are those of then: [bold]nanoclaw roles list[/bold]. Nobody is logged in to the web page")
    console.print("start it with: [bold]nanoclaw up[/bold]")
    return exits.OK


def _restore(config: Config, path: Path, *, yes: bool) -> restoring.Restored:
    now = SystemClock().now()
    with held(config.home, now=now):
        if not yes:
            _ask(config, path)
        with _progress("restoring") as told:
            try:
                return restoring.restore(config.home, path, now=now, told=told)
            except OSError as exc:
                raise BackupError(f"{path} was not restored: {exc}") from exc


def find(config: Config, name: str | None) -> Path:
    """The backup that is meant by *name*: a file, or one of the home's; without, the newest. Raises `UsageError`."""
    there = making.there_are(config.backups_folder)
    if name is None:
        if not there:
            raise UsageError("there is no backup yet: make one with nanoclaw backup create")
        return there[0]
    for path in (Path(name), config.backups_folder / name):
        if path.is_file():
            return path
    raise UsageError(f"there is no backup {name}: nanoclaw backup list shows those there are")


def _ask(config: Config, path: Path) -> None:
    if not sys.stdin.isatty():
        raise UsageError("nobody is here to say yes: add --yes if you mean it")
    if not click.confirm(f"Put {path.name} in the place of what is in {config.home}?"):
        raise UsageError("nothing was changed")


def _told_of(contents: Contents) -> dict[str, object]:
    return {
        "made_at": write_time(contents.made_at),
        "files": len(contents.files),
        "skipped": [{"path": one.path, "why": one.why} for one in contents.skipped],
    }


def _say_skipped(console: Console, contents: Contents) -> None:
    for one in contents.skipped[:MOST_SHOWN]:
        console.print(printable(f"  not in it, or not whole: {one.path}: {one.why}", "yellow"))
    if len(contents.skipped) > MOST_SHOWN:
        console.print(f"  and {len(contents.skipped) - MOST_SHOWN} more; --json lists them all")


@contextmanager
def _progress(what: str, *, quiet: bool = False) -> Iterator[Callable[[int], None]]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet, transient=True) as progress:
        task = progress.add_task(what, total=None)
        yield lambda size: progress.advance(task, size)
