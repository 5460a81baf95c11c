"""What the attacks share: where they are, ways to replace the outbox, to be honest for a moment, and to report."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Never

import apsw

from schema.files import SANDBOX_AGENT, SANDBOX_IN, SANDBOX_OUT

IN = Path(SANDBOX_IN)
OUT = Path(SANDBOX_OUT)
AGENT = Path(SANDBOX_AGENT)
CORPUS = Path("/opt/evil/corpus")
DB = OUT / "outbound.db"
JOURNAL = OUT / "outbound.db-journal"
REPORT = "report.json"
EPOCH = int(os.environ["EPOCH"])
"""Which of its lives this is."""
NOW = "2026-11-22T12:00:00.000Z"


def words() -> list[str]:
    """What the order says besides the attack's name."""
    return sys.argv[1:]


def install(image: bytes, to: Path = DB) -> None:
    """Put a file in place as a runner would: by renaming. The host's watch wakes for it."""
    new = to.with_name("new")
    new.write_bytes(image)
    new.rename(to)


def knock() -> None:
    """Make the host look: as a commit does, which ends with the deletion of a file."""
    (OUT / "knock").touch()
    (OUT / "knock").unlink()


def report(**facts: object) -> None:
    """Tell the test, which reads it in the agent's folder."""
    new = AGENT / "report.new"
    new.write_text(json.dumps(facts))
    new.rename(AGENT / REPORT)


def waiting() -> list[str]:
    """The ids of the messages that wait for this agent."""
    conn = apsw.Connection(f"file:{IN / 'inbound.db'}?mode=ro", flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    try:
        conn.set_busy_timeout(5000)
        found = conn.execute("SELECT id FROM messages_in WHERE status = 'pending' AND trigger = 1 ORDER BY seq")
        return [str(row[0]) for row in found]
    finally:
        conn.close()


def claim() -> None:
    """Claim everything that waits, as a runner does at the beginning of a turn."""
    rows = [(message, "processing", NOW) for message in waiting()]
    write(lambda conn: conn.executemany("INSERT OR REPLACE INTO processing_ack VALUES (?, ?, ?, NULL)", rows))


def write(work: Callable[[apsw.Connection], object]) -> None:
    """Do *work* in one transaction on the outbox."""
    conn = apsw.Connection(str(DB))
    try:
        with conn:
            work(conn)
    finally:
        conn.close()


def say(conn: apsw.Connection, number: int, text: str, **changes: object) -> int:
    """Write message *number* (1, 2, …) as a runner would, or nearly; returns the number."""
    row = {
        "id": f"evil-{number}",
        "seq": 2 * number - 1,
        "in_reply_to": None,
        "timestamp": NOW,
        "deliver_after": None,
        "kind": "chat",
        "destination": None,
        "content": json.dumps({"text": text}),
        **changes,
    }
    places = ", ".join("?" * len(row))
    conn.execute(f"INSERT INTO messages_out ({', '.join(row)}) VALUES ({places})", tuple(row.values()))
    return number


def hang() -> Never:
    """Do nothing more, for as long as one is let."""
    while True:
        time.sleep(1000)


def attempt(work: Callable[[], object]) -> str:
    """What came of *work*: `done`, or the name of the error."""
    try:
        work()
    except OSError as exc:
        return os.strerror(exc.errno) if exc.errno else type(exc).__name__
    return "done"
