"""What `nanoclaw doctor` looks at of the parts that a home works with: folders, skills, keys, channels, versions."""

from __future__ import annotations

import os
import platform
import shlex
import stat
import tempfile
from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from nanoclaw.channels.secrets_file import ChannelSecrets
from nanoclaw.cli.client import NotRunningError, ask
from nanoclaw.cli.finding import Finding, bad, note, well
from nanoclaw.config import Config
from nanoclaw.core.endpoints import ANTHROPIC
from nanoclaw.core.key_check import without_key
from nanoclaw.errors import UsageError
from nanoclaw.gateway.secrets_file import SecretsFile
from nanoclaw.store import channels
from nanoclaw.store.home import FOLDERS, SKILLS
from nanoclaw.store.settings import thinkers
from schema import files, sqlite
from schema.sqlite import SqliteError

MOST_PATH = 90
"""Bytes of a home's path: a socket's, with the names below the home, has 107 at most."""
SET_KEY = "nanoclaw secrets set anthropic"


def folders(config: Config, _: datetime) -> Iterator[Finding]:
    """Every folder of the home can be written to: found out by writing."""
    if not config.home.exists():
        return
    length = len(os.fsencode(config.home))
    if length > MOST_PATH:
        words = f"the path of the home has {length} bytes: its sockets may have 107 with theirs"
        yield bad("folders", words, f"mv {shlex.quote(str(config.home))} ~/.nanoclaw")
    there = [folder for name in FOLDERS if os.path.lexists(folder := config.home / name)]
    wrong = 0
    for folder in (config.home, *there):
        why = _why_not_written(folder)
        if why is not None:
            wrong += 1
            place = shlex.quote(str(folder))
            mend = f"chown -R $(id -u) {place}" if folder.is_dir() else f"mv {place} {place}.aside"
            yield bad("folders", f"{folder} cannot be written to: {why}", mend)
    if not wrong:
        yield well("folders", f"{len(there) + 1} can be written to")


def _why_not_written(folder: Path) -> str | None:
    """Write a file there, with a name of the moment, and remove it; returns why that did not work."""
    try:
        if folder.stat().st_uid != os.geteuid():
            return f"it belongs to user {folder.stat().st_uid}"
        with tempfile.NamedTemporaryFile(prefix=".doctor-", dir=folder) as file:
            file.write(b"x")
            file.flush()
    except OSError as exc:
        return exc.strerror or str(exc)
    return None


def skills(config: Config, _: datetime) -> Iterator[Finding]:
    """A sandbox, which may run as another user, can read every skill."""
    folder = config.home / SKILLS
    if not folder.is_dir():
        return
    hidden = [path for path in (folder, *folder.rglob("*")) if not _is_for_all(path)]
    if hidden:
        words = f"{len(hidden)} of its files and folders cannot be read by sandboxes, as {hidden[0]}"
        yield bad("skills", words, f"chmod -R a+rX {shlex.quote(str(folder))}")


def _is_for_all(path: Path) -> bool:
    mode = path.lstat().st_mode
    wanted = stat.S_IROTH | (stat.S_IXOTH if stat.S_ISDIR(mode) else 0)
    return stat.S_ISLNK(mode) or mode & wanted == wanted


def keys(config: Config, _: datetime) -> Iterator[Finding]:
    """Every agent can think."""
    for sentence in without_keys(config):
        words = sentence.removesuffix(f": {SET_KEY}")
        yield bad("keys", words, "" if words == sentence else SET_KEY)


def without_keys(config: Config) -> tuple[str, ...]:
    """A sentence for each agent that cannot think for want of a key; none where the keys themselves cannot be read."""
    if not config.database.exists():
        return ()
    try:
        conn = sqlite.open_read_only(config.database)
        try:
            origins = [secret.origin for secret in SecretsFile(config.home).all()]
            # Claude then answers by way of OneCLI, which knows better.
            there = [*origins, ANTHROPIC] if config.onecli.url else origins
            return without_key(thinkers(conn, config.agent.provider), there)
        finally:
            conn.close()
    except (SqliteError, UsageError):
        # A home of an older nanoclaw, or a file that other checks are about.
        return ()


def channels_of(config: Config, _: datetime) -> Iterator[Finding]:
    """Every channel is heard; without a host, every channel has what it needs."""
    try:
        found = ask(config.admin_socket, "channels list")
    except NotRunningError:
        yield from _channels_at_rest(config)
        return
    for one in found:
        name, state, why = str(one["channel"]), str(one["state"]), str(one["why"] or "")
        if state == "off":
            yield note("channels", f"{name} is switched off")
        elif state != "running" or why:
            yield bad("channels", f"{name} is {state}{': ' if why else ''}{why}", f"nanoclaw channels test {name}")
        else:
            yield well("channels", f"{name} is heard")


def gateway(config: Config, _: datetime) -> Iterator[Finding]:
    """The gateway's process is there and goes round, where there is a host."""
    try:
        parts = ask(config.admin_socket, "tree")["children"]
    except NotRunningError:
        return
    (node,) = [part for part in parts if part["name"] == "gateway"]
    seen, restarts = node["signals"], node["restarts"]
    again = f"; restarts: {restarts}, the last one because {node['last_error']}" if restarts else ""
    if seen["process"] == "starting":
        yield note("gateway", f"its process is starting{again}")
    elif seen["process"] == "none":
        yield bad("gateway", f"there is no process that leads agents out{again}", "nanoclaw logs --level warning")
    else:
        words = f"process {seen['process']}, {seen['memory']}, {seen['connections']} connections"
        yield (note if restarts else well)("gateway", f"{words}{again}")


def _channels_at_rest(config: Config) -> Iterator[Finding]:
    if not config.database.exists():
        return
    try:
        conn = sqlite.open_read_only(config.database)
        try:
            rows = channels.every(conn)
        finally:
            conn.close()
    except SqliteError:
        return
    for row in rows:
        try:
            ChannelSecrets(config.home).of(row.name)
        except UsageError as exc:
            yield bad(
                "channels", str(exc), f"nanoclaw channels remove {row.name}, then nanoclaw channels add {row.kind}"
            )


def versions(_: Config, __: datetime) -> Iterator[Finding]:
    """What is at work here."""
    try:
        sqlite.require_recent_sqlite()
    except sqlite.OldSqliteError as exc:
        yield bad("versions", str(exc), "make setup")
        return
    conn = sqlite.connect(sqlite.IN_MEMORY)
    library = str(sqlite.scalar(conn, "SELECT sqlite_version()"))
    conn.close()
    words = f"nanoclaw {version('nanoclaw')}, {len(files.central_ddl())} migrations, Python {platform.python_version()}"
    yield well("versions", f"{words}, SQLite {library}")
