"""Starts the runner. Looks at the inbox first: nothing is imported before that the look does not need.

The host waits for the look, not for Trio. So arguments are read by hand here, and attrs, cattrs and Trio come after.
"""

from __future__ import annotations

import os
import signal
import sys

from runner.heartbeat import beat
from schema import LINK_VERSION, sqlite
from schema.files import HEARTBEAT, INBOUND, SANDBOX_PROGRAMS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

USAGE = (
    "usage: runner --in DIR --out DIR --agent DIR [--container-json FILE] [--gateway SOCKET] [--programs DIR]"
    " [--provider NAME] [--parent-pipe]"
)
NEEDED = ("--in", "--out", "--agent")
VALUED = (*NEEDED, "--container-json", "--gateway", "--programs", "--provider")
PARENT_PIPE = "--parent-pipe"
WRONGLY_STARTED = 2


class UsageError(Exception):
    """The arguments make no sense."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the runner until it is told to stop; returns the exit code.

    0: told to stop. 1: broke. 2: wrongly started. 4: the host is gone.
    """
    try:
        found = read_arguments(sys.argv[1:] if argv is None else argv)
        os.chdir(found["--agent"])
        sqlite.require_recent_sqlite()
        inbound = look(f"{found['--in']}/{INBOUND}")
        beat(f"{found['--out']}/{HEARTBEAT}")
    except (UsageError, OSError, sqlite.SqliteError, sqlite.OldSqliteError) as exc:
        print(f"runner: {exc}", file=sys.stderr)  # noqa: T201 - the log comes later, with everything else
        return WRONGLY_STARTED
    # Nothing is claimed and nothing is written until Trio runs, which takes over from here.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))

    from pathlib import Path

    from runner.app import Places, run

    settings = found.get("--container-json")
    places = Places(
        inside=Path(found["--in"]),
        out=Path(found["--out"]),
        settings=None if settings is None else Path(settings),
        gateway=found.get("--gateway"),
        programs=found.get("--programs", SANDBOX_PROGRAMS),
        provider=found.get("--provider"),
        parent_pipe=PARENT_PIPE in found,
    )
    return run(places, inbound)


def look(path: str | Path) -> sqlite.Connection:
    """Take the first look at an inbox; returns it, open.

    Raises:
      UsageError: it is of another version than this runner.
      SqliteError: it is not there, or not an inbox.
    """
    conn = sqlite.open_read_only(path)
    version = sqlite.integer(conn, "PRAGMA user_version")
    if version != LINK_VERSION:
        raise UsageError(f"inbound.db is of version {version}, this runner reads {LINK_VERSION}")
    sqlite.integer(conn, "SELECT count(*) FROM messages_in WHERE status = 'pending' AND trigger = 1")
    return conn


def read_arguments(argv: Sequence[str]) -> dict[str, str]:
    """The arguments by name. Raises `UsageError`."""
    found: dict[str, str] = {}
    words = iter(argv)
    for word in words:
        if word == PARENT_PIPE:
            found[word] = ""
            continue
        value = next(words, None)
        if word not in VALUED or value is None:
            raise UsageError(f"what is {word!r}? {USAGE}")
        found[word] = value
    missing = [word for word in NEEDED if word not in found]
    if missing:
        raise UsageError(f"{', '.join(missing)} must be given. {USAGE}")
    return found


if __name__ == "__main__":
    sys.exit(main())
