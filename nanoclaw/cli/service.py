"""`nanoclaw service`: has the machine keep a host running, with systemd's user manager or launchd."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen
from rich.console import Console

from nanoclaw.cli import exits
from nanoclaw.cli.client import is_open
from nanoclaw.cli.recording import recorded
from nanoclaw.cli.words import printable
from nanoclaw.config import Config
from nanoclaw.core.service_files import LABEL, UNIT, Service, launchd_list, systemd_unit
from nanoclaw.errors import UsageError

COMMAND_SECONDS = 90
PATIENCE = 20.0
"""Seconds for the host to answer, or to be gone, before the record says so."""


@frozen
class Manager:
    """What keeps services on this machine."""

    name: str
    file: Path
    """Where it looks for ours."""
    start: Sequence[Sequence[str]]
    """The commands that have it run, now and whenever somebody logs in."""
    stop: Sequence[Sequence[str]]
    look: Sequence[str]
    at_boot: str
    """The command that has it run without anybody logging in."""


def manager() -> Manager:
    """The one that is here. Raises `UsageError` where there is none that we know."""
    if sys.platform == "darwin" and shutil.which("launchctl"):
        file = Path.home() / "Library" / "LaunchAgents" / f"{LABEL}.plist"
        place = f"gui/{os.getuid()}"
        return Manager(
            name="launchd",
            file=file,
            start=(("launchctl", "bootstrap", place, str(file)),),
            stop=(("launchctl", "bootout", f"{place}/{LABEL}"),),
            look=("launchctl", "print", f"{place}/{LABEL}"),
            at_boot="",
        )
    if shutil.which("systemctl"):
        folder = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser()
        user = ("systemctl", "--user")
        return Manager(
            name="systemd",
            file=folder / "systemd" / "user" / UNIT,
            start=((*user, "daemon-reload"), (*user, "enable", "--now", UNIT)),
            stop=((*user, "disable", "--now", UNIT), (*user, "daemon-reload")),
            look=(*user, "status", "--no-pager", UNIT),
            at_boot=f"loginctl enable-linger {getpass.getuser()}",
        )
    raise UsageError("neither systemd nor launchd is here: have what keeps services run `nanoclaw up`")


def install(config: Config) -> int:
    """Write its file and start it; returns the exit code. Raises `UsageError`."""
    keeps = manager()
    if is_open(config.admin_socket) and not keeps.file.exists():
        raise UsageError("a host runs already, and it is no service: end it first, with Ctrl-C or a signal")
    config.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    service = Service(
        command=(sys.executable, "-m", "nanoclaw", "up"),
        home=str(config.home),
        path=os.environ.get("PATH", os.defpath),
    )
    try:
        text = systemd_unit(service).encode() if keeps.name == "systemd" else launchd_list(service, _log(config))
    except ValueError as exc:
        raise UsageError(str(exc)) from exc
    keeps.file.parent.mkdir(parents=True, exist_ok=True)
    new = keeps.file.with_name(f".{keeps.file.name}.new")
    with recorded(config, "service install", on=str(keeps.file), given={"file": text.decode()}, patience=PATIENCE):
        new.write_bytes(text)
        new.replace(keeps.file)
        _run(keeps, keeps.start)
    console = Console(highlight=False, soft_wrap=True)
    console.print(printable(f"{keeps.name} keeps a host running on {config.home}, by {keeps.file}"))
    if keeps.at_boot:
        console.print(printable(f"it ends when you log out for the last time, unless you type: {keeps.at_boot}"))
    console.print("see how it does with: [bold]nanoclaw service status[/bold]")
    return exits.OK


def status(config: Config) -> int:
    """Print what the manager says of it, and whether a host answers; returns the exit code. Raises `UsageError`."""
    keeps = manager()
    console = Console(highlight=False, soft_wrap=True)
    if not keeps.file.exists():
        console.print("no service is installed: nanoclaw service install")
        return exits.REFUSED
    said = subprocess.run(keeps.look, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)
    console.print(printable((said.stdout or said.stderr).rstrip()))
    answers = is_open(config.admin_socket)
    console.print("[green]a host answers[/green]" if answers else "[red]no host answers[/red]: nanoclaw doctor")
    return exits.OK if answers else exits.REFUSED


def uninstall(config: Config) -> int:
    """Stop it and remove its file; the home stays. Returns the exit code. Raises `UsageError`."""
    keeps = manager()
    if not keeps.file.exists():
        raise UsageError("no service is installed")
    # What it runs has to be stopped while its file is still there; one that does not run is none the less removed.
    with recorded(config, "service uninstall", on=str(keeps.file), needed=False, patience=PATIENCE):
        for command in keeps.stop[:1]:
            subprocess.run(command, capture_output=True, timeout=COMMAND_SECONDS, check=False)
        keeps.file.unlink()
        _run(keeps, keeps.stop[1:])
    Console(highlight=False, soft_wrap=True).print("no host is kept running any more; the home stays as it is")
    return exits.OK


def _run(keeps: Manager, commands: Sequence[Sequence[str]]) -> None:
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)
        if done.returncode:
            why = (done.stderr or done.stdout).strip() or f"it ended with {done.returncode}"
            raise UsageError(f"{keeps.name} refused ({' '.join(command)}): {why}")


def _log(config: Config) -> str:
    return str(config.home / "logs" / "service.log")
