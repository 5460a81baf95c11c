"""`verify`: silent about an honest home, and loud about each kind of damage."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from attrs import evolve

from nanoclaw.core.promises import Broken, Problem
from nanoclaw.core.retry import RetryPolicy
from nanoclaw.model.files import LedgerFile, NewAttachment, Spooled
from nanoclaw.model.ids import SessionId, SpoolId
from nanoclaw.model.messages import EpochEnding
from nanoclaw.store import files, sessions
from nanoclaw.store.ending import close_epoch
from nanoclaw.store.migrate import migrate
from nanoclaw.store.promises import RULES
from nanoclaw.store.verify import MOST_SHOWN, PATIENCE, SPOOL_PATIENCE, Host, verify
from schema import sqlite
from schema.sqlite import Journal, Synchronous
from tests.support.central import NOW, World, said
from tests.support.damage import DAMAGES, OTHER_INDEX, damage, lived

NOWHERE = Path("/nowhere")
TICK = timedelta(milliseconds=1)


def up(world: World) -> Host:
    """A host in which every session has its actor."""
    return Host(actors=frozenset(session.id for session in sessions.sessions(world.conn)))


def problems(world: World, *, host: Host | None = None, home: Path = NOWHERE, now: datetime = NOW) -> list[Problem]:
    """`verify`, by default with a host that has all its actors."""
    return verify(world.conn, home, host=host or up(world), now=now)


def test_an_honest_home_has_no_problems() -> None:
    assert problems(lived(), now=NOW + timedelta(days=1)) == []
    assert problems(World()) == []


@pytest.mark.parametrize(("broken", "where", "statement"), DAMAGES)
def test_damage_to_the_rows_is_found_and_named(broken: Broken, where: str, statement: str) -> None:
    world = lived()
    damage(world.conn, statement)
    found = {(problem.what, problem.where) for problem in problems(world)}
    # SQLite's own check sees broken CHECKs as well, and does not know what they mean.
    assert {problem for problem in found if problem[0] != "the file is damaged"} == {(broken.value, where)}


def test_there_is_a_damage_for_every_rule() -> None:
    assert {broken for broken, _, _ in DAMAGES} == {rule.broken for rule in RULES} | {
        Broken.OTHER_PAYLOAD,
        Broken.OTHER_PROGRAM,
    }


def test_of_each_kind_of_damage_only_the_first_places_are_shown() -> None:
    world = World()
    for number in range(MOST_SHOWN + 5):
        world.accept(said(number))
    damage(world.conn, "DELETE FROM drops")
    assert [problem.what for problem in problems(world)] == [Broken.UNHEARD.value] * MOST_SHOWN


def test_a_row_that_refers_to_nothing_is_found() -> None:
    world = lived()
    damage(world.conn, "DELETE FROM messaging_groups")
    found = [problem for problem in problems(world) if problem.what == "a row refers to nothing"]
    assert {problem.where for problem in found} == {
        *("wirings row 1", "wirings row 2"),
        *("sessions row 1", "sessions row 2"),
        *("destinations", "drops row 1", "approvals row 1"),
    }


def test_a_wiring_with_a_pattern_that_does_not_compile_is_found() -> None:
    world = lived()
    damage(world.conn, "UPDATE wirings SET engage_pattern = '(' WHERE id = (SELECT min(id) FROM wirings)")
    [found] = problems(world)
    assert found.what == "a wiring has a pattern that does not compile"
    assert found.mend == f"nanoclaw wirings update {found.where} --engage-pattern …"


def test_a_file_whose_indexes_and_tables_disagree_is_damaged() -> None:
    world = lived()
    damage(world.conn, *OTHER_INDEX)
    found = problems(world)
    assert {problem.what for problem in found} == {"the file is damaged"}
    assert "inbound_open" in found[0].where
    assert found[0].mend == "nanoclaw repair, or restore a backup"


def test_without_a_host_an_open_epoch_was_left_by_a_dead_one() -> None:
    world = lived()
    found = verify(world.conn, NOWHERE, host=None, now=NOW + timedelta(days=1))
    assert found == [
        Problem(what="an epoch was left open by a host that died", where="ses-1 epoch 2", mend="nanoclaw up")
    ]


def test_an_open_epoch_belongs_to_an_actor() -> None:
    host = Host(actors=frozenset({SessionId("ses-2")}))
    found = problems(lived(), host=host)
    assert found == [Problem(what="an open epoch belongs to no actor", where="ses-1 epoch 2", mend="restart the host")]


def test_a_message_may_wait_a_little_for_its_sessions_actor_and_then_is_forgotten() -> None:
    world = World()
    waiting, busy, noted = (world.session(name, room=name) for name in "abc")
    for session in (waiting, busy):
        world.message(session, f"to {session}")
    world.message(noted, "a note", trigger=False)
    host = Host(actors=frozenset({busy}))
    forgotten = Problem(what="messages wait and nobody works on them", where=waiting, mend="restart the host")
    assert problems(world, host=host, now=NOW + PATIENCE) == []
    assert problems(world, host=host, now=NOW + PATIENCE + TICK) == [forgotten]
    assert verify(world.conn, NOWHERE, host=None, now=NOW + timedelta(days=1)) == []


def test_a_message_that_was_put_off_is_forgotten_only_after_its_time() -> None:
    world = World()
    session = world.session()
    row, epoch = world.claimed(session)
    close_epoch(world.conn, session, epoch, EpochEnding.EXITED, "", policy=RetryPolicy(), now=NOW)
    due = world.row(row).process_after
    assert due is not None
    nobody = Host(actors=frozenset())
    assert problems(world, host=nobody, now=due + PATIENCE) == []
    assert len(problems(world, host=nobody, now=due + PATIENCE + TICK)) == 1


def folder(home: Path, session: str, epoch: str, *, agent: str = "agt-one") -> Path:
    """Make the folder of one epoch."""
    made = home / "sessions" / agent / session / "out" / epoch
    made.mkdir(parents=True)
    return made


def test_folders_and_files_belong_to_rows(tmp_path: Path) -> None:
    world = lived()
    folder(tmp_path, "ses-1", "2")
    (tmp_path / "spool").mkdir()
    assert problems(world, home=tmp_path) == []
    ended = folder(tmp_path, "ses-1", "1")
    strange = folder(tmp_path, "ses-1", "02")
    orphan = folder(tmp_path, "ses-9", "2")
    elsewhere = folder(tmp_path, "ses-1", "2", agent="agt-two")
    assert {(problem.what, problem.where) for problem in problems(world, home=tmp_path)} == {
        ("a folder belongs to no open epoch", str(ended)),
        ("a folder belongs to no open epoch", str(strange)),
        ("a folder belongs to no session", str(elsewhere.parent.parent)),
        ("a folder belongs to no open epoch", str(elsewhere)),
        ("a folder belongs to no session", str(orphan.parent.parent)),
        ("a folder belongs to no open epoch", str(orphan)),
    }


def test_what_is_in_the_spool_belongs_to_a_message_and_what_a_message_has_is_in_the_spool(tmp_path: Path) -> None:
    world = World()
    session = world.session()
    file = Spooled(id=SpoolId("file-in"), size=1, digest="d")
    world.accept(evolve(said(1), attachments=(NewAttachment(name="a", file=file),)))
    reply = world.reply(session, world.epoch(session), 3)
    files.add_to_message(world.conn, reply, [LedgerFile(name="b", size=1, digest="d", spool_id=SpoolId("file-out"))])
    spool = tmp_path / "spool"
    spool.mkdir()
    for name in ("file-in", "file-out", "file-left"):
        (spool / name).write_bytes(b"1")
    now = datetime.now(UTC)
    left = ("a file in the spool belongs to no message", str(spool / "file-left"))

    def found(host: Host | None) -> set[tuple[str, str]]:
        problems = verify(world.conn, tmp_path, host=host, now=now)
        return {(problem.what, problem.where) for problem in problems if "spool" in problem.what}

    assert found(None) == {left}
    assert found(up(world)) == set(), "it may be on its way in"
    long_ago = (now - SPOOL_PATIENCE - TICK).timestamp()
    os.utime(spool / "file-left", (long_ago, long_ago))
    assert found(up(world)) == {left}
    for name in ("file-in", "file-out"):
        (spool / name).unlink()
    lost = "a file of a message is not in the spool"
    assert found(None) == {left, (lost, "file-in"), (lost, "file-out")}
    assert found(up(world)) == {left, (lost, "file-in")}, "the other may have been sent this moment"


def test_looking_needs_no_right_to_write(tmp_path: Path) -> None:
    path = tmp_path / "nanoclaw.db"
    conn = sqlite.open_read_write(path, Journal.WAL, Synchronous.FULL)
    migrate(conn)
    reader = sqlite.open_read_only(path)
    try:
        assert verify(reader, tmp_path, host=None, now=NOW) == []
    finally:
        reader.close()
        conn.close()
