"""What a hostile runner can make of its folder, by the attack's number in the table of threats."""

from __future__ import annotations

import os
import random
import stat
import struct
from collections.abc import Callable, Mapping
from pathlib import Path

import apsw
from attrs import frozen

from nanoclaw.link.layout import empty_outbound
from schema.sqlite import Value
from tests.link.outbox import TextBytes, forged, long_text, message, outbox, saying
from tests.link.test_memory_vfs import journal_naming


@frozen
class Place:
    """Where an attack is made, and what it is after."""

    folder: Path
    """The hostile session's own."""
    canary: Path
    """A file of the host's."""
    other: Path
    """Another session's outbox."""

    @property
    def db(self) -> Path:
        return self.folder / "outbound.db"

    @property
    def journal(self) -> Path:
        return self.folder / "outbound.db-journal"


Attack = Callable[[Place], object]


def file(image: bytes) -> Attack:
    """Put *image* in the outbox's place, as a runner would: by renaming."""

    def attack(place: Place) -> None:
        new = place.folder / "new"
        new.write_bytes(image)
        new.rename(place.db)

    return attack


def patched(*patches: tuple[int, bytes], image: bytes | None = None) -> bytes:
    """An honest outbox with some bytes replaced."""
    data = bytearray(image or outbox(saying(*range(1, 60), content=long_text("x"))))
    for offset, patch in patches:
        data[offset : offset + len(patch)] = patch
    return bytes(data)


def schema(sql: str) -> Attack:
    """An outbox on which somebody ran *sql*."""
    conn = apsw.Connection(":memory:")
    try:
        conn.deserialize("main", outbox(saying(1)))
        conn.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 0)
        conn.execute(sql)
        return file(conn.serialize("main"))
    finally:
        conn.close()


def naming(target: Callable[[Place], Path]) -> Attack:
    """A hot journal that names a file, in SQLite's own form of such names too."""

    def attack(place: Place) -> None:
        target(place).with_name(f"{target(place).name}-mjABCDEF9AB").write_bytes(b"outbound.db-journal\0")
        path = os.path.relpath(target(place), place.folder)
        place.journal.write_bytes(journal_naming(Path(f"{path}-mjABCDEF9AB"), place.db.stat().st_size // 4096))

    return attack


def naming_plainly(place: Place) -> None:
    place.journal.write_bytes(journal_naming(place.canary, place.db.stat().st_size // 4096))


def linking(name: str, target: Callable[[Place], Path | str]) -> Attack:
    """A symbolic link in a file's place."""

    def attack(place: Place) -> None:
        (place.folder / name).unlink(missing_ok=True)
        (place.folder / name).symlink_to(target(place))

    return attack


def instead(name: str, make: Callable[[Path], object]) -> Attack:
    """Something that is no file in a file's place."""

    def attack(place: Place) -> None:
        (place.folder / name).unlink(missing_ok=True)
        make(place.folder / name)

    return attack


def a_socket(path: Path) -> None:
    # Not by binding, which takes only short paths.
    os.mknod(path, stat.S_IFSOCK | 0o600)


def wal_flip(place: Place) -> None:
    file(patched((18, b"\2\2")))(place)
    (place.folder / "outbound.db-wal").write_bytes(random.Random(1).randbytes(40_000))
    (place.folder / "outbound.db-shm").write_bytes(b"")


def honest_wal(place: Place) -> None:
    conn = apsw.Connection(str(place.db))
    conn.pragma("journal_mode", "wal")
    conn.execute("INSERT INTO session_state VALUES ('a', 'b', '')")
    conn.close()


def locked(place: Place) -> None:
    conn = apsw.Connection(str(place.db))
    conn.execute("BEGIN EXCLUSIVE")
    conn.close()


def loops() -> bytes:
    """A table whose root page has itself for a child."""
    page = struct.pack(">BHHHBI", 5, 0, 1, 4096 - 6, 0, 2) + struct.pack(">H", 4096 - 6)
    cell = struct.pack(">IB", 2, 1) + b"\0"
    return patched((4096, page.ljust(4096 - len(cell), b"\0") + cell))


POISON: tuple[dict[str, Value], ...] = (
    {"id": None},
    {"id": b"m"},
    {"id": 1.5},
    {"id": TextBytes(b"\xff\xfe")},
    {"id": TextBytes(b"\xed\xa0\x80")},
    {"id": "m\0"},
    {"id": "m" * (4 << 20)},
    {"kind": "fax"},
    {"timestamp": TextBytes(b"\xc0\x80")},
)
BOMBS = (
    "[" * 500_000,
    '{"text":' * 30_000,
    '{"text": ' + "9" * 900_000 + "}",
    '{"text": 1e999}',
    '{"text": NaN}',
    r'{"text": "\ud800"}',
    "{" + ",".join(f'"{n}":{n}' for n in range(70_000)) + "}",
    '{"text": "a", "text": "b"}',
    '{"text": "' + "x" * (1 << 20) + '"}',
)
RECURSIVE = "WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n AS key, 1 AS value FROM r"
BOMB = "ALTER TABLE session_state ADD COLUMN g TEXT AS (hex(zeroblob(400000000)))"
NOISE = random.Random(7).randbytes(40_960)

ATTACKS: Mapping[str, tuple[Attack, str]] = {
    "F1 garbage": (file(NOISE), "header"),
    "F1 garbage behind a good header": (file(empty_outbound()[:100] + NOISE[100:]), "unreadable"),
    "F1 nothing": (file(b""), "header"),
    "F1 cut short": (file(patched()[:8_192]), "unreadable"),
    "F1 a page gone": (file(patched((4096, bytes(4096)))), "corrupt"),
    "F1 missing": (lambda place: place.db.unlink(), "missing"),
    "F2 a journal that names a host's file": (naming(lambda place: place.canary), "strange-name"),
    "F2 a journal that names another session's": (naming(lambda place: place.other), "strange-name"),
    "F2 a journal that names it plainly": (naming_plainly, "read"),
    "F2 a journal of noise": (lambda place: place.journal.write_bytes(NOISE), "read"),
    "F2 a cold journal": (lambda place: place.journal.write_bytes(bytes(28) + NOISE), "read"),
    "F2 a journal of a terabyte": (lambda place: _sparse(place.journal), "too-large"),
    "F4 WAL": (wal_flip, "header"),
    "F4 honest WAL": (honest_wal, "header"),
    "F5 a link to a host's file": (linking("outbound.db", lambda place: place.canary), "link"),
    "F5 a link to another session": (linking("outbound.db", lambda place: place.other), "link"),
    "F5 a link to itself": (linking("outbound.db", lambda _: "outbound.db"), "link"),
    "F5 a journal's link": (linking("outbound.db-journal", lambda place: place.canary), "link"),
    "F6 FIFO": (instead("outbound.db", os.mkfifo), "not-a-file"),
    "F6 a journal that is a FIFO": (instead("outbound.db-journal", os.mkfifo), "not-a-file"),
    "F6 folder": (instead("outbound.db", os.mkdir), "not-a-file"),
    "F6 socket": (instead("outbound.db", a_socket), "not-a-file"),
    "F7 locked": (locked, "read"),
    "F8 two names": (lambda place: os.link(place.db, place.folder / "second"), "link"),
    "F9 a terabyte of nothing": (lambda place: _sparse(place.db), "too-large"),
    "F9 many rows": (file(outbox(saying(*range(1, 5_000)))), "read"),
    "F9 a row of ten megabytes": (file(forged([message(1, content="x" * (10 << 20)), message(2)])), "bad"),
    "F10 view": (schema(f"DROP TABLE session_state; CREATE VIEW session_state AS {RECURSIVE}"), "schema"),
    "F10 generated column": (schema(BOMB), "schema"),
    "F10 trigger": (schema("CREATE TRIGGER t AFTER INSERT ON messages_out BEGIN SELECT 1; END"), "schema"),
    "F10 virtual table": (schema("CREATE VIRTUAL TABLE f USING fts5 (x)"), "schema"),
    "F10 virtual table in a table's place": (
        schema("DROP TABLE session_state; CREATE VIRTUAL TABLE session_state USING fts5 (key, value, updated_at)"),
        "schema",
    ),
    "F10 many tables": (schema("".join(f"CREATE TABLE t{n} (x);" for n in range(2_000))), "unreadable"),
    "F11 a function in an index": (schema("CREATE INDEX i ON messages_out (upper(content))"), "schema"),
    "F12 a page that is its own child": (file(loops()), "corrupt"),
    "F12 a free list that is a ring": (file(patched((32, struct.pack(">II", 2, 1 << 30)))), "corrupt"),
    "F13 poison": (file(forged([message(n, **p) for n, p in enumerate(POISON, 1)] + [message(99)])), "bad"),
    "F14 JSON bombs": (file(forged([message(n, content=b) for n, b in enumerate(BOMBS, 1)] + [message(99)])), "bad"),
}
"""Each with what has to come of it: the reason of a refusal or a quarantine, or what is read all the same."""


def _sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 40)
