"""`nanoclaw service`: its commands. What they do is imported when they run."""

from __future__ import annotations

import sys

import click

from nanoclaw import config


@click.group()
def service() -> None:
    """Has this machine keep a host running, and start it again when it fails: by systemd, or launchd."""


@service.command("install")
def service_install() -> None:
    """Install a host of this home as a service of yours, and start it; again, after nanoclaw has moved."""
    from nanoclaw.cli import service

    sys.exit(service.install(config.load(config.home_folder())))


@service.command("status")
def service_status() -> None:
    """What systemd or launchd says of it, and whether a host answers; ends with 1 if none does."""
    from nanoclaw.cli import service

    sys.exit(service.status(config.load(config.home_folder())))


@service.command("uninstall")
def service_uninstall() -> None:
    """Stop it and keep none running any more. The home stays as it is."""
    from nanoclaw.cli import service

    sys.exit(service.uninstall(config.load(config.home_folder())))
