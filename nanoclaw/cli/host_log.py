"""`nanoclaw logs` without a session: what the host wrote into its own log, for people."""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import sleep
from typing import IO, Any

from rich.console import Console
from rich.text import Text

from nanoclaw.cli.words import printable
from nanoclaw.config import Config
from nanoclaw.errors import UsageError

LOOK_SECONDS = 0.2
LEVELS = ("debug", "info", "warning", "error", "critical")
COLOURS = {"debug": "dim", "info": "green", "warning": "yellow", "error": "red", "critical": "bold red"}
FIRST = ("timestamp", "level", "event", "exception")
"""Fields with a place of their own in a line."""


def show(config: Config, *, level: str, session: str | None, about: str | None, lines: int, follow: bool) -> None:
    """Print the last *lines* of the host's log of that *level* or worse. Works without a host.

    Args:
      config: The home.
      level: One of `LEVELS`.
      session: Only lines of what was done for that session, by its id or the beginning of it.
      about: Only lines in which this stands: a session, a channel, a message.
      lines: How many, at most; they may be in files that were set aside as well.
      follow: Go on until Ctrl-C, over to the next file.

    Raises:
      UsageError: there is no log.
    """
    path = config.log_file
    if not path.exists():
        raise UsageError(f"no host has written a log in {config.home} yet: nanoclaw up starts one")
    console = Console(highlight=False, soft_wrap=True)
    file: IO[bytes] = path.open("rb")
    try:
        kept = deque((line for line in _all(path, file) if _is_wanted(line, level, session, about)), maxlen=lines)
        for line in kept:
            console.print(_shown(line))
        while follow:
            for line in _read(file):
                if _is_wanted(line, level, session, about):
                    console.print(_shown(line))
            sleep(LOOK_SECONDS)
            file = _next(path, file)
    except KeyboardInterrupt:
        return
    finally:
        file.close()


def _all(path: Path, file: IO[bytes]) -> Iterator[Mapping[str, Any]]:
    """Every line that is kept, the oldest first."""
    for older in sorted(path.parent.glob(f"{path.name}.*"), reverse=True):
        with older.open("rb") as old:
            yield from _read(old)
    yield from _read(file)


def _read(file: IO[bytes]) -> Iterator[Mapping[str, Any]]:
    """The whole lines from here on; one that is being written is left for the next time."""
    while line := file.readline():
        if not line.endswith(b"\n"):
            file.seek(-len(line), 1)
            return
        try:
            found = json.loads(line)
        except ValueError:
            found = {"event": line.decode(errors="replace").rstrip()}
        yield found if isinstance(found, dict) else {"event": str(found)}


def _next(path: Path, file: IO[bytes]) -> IO[bytes]:
    """The file that has that name now: another one, once the log was set aside and read to its end."""
    try:
        now, here = path.stat(), os.fstat(file.fileno())
    except FileNotFoundError:
        return file
    if (now.st_dev, now.st_ino) == (here.st_dev, here.st_ino):
        return file
    file.close()
    return path.open("rb")


def _is_wanted(line: Mapping[str, Any], level: str, session: str | None, about: str | None) -> bool:
    said = str(line.get("level", "info"))
    if said in LEVELS and LEVELS.index(said) < LEVELS.index(level):
        return False
    if session is not None and not str(line.get("session", "")).startswith(session):
        return False
    return about is None or any(about in str(value) for value in line.values())


def _shown(line: Mapping[str, Any]) -> Text:
    """One line for people; of an exception, what it was, and where it was seen."""
    level = str(line.get("level", ""))
    text = Text()
    text.append(str(line.get("timestamp", ""))[:23].replace("T", " "), "dim")
    text.append(f" {level:8}", COLOURS.get(level, ""))
    text.append_text(printable(line.get("event", ""), "bold"))
    for key, value in line.items():
        if key not in FIRST:
            text.append(f"  {key}=", "dim").append_text(printable(value))
    if exception := line.get("exception"):
        for row in str(exception).splitlines():
            text.append("\n    ").append_text(printable(row, "red"))
    return text
