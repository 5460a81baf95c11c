"""What the reader makes of a whole file: a report, or a quarantine with its reason."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest
from attrs import evolve

from nanoclaw.link import reader, tables
from nanoclaw.link.layout import empty_outbound
from nanoclaw.link.reader import page_size
from nanoclaw.link.report import AckRow, Quarantine, StateRow, ToolState
from schema.payloads import ChatOut
from schema.rows import AckStatus, OutKind, Phase
from schema.sqlite import Connection
from tests.link.outbox import HELLO, NOON, forged, ids, long_text, outbox, read, report, say, saying
from tests.link.recorded import record
from tests.link.test_memory_vfs import JOURNAL_MAGIC, journal_naming


def sql(text: str) -> Callable[[Connection], None]:
    def build(conn: Connection) -> None:
        conn.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 0)
        conn.execute(text)

    return build


def patched(offset: int, data: bytes, image: bytes | None = None) -> bytes:
    image = outbox(saying(1)) if image is None else image
    return image[:offset] + data + image[offset + len(data) :]


def test_an_empty_outbox_says_nothing() -> None:
    found = report(empty_outbound())
    assert (found.rows, found.bad, found.acks, found.states, found.tool) == ((), (), (), (), None)
    assert (found.cursor, found.more) == (0, False)


def test_a_message_arrives_as_it_was_written() -> None:
    (row,) = report(outbox(saying(1))).rows
    assert (row.rowid, row.id, row.seq, row.in_reply_to, row.destination) == (1, "m1", 1, "in-1", "friends")
    assert (row.timestamp, row.deliver_after, row.kind) == (NOON, None, OutKind.CHAT)
    assert (row.payload, row.content) == (ChatOut(text="hello"), HELLO)


def test_a_report_starts_after_the_cursor_and_says_where_it_ends() -> None:
    image = outbox(saying(1, 2, 3))
    found = report(image, after=1)
    assert (ids(found), found.cursor, found.more) == (["m2", "m3"], 3, False)
    again = report(image, after=3)
    assert (again.rows, again.cursor) == ((), 3)


def test_more_than_a_hundred_messages_take_several_looks() -> None:
    image = outbox(saying(*range(1, 251)))
    first = report(image)
    second = report(image, after=first.cursor)
    third = report(image, after=second.cursor)
    assert [len(look.rows) for look in (first, second, third)] == [100, 100, 50]
    assert [look.more for look in (first, second, third)] == [True, True, False]
    assert ids(first) + ids(second) + ids(third) == [f"m{n}" for n in range(1, 251)]


def test_long_messages_take_several_looks_too() -> None:
    text = '{"text": "%s"}' % ("x" * 150_000)
    image = outbox(saying(*range(1, 21), content=text))
    found = report(image)
    assert (ids(found), found.more) == ([f"m{n}" for n in range(1, 14)], True)
    rest = report(image, after=found.cursor)
    assert (ids(rest), rest.more) == ([f"m{n}" for n in range(14, 21)], False)


def test_acks_states_and_the_tool_are_read_whole_each_time() -> None:
    image = outbox(
        saying(1),
        sql(
            """
            INSERT INTO processing_ack VALUES ('in-1', 'completed', '2026-11-22T12:00:00.000Z', NULL);
            INSERT INTO processing_ack VALUES ('in-2', 'failed', '2026-11-22T12:00:00.000Z', 'no idea');
            INSERT INTO session_state VALUES ('continuation:demo', 'abc', '2026-11-22T12:00:00.000Z');
            INSERT INTO container_state VALUES (1, 'Bash', 60000, '2026-11-22 12:00:00', 'turn', '');
            """
        ),
    )
    for after in (0, 1):
        found = report(image, after=after)
        assert found.acks == (
            AckRow(message_id="in-1", status=AckStatus.COMPLETED, error=None),
            AckRow(message_id="in-2", status=AckStatus.FAILED, error="no idea"),
        )
        assert found.states == (StateRow(key="continuation:demo", value="abc"),)
        assert found.tool == ToolState(
            current_tool="Bash", declared_timeout_ms=60_000, started_at=NOON, phase=Phase.TURN
        )


def test_the_same_message_has_the_same_digest_and_another_has_another() -> None:
    one, two = (report(outbox(saying(1))).rows[0] for _ in range(2))
    other = report(outbox(lambda conn: say(conn, 1, '{"text": "hullo"}'))).rows[0]
    assert one == two
    assert other.digest != one.digest
    assert evolve(other, content=one.content, payload=one.payload, digest=one.digest) == one


def test_a_hot_journal_is_rolled_back_in_memory(tmp_path: Path) -> None:
    before = outbox(saying(*range(1, 20), content=long_text("a")))
    halves: list[tuple[bytes, bytes]] = []

    def killed(conn: Connection) -> None:
        conn.execute("BEGIN IMMEDIATE")
        conn.execute("UPDATE messages_out SET content = ?", (long_text("b"),))
        halves.append(((tmp_path / "outbound.db").read_bytes(), (tmp_path / "outbound.db-journal").read_bytes()))
        conn.execute("ROLLBACK")

    record(tmp_path, before, killed, pragmas={"cache_size": 2, "synchronous": "full"})
    ((half, journal),) = halves
    assert read(half) != read(before)
    assert read(half, journal) == read(before)


@pytest.mark.parametrize("journal", [b"", b"\0" * 600, b"\0" * 28 + b"x" * 6_000, b"garbage", b"\xd9" * 5_000])
def test_a_journal_that_is_not_hot_changes_nothing(journal: bytes) -> None:
    assert ids(report(outbox(saying(1, 2)), journal)) == ["m1", "m2"]


@pytest.mark.parametrize("name", ["canary-mjABCDEF9AB", "canary", "../../canary"])
def test_a_journal_that_names_another_file_touches_nothing(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "one" / "two"
    folder.mkdir(parents=True)
    canary = (folder / name).resolve()
    canary.write_text("precious")
    image = outbox(saying(1))
    found = read(image, journal_naming(folder / name, len(image) // 4096))
    # SQLite follows only names of a certain form; any it does follow is not what a runner writes.
    if "-mj" in name:
        assert found == Quarantine(reason="strange-name", detail="its journal names another file")
    assert canary.read_text() == "precious"


def test_a_journal_cannot_make_another_file_of_it() -> None:
    image = outbox(saying(1))
    page = struct.pack(">I", 1) + patched(18, b"\x02\x02", image)[:4096]
    check = sum(page[4 + 4096 - 200 * n] for n in range(1, 21))
    header = JOURNAL_MAGIC + struct.pack(">IIIII", 1, 0, len(image) // 4096, 512, 4096)
    found = read(image, header.ljust(512, b"\0") + page + struct.pack(">I", check))
    assert isinstance(found, Quarantine)
    assert found.reason in {"header", "corrupt", "unreadable"}


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (b"", "header"),
        (b"SQLite format 3\0", "header"),
        (b"\0" * 4096, "header"),
        (patched(0, b"sqlite"), "header"),
        (patched(18, b"\x02\x02"), "header"),
        (patched(19, b"\x02"), "header"),
        (patched(16, b"\x00\x03"), "header"),
        (patched(16, b"\x00\x00"), "header"),
        (patched(16, b"\x01\x00"), "header"),
        (patched(20, b"\x08"), "header"),
        (patched(56, b"\0\0\0\x02"), "header"),
        (patched(60, b"\0\0\0\x09"), "header"),
        (outbox(saying(1)) + b"tail", "header"),
        (patched(16, b"\x20\x00"), "header"),
        (outbox(saying(1))[: 2 * 4096], "corrupt"),
        (patched(4096, b"\xff" * 100), "corrupt"),
        (patched(28, b"\x7f\xff\xff\xff"), "corrupt"),
        (patched(32, b"\0\0\0\x02\0\0\0\x01"), "corrupt"),
    ],
)
def test_a_file_that_is_no_outbox_is_quarantined(image: bytes, reason: str) -> None:
    found = read(image)
    assert isinstance(found, Quarantine)
    assert found.reason in {reason, "corrupt", "unreadable"}


SCHEMAS = {
    "view": "DROP TABLE session_state; CREATE VIEW session_state AS SELECT 1 AS key, 2 AS value, 3 AS updated_at",
    "trigger": "CREATE TRIGGER t AFTER INSERT ON messages_out BEGIN DELETE FROM session_state; END",
    "generated column": "ALTER TABLE session_state ADD COLUMN g TEXT AS (hex(zeroblob(400000000)))",
    "extra column": "ALTER TABLE session_state ADD COLUMN g TEXT",
    "renamed column": "ALTER TABLE session_state RENAME COLUMN value TO worth",
    "fts5": "DROP TABLE session_state; CREATE VIRTUAL TABLE session_state USING fts5 (key, value, updated_at)",
    "rtree": "DROP TABLE session_state; CREATE VIRTUAL TABLE session_state USING rtree (key, value, updated_at)",
    "dbstat": "CREATE VIRTUAL TABLE temper USING dbstat",
    "index on an expression": "CREATE INDEX i ON messages_out (length(content))",
    "partial index": "CREATE INDEX i ON messages_out (content) WHERE kind = 'chat'",
    "statistics": "ANALYZE",
    "another table": "CREATE TABLE another (x)",
    "no table": "DROP TABLE session_state",
    "without rowid": "DROP TABLE session_state; CREATE TABLE session_state (key TEXT PRIMARY KEY) WITHOUT ROWID",
    "sequence": "CREATE TABLE s (x INTEGER PRIMARY KEY AUTOINCREMENT); DROP TABLE s",
    "another text": "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = replace(sql, 'key  ', 'key /* */')",
    "a text cut short": "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = substr(sql, 1, 20)",
    "not text": "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = CAST(sql AS BLOB) WHERE type = 'table'",
    "invalid text": "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET name = CAST(x'ff' AS TEXT)",
    "no pages": "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET rootpage = 0 WHERE name = 'session_state'",
    "pages of another": "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET rootpage = 2 WHERE rootpage = 7",
    "page of none": "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET rootpage = 'x' WHERE name = 'session_state'",
    "a page far away": "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET rootpage = 1 << 40 WHERE rootpage = 2",
    "a long text": "CREATE TABLE another (x CHECK (x IN (" + ", ".join(["'" + "x" * 90 + "'"] * 300) + ")))",
    "auto-vacuum": "PRAGMA auto_vacuum = 1; VACUUM",
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_any_other_schema_is_quarantined(name: str) -> None:
    conn = apsw.Connection(":memory:")
    conn.deserialize("main", outbox(saying(1)))
    conn.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 0)
    conn.execute(SCHEMAS[name])
    found = read(conn.serialize("main"))
    conn.close()
    assert isinstance(found, Quarantine), name
    assert found.reason in {"schema", "corrupt", "unreadable", "header"}


def test_a_hundred_thousand_tables_are_not_even_parsed() -> None:
    def build(conn: Connection) -> None:
        for number in range(3_000):
            conn.execute(f"CREATE TABLE t{number} (x)")

    found = read(outbox(build))
    assert isinstance(found, Quarantine)
    assert "Abort" in found.detail


def test_a_file_made_anew_by_vacuum_is_the_same_outbox() -> None:
    conn = apsw.Connection(":memory:")
    conn.deserialize("main", outbox(saying(1, 2)))
    conn.execute("VACUUM")
    assert ids(report(conn.serialize("main"))) == ["m1", "m2"]
    conn.close()


@pytest.mark.parametrize("size", [512, 1024, 8192, 65_536])
def test_any_legal_page_size_will_do(size: int) -> None:
    image = outbox(saying(1, 2), page_size=size)
    assert page_size(image) == size
    assert ids(report(image)) == ["m1", "m2"]


def acks(count: int, status: str = "processing") -> bytes:
    return forged(("processing_ack", {"message_id": f"in-{n}", "status": status}) for n in range(count))


def test_more_acks_than_a_runner_can_have_quarantine(monkeypatch: pytest.MonkeyPatch) -> None:
    # The real bound is within a worker's time, but not when coverage watches every line.
    most = 500
    acks_table, *others = tables.SIDE_TABLES
    monkeypatch.setattr(tables, "SIDE_TABLES", (evolve(acks_table, most_rows=most), *others))
    assert len(report(acks(most)).acks) == most
    assert read(acks(most + 1)) == Quarantine(reason="too-much", detail="processing_ack: more than a runner has to say")


def test_more_bad_acks_than_a_runner_can_have_quarantine() -> None:
    assert len(report(acks(tables.MOST_BAD, status="?")).bad) == tables.MOST_BAD
    assert isinstance(read(acks(tables.MOST_BAD + 1, status="?")), Quarantine)


def test_two_tools_at_once_quarantine() -> None:
    one, two = (("container_state", {"only": n, "phase": "idle"}) for n in (1, 2))
    assert report(forged([one])).tool is not None
    assert isinstance(read(forged([one, two])), Quarantine)


def test_a_file_for_which_memory_is_short_is_quarantined() -> None:
    image = outbox(saying(1))
    # Less than is taken: what other tests have left may go at any moment, and make room.
    before = apsw.hard_heap_limit(max(1, apsw.memory_used() // 2))
    try:
        found = read(image)
    finally:
        apsw.hard_heap_limit(before)
    assert isinstance(found, Quarantine)
    assert "NoMem" in found.detail or "Memory" in found.detail


def test_the_reader_keeps_nothing_of_a_file() -> None:
    read(outbox(saying(1)))
    assert reader._desk()._vfs.database == b""
    assert reader._desk()._vfs.journal is None
