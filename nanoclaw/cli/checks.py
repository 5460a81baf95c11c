"""What `nanoclaw doctor` looks at in a home besides its engines: each line well, or what is wrong and what mends it.

Every check looks and never touches; one that cannot look says so, and keeps no other from looking.
"""

from __future__ import annotations

import shlex
import shutil
import stat
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import trio
from attrs import frozen

from nanoclaw.backups import making
from nanoclaw.cli.checks_of_parts import channels_of, folders, gateway, keys, skills, versions
from nanoclaw.cli.checks_of_truth import first_start, truth
from nanoclaw.cli.client import is_open
from nanoclaw.cli.finding import Finding, bad, note, well
from nanoclaw.composing.allow_list import read_allow_list
from nanoclaw.config import FILE, Config
from nanoclaw.core.backups import moment_of
from nanoclaw.core.mounts import NoAllowList
from nanoclaw.errors import UsageError
from nanoclaw.kit.failures import one_line
from nanoclaw.kit.private_file import read_private
from nanoclaw.kit.watch import DirectoryWatch
from nanoclaw.kit.zones import find_zone
from nanoclaw.store import swapping
from nanoclaw.store.repairing import QUARANTINE
from schema.commit_watch import CommitWatch

LEAST_FREE = 512 << 20
MOST_LOGS = 1 << 30
EARLIEST = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
"""The program is not older: a clock that says so is wrong."""

open_watch = CommitWatch
"""Opens what notices commits."""
Check = Callable[[Config, datetime], Iterator[Finding]]


@frozen
class Health:
    """All that was found, in the order of the checks."""

    findings: tuple[Finding, ...]

    @property
    def is_well(self) -> bool:
        """Is nothing wrong?"""
        return not any(finding.is_bad for finding in self.findings)


def examine(config: Config, *, now: datetime) -> Health:
    """Look at everything. Blocks, for a second or two."""
    findings: list[Finding] = []
    for name, check in CHECKS.items():
        try:
            findings += check(config, now)
        except Exception as exc:
            findings.append(bad(name, f"it cannot be looked at: {one_line(exc)}"))
    return Health(tuple(findings))


def permissions(config: Config, _: datetime) -> Iterator[Finding]:
    """Nobody else may enter the home, or read what is secret."""
    home = config.home
    if not home.exists():
        yield note("home", f"{home} is not there yet: nanoclaw up makes it")
        return
    wrong = [home] if home.stat().st_mode & 0o077 else []
    private = [home / FILE, config.database]
    wrong += [path for path in private if path.exists() and path.stat().st_mode & 0o022]
    if not wrong:
        yield well("home", f"{home}: nobody else gets in")
    for path in wrong:
        mode = "700" if path.is_dir() else "600"
        yield bad("home", f"others can enter or change {path}", f"chmod {mode} {path}")


def secrets(config: Config, _: datetime) -> Iterator[Finding]:
    """Each file of secrets can be trusted."""
    folder = config.home / "secrets"
    there = sorted(folder.glob("*.json")) if folder.is_dir() else []
    for path in there:
        try:
            read_private(path)
        except UsageError as exc:
            can_be_read = "can be read by others" in str(exc)
            mend = f"chmod 600 {path}" if can_be_read else f"mv {path} {path}.broken, then set the keys again"
            yield bad("secrets", str(exc).partition(": chmod")[0], mend)
        else:
            yield well("secrets", f"{path.name}: yours alone")


def restore(config: Config, _: datetime) -> Iterator[Finding]:
    """No restore of a backup stands half-way."""
    if (config.home / swapping.READY).is_dir():
        yield bad("restore", "a restore of a backup was decided and is not ended", "nanoclaw up")


def disk(config: Config, _: datetime) -> Iterator[Finding]:
    """There is room."""
    place = next(path for path in (config.home, *config.home.parents) if path.exists())
    free = shutil.disk_usage(place).free
    words = f"{free >> 20:,} MiB free at {place}"
    if free < LEAST_FREE:
        yield bad("disk", words, "make room: nanoclaw backup list shows what backups take; du -sh the home's folders")
    else:
        yield well("disk", words)
    logs = config.home / "logs"
    size = sum(path.stat().st_size for path in logs.rglob("*") if path.is_file()) if logs.is_dir() else 0
    if size > MOST_LOGS:
        yield bad(
            "disk",
            f"{size >> 20:,} MiB of logs in {logs}",
            f"rm -r {shlex.quote(str(_largest(logs, config.log_file)))}",
        )


def left_aside(config: Config, _: datetime) -> Iterator[Finding]:
    """What repairs and restores have put aside takes room until somebody removes it."""
    there = [*config.home.glob(f"{QUARANTINE}/*"), *config.home.glob(f"{swapping.ASIDE}*")]
    if there:
        size = sum(path.lstat().st_size for folder in there for path in folder.rglob("*"))
        places = " ".join(shlex.quote(str(folder)) for folder in there)
        yield note("left aside", f"{size >> 20:,} MiB; when you miss nothing: rm -r {places}")


def _largest(logs: Path, own: Path) -> Path:
    """The file or folder in *logs* that takes most; the host's own log of now is none of them if there is another."""
    there = [path for path in logs.iterdir() if path != own] or [*logs.iterdir()]
    return max(there, key=lambda path: sum(one.stat().st_size for one in (path, *path.rglob("*"))))


def clock(config: Config, now: datetime) -> Iterator[Finding]:
    """The clock and the zone make sense."""
    if now < EARLIEST:
        yield bad("clock", f"this machine's clock says {now:%Y-%m-%d}", "set it: timedatectl set-ntp true")
    try:
        find_zone(config.agent.timezone)
    except UsageError as exc:
        yield bad("clock", str(exc), _edit(config, "timezone", "UTC"))
    else:
        yield well("clock", f"{now:%Y-%m-%d %H:%M} UTC; agents are told {config.agent.timezone}")


def watch(config: Config, _: datetime) -> Iterator[Finding]:
    """Commits of sandboxes are noticed at once."""
    place = config.home / "run"
    mode, reason = trio.run(_watch_mode, place if place.is_dir() else None)
    if mode == "inotify":
        yield well("watch", "commits are noticed by inotify")
    else:
        mend = "sysctl fs.inotify.max_user_instances=512 fs.inotify.max_user_watches=65536"
        yield bad("watch", f"commits are noticed by polling: {reason}", mend)


async def _watch_mode(place: Path | None) -> tuple[str, str]:
    seen = DirectoryWatch(probe_in=place, open_watch=open_watch)
    async with trio.open_nursery() as nursery:
        await nursery.start(seen.run)
        found = seen.mode, seen.reason
        nursery.cancel_scope.cancel()
    return found


def backups(config: Config, now: datetime) -> Iterator[Finding]:
    """There is a backup, and it is not too old."""
    if not config.database.exists():
        return
    found = making.there_are(config.backups_folder)
    made_at = moment_of(found[0].name) if found else None
    hours = config.backup.every_hours
    if not hours:
        yield note("backups", "the host makes none: every_hours under [backup] is 0")
    since = made_at or first_start(config)
    if hours and (since is None or now - since > 2 * timedelta(hours=hours)):
        words = "there is none" if made_at is None else f"the last is of {made_at:%Y-%m-%d %H:%M} UTC"
        yield bad("backups", words, "nanoclaw backup create")
    elif made_at is None:
        yield note("backups", "there is none yet")
    else:
        yield well("backups", f"the last is of {made_at:%Y-%m-%d %H:%M} UTC")


def _edit(config: Config, setting: str, value: str) -> str:
    """The command that changes a line of the settings."""
    return f"sed -i 's|^{setting} *=.*|{setting} = \"{value}\"|' {shlex.quote(str(config.home / FILE))}"


def mounts(config: Config, _: datetime) -> Iterator[Finding]:
    """The list of folders that agents may see can be believed, if there is one."""
    path = Path(config.mounts.allow_list).expanduser()
    if not path.exists():
        return
    found = read_allow_list(path, mounted=[config.home / "groups"])
    if isinstance(found, NoAllowList):
        others = path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        yield bad("mounts", found.why, f"chmod 600 {path}" if others else f"mend {path}")
    else:
        yield well("mounts", f"{path}: {len(found.roots)} folders")


def page(config: Config, _: datetime) -> Iterator[Finding]:
    """Nobody else can read what goes to the web page and comes from it."""
    web = config.web
    if web.enabled and web.address not in ("127.0.0.1", "::1", "localhost") and not web.names:
        yield bad(
            "web page",
            f"it is served at {web.address} without encryption: others on the network can read it",
            _edit(config, "address", "127.0.0.1"),
        )


def host(config: Config, _: datetime) -> Iterator[Finding]:
    """Does one run?"""
    if is_open(config.admin_socket):
        yield well("host", "one is running")
    else:
        yield note("host", "none is running: nanoclaw up starts one")


CHECKS: dict[str, Check] = {
    "versions": versions,
    "home": permissions,
    "folders": folders,
    "secrets": secrets,
    "keys": keys,
    "channels": channels_of,
    "gateway": gateway,
    "skills": skills,
    "restore": restore,
    "database": truth,
    "disk": disk,
    "left aside": left_aside,
    "clock": clock,
    "watch": watch,
    "backups": backups,
    "mounts": mounts,
    "web page": page,
    "host": host,
}
