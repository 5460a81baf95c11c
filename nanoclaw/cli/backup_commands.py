"""`nanoclaw backup`: its commands. What they do is imported when they run."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from nanoclaw import config


@click.group()
def backup() -> None:
    """Backups of the home: its truth, and what agents keep in files. Keys and logs are in none."""


@backup.command("create")
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), help="The folder; by default the home's own.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
def backup_create(to: Path | None, as_json: bool) -> None:
    """Make a backup, and read it through. Works with and without a running host."""
    from nanoclaw.cli import backup

    sys.exit(backup.create(config.load(config.home_folder()), to, as_json=as_json))


@backup.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a backup, for programs.")
def backup_list(as_json: bool) -> None:
    """The backups in the home, the newest first."""
    from nanoclaw.cli import backup

    sys.exit(backup.show(config.load(config.home_folder()), as_json=as_json))


@backup.command("verify")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
def backup_verify(name: str | None, as_json: bool) -> None:
    """Read a backup to its end: the one of that NAME or path; without, the newest. Ends with 1 if it is not whole."""
    from nanoclaw.cli import backup

    sys.exit(backup.verify(config.load(config.home_folder()), name, as_json=as_json))


@backup.command("restore")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def backup_restore(name: str, yes: bool) -> None:
    """Put the backup of that NAME or path in the place of what is in the home. No host may run on it.

    What was there before stays in a folder of its own. Nothing that was undecided then is sent or answered by itself.
    """
    from nanoclaw.cli import backup

    sys.exit(backup.restore(config.load(config.home_folder()), name, yes=yes))
