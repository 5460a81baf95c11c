"""`nanoclaw logs`: what the sandboxes of a session said, from the files that are kept of it."""

from __future__ import annotations

import time
from pathlib import Path

import click
from rich.console import Console

from nanoclaw.cli.client import NotRunningError, ask
from nanoclaw.config import Config
from nanoclaw.errors import UsageError

LOOK_SECONDS = 0.2
WAIT_LOOKS = 5
REFRESH_SECONDS = 1.0
"""Between two requests that the host bring the log of a running sandbox up to date."""


def show(config: Config, session: str, *, epoch: int | None, follow: bool) -> None:
    """Print the log of one life of *session*'s sandbox, the last one unless *epoch* is given.

    Works without a host. With *follow*, goes on until Ctrl-C, over to the next life when there is one.

    Raises:
      UsageError: there is no such session, or no log of it; it says which there are.
    """
    folder = config.home / "logs" / "sandboxes" / _find(config.home, session)
    epochs = _wait_for_log(config, folder)
    if epoch is not None and epoch not in epochs:
        raise UsageError(f"{folder.name} has no log of epoch {epoch}: there are {', '.join(map(str, epochs))}")
    number = epochs[-1] if epoch is None else epoch
    place = _print_from(folder, number, 0)
    if not follow:
        return
    told = time.monotonic()
    try:
        while True:
            time.sleep(LOOK_SECONDS)
            place = _print_from(folder, number, place)
            if epoch is None and (latest := _epochs(folder)[-1]) != number:
                number, place = latest, 0
                Console(stderr=True).print(f"[dim]epoch {number}[/dim]")
            if time.monotonic() - told >= REFRESH_SECONDS:
                _refresh(config, folder.name)
                told = time.monotonic()
    except KeyboardInterrupt:
        return


def _find(home: Path, session: str) -> str:
    """The session that is meant: one that has a log, or a folder of its own."""
    names = sorted({entry.name for where in ("logs/sandboxes", "sessions/*") for entry in home.glob(f"{where}/*")})
    found = [name for name in names if name == session] or [name for name in names if name.startswith(session)]
    if len(found) == 1 and session:
        return found[0]
    if found and session:
        raise UsageError(f"{session} could be any of {', '.join(found)}: say more of it")
    there = f"there are {', '.join(names)}" if names else "no sandbox has run yet"
    raise UsageError(f"there is no session {session!r}: {there}; see nanoclaw sessions list")


def _wait_for_log(config: Config, folder: Path) -> list[int]:
    """The epochs that have a log, once a running host has had a moment to bring the last one up to date."""
    _refresh(config, folder.name)
    for _ in range(WAIT_LOOKS):
        time.sleep(LOOK_SECONDS)
        if epochs := _epochs(folder):
            return epochs
    raise UsageError(f"the sandboxes of {folder.name} have not said anything")


def _epochs(folder: Path) -> list[int]:
    return sorted(int(file.stem) for file in folder.glob("*.log") if file.stem.isdecimal())


def _print_from(folder: Path, epoch: int, place: int) -> int:
    """Print what stands behind *place* in the file; returns the new place."""
    with (folder / f"{epoch}.log").open("rb") as file:
        file.seek(place)
        found = file.read()
    if found:
        click.echo(_harmless(found.decode(errors="replace")), nl=False)
    return place + len(found)


def _harmless(text: str) -> str:
    """*text* without what a terminal would obey: whoever wrote it is not to be trusted."""
    return "".join(char if char.isprintable() or char in "\n\t" else f"\\x{ord(char):02x}" for char in text)


def _refresh(config: Config, session: str) -> None:
    try:
        ask(config.admin_socket, "show log", {"session": session})
    except NotRunningError:
        return
