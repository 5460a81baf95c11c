"""What `nanoclaw doctor` looks at in nanoclaw.db."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import datetime, timedelta

from nanoclaw.backups import making
from nanoclaw.cli.finding import Finding, bad, note, well
from nanoclaw.cli.look import running_host
from nanoclaw.config import Config
from nanoclaw.errors import NewerStoreError, StoreError
from nanoclaw.store.dead import dead_letters
from nanoclaw.store.migrate import check_origin
from nanoclaw.store.settings import open_networks
from nanoclaw.store.verify import verify
from nanoclaw.store.wirings import wirings
from schema import files, sqlite
from schema.sqlite import Connection, SqliteError
from schema.times import read_time

AHEAD = timedelta(hours=1)
MOST_LETTERS = 1_000


def truth(config: Config, now: datetime) -> Iterator[Finding]:
    """The database is whole, of today, and keeps its promises."""
    if not config.database.exists():
        yield note("database", "there is none yet: nanoclaw up makes it")
        return
    there = making.there_are(config.backups_folder)
    restore = f"nanoclaw backup restore {there[0].name}" if there else "restore a copy of it; there is no backup"
    try:
        conn = sqlite.open_read_only(config.database)
        try:
            with sqlite.snapshot(conn):
                yield from _look(conn, config, restore, now)
        finally:
            conn.close()
    except SqliteError as exc:
        yield bad("database", f"it cannot be read: {exc}", restore)


def _look(conn: Connection, config: Config, restore: str, now: datetime) -> Iterator[Finding]:
    found = [str(row["quick_check"]) for row in sqlite.fetch(conn, "PRAGMA quick_check(3)")]
    if found != ["ok"]:
        yield bad("database", f"it is damaged: {'; '.join(found)}", restore)
        return
    try:
        version = check_origin(conn, known=len(files.central_ddl()))
    except NewerStoreError as exc:
        yield bad("database", str(exc), "install the newer nanoclaw")
        return
    except StoreError as exc:
        yield bad("database", str(exc), "choose another NANOCLAW_HOME")
        return
    if version < len(files.central_ddl()):
        yield note("database", "it is of an older nanoclaw: the next nanoclaw up brings it up to date")
        return
    problems = verify(conn, config.home, host=running_host(config), now=now)
    if problems:
        yield bad("database", f"{len(problems)} promises are not kept: {problems[0].what}", "nanoclaw repair --apply")
    else:
        yield well("database", "it is whole, and every message is accounted for")
    yield from _clock(conn, now)
    yield from _what_waits_for_people(conn)
    yield from _what_agents_may(conn)


def _clock(conn: Connection, now: datetime) -> Iterator[Finding]:
    newest = sqlite.scalar(
        conn, "SELECT max(at) FROM (SELECT max(received_at) AS at FROM events UNION SELECT max(created_at) FROM ledger)"
    )
    if newest is not None and (at := read_time(str(newest))) > now + AHEAD:
        words = f"the newest message is of {at:%Y-%m-%d %H:%M} UTC, which is to come: the clock was wrong, or is"
        yield bad("clock", words, "set it: timedatectl set-ntp true")


def _what_waits_for_people(conn: Connection) -> Iterator[Finding]:
    letters = dead_letters(conn, MOST_LETTERS)
    if letters:
        last = letters[0].id
        mend = f"nanoclaw dead list, then nanoclaw dead retry {last} or nanoclaw dead drop {last}"
        yield bad("messages", f"{len(letters)} failed, or may not have arrived", mend)
    waiting = sqlite.integer(conn, "SELECT count(*) FROM approvals WHERE state = 'pending'")
    if waiting:
        yield note("approvals", f"{waiting} wait for somebody: nanoclaw approvals list")


def _what_agents_may(conn: Connection) -> Iterator[Finding]:
    for group in open_networks(conn):
        words = f"the sandboxes of {group.name} reach all that this machine reaches"
        yield bad("network", words, f"nanoclaw groups update {group.folder} --network none --restart")
    if not wirings(conn):
        chat = sqlite.scalar(conn, "SELECT channel || '/' || platform_id FROM messaging_groups ORDER BY created_at, id")
        agent = sqlite.scalar(conn, "SELECT folder FROM agent_groups ORDER BY created_at, id")
        mend = shlex.join(["nanoclaw", "wirings", "create", str(chat or "CHAT"), str(agent or "GROUP")])
        yield bad("wirings", "no agent hears any chat", mend)


def first_start(config: Config) -> datetime | None:
    """When the home's first host was started; None: it cannot be read."""
    try:
        conn = sqlite.open_read_only(config.database)
        try:
            found = sqlite.scalar(conn, "SELECT created_at FROM home")
        finally:
            conn.close()
    except SqliteError:
        return None
    return None if found is None else read_time(str(found))
