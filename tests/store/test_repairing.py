"""`repair`: afterwards `verify` is clean, nothing is sent twice and what was settled stays so, wherever it dies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nanoclaw.core.promises import Broken
from nanoclaw.core.repair import ByHand, Change, NextStart
from nanoclaw.model.files import LedgerFile, NewAttachment, Spooled
from nanoclaw.model.ids import SpoolId
from nanoclaw.store import drops, files, tasks
from nanoclaw.store.dead import dead_letters
from nanoclaw.store.repairing import QUARANTINE, Repaired, look, mend_all
from schema import sqlite
from schema.sqlite import Connection, fetch
from tests.support.central import World, said
from tests.support.damage import DAMAGES, OTHER_INDEX, REPLY, damage, lived

LATER = timedelta(hours=3)
FOR_PEOPLE = {Broken.NUMBER_TWICE, Broken.WRONG_SIDE, Broken.TWO_OPEN}
"""What no program should decide."""
OPEN = ("pending", "sending")


def repaired(world: World, home: Path) -> Repaired:
    """Repair it, some time later."""
    return mend_all(world.conn, home, now=world.now + LATER)


def settled(conn: Connection) -> dict[str, object]:
    """Every message that has an end, with that end."""
    came = fetch(conn, "SELECT id, status AS ending FROM inbound WHERE settled_at IS NOT NULL AND status <> 'pending'")
    went = fetch(conn, "SELECT id, state AS ending FROM ledger WHERE state IN ('delivered', 'dead', 'unknown')")
    return {str(row["id"]): row["ending"] for row in [*came, *went]}


def to_send(conn: Connection) -> set[str]:
    """Every message that a host would send."""
    return {str(row["id"]) for row in fetch(conn, "SELECT id FROM ledger WHERE state IN ('pending', 'sending')")}


def test_there_is_nothing_to_repair_in_an_honest_home(tmp_path: Path) -> None:
    world = lived()
    done = repaired(world, tmp_path)
    assert (done.done, done.aside) == ((), None)
    assert [type(step) for step in done.left] == [NextStart], "the epoch that a dead host left"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("broken", "where", "statement"), DAMAGES)
def test_each_damage_is_repaired_or_left_to_people(broken: Broken, where: str, statement: str, tmp_path: Path) -> None:
    world = lived()
    damage(world.conn, statement)
    ended, open_before = settled(world.conn), to_send(world.conn)
    shown = look(world.conn, tmp_path, now=world.now + LATER)
    assert (broken.value, where) in {(step.problem.what, step.problem.where) for step in shown}
    done = repaired(world, tmp_path)
    left = {step.problem.what for step in done.left if isinstance(step, ByHand)}
    if broken in FOR_PEOPLE:
        assert broken.value in left
    else:
        assert left == set()
        assert done.done
        assert (tmp_path / QUARANTINE).is_dir()
    assert to_send(world.conn) <= open_before
    assert settled(world.conn).items() >= ended.items()
    assert not any(isinstance(step, Change) for step in look(world.conn, tmp_path, now=world.now + LATER))


class KilledError(Exception):
    """The repair dies."""


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    which=st.lists(st.integers(0, len(DAMAGES) - 2), min_size=1, max_size=6, unique=True),
    deaths=st.lists(st.integers(0, 4), max_size=3),
)
def test_a_repair_that_dies_anywhere_is_ended_by_the_next(
    which: Sequence[int], deaths: Sequence[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("home")
    world = lived()
    for number in which:
        damage(world.conn, DAMAGES[number][2])
    ended, open_before = settled(world.conn), to_send(world.conn)
    for steps in deaths:
        countdown = iter(range(steps))

        def die(_: Change, countdown: Iterator[int] = countdown) -> None:
            if next(countdown, None) is None:
                raise KilledError

        try:
            mend_all(world.conn, home, now=world.now + LATER, told=die)
        except KilledError:
            continue
    done = repaired(world, home)
    hopeless = {broken.value for broken in FOR_PEOPLE} | {Broken.DAMAGED.value, Broken.DANGLING.value}
    assert {step.problem.what for step in done.left if isinstance(step, ByHand)} <= hopeless
    assert to_send(world.conn) <= open_before
    assert settled(world.conn).items() >= ended.items()
    assert repaired(world, home).done == ()


def test_what_may_have_been_sent_is_in_doubt_and_shown(tmp_path: Path) -> None:
    world = lived()
    damage(world.conn, f"UPDATE ledger SET settled_at = created_at WHERE id = '{REPLY}'")
    repaired(world, tmp_path)
    assert REPLY in {letter.id for letter in dead_letters(world.conn, 100)}


def test_a_lost_message_and_a_lost_file_are_written_down(tmp_path: Path) -> None:
    world = World()
    world.session()
    file = Spooled(id=SpoolId("file-in"), size=1, digest="d")
    world.accept(evolve(said(1), attachments=(NewAttachment(name="a.txt", file=file),)))
    world.accept(said(2))
    damage(world.conn, "DELETE FROM inbound WHERE event_id = 'evt-2'")
    done = repaired(world, tmp_path)
    assert done.left == ()
    assert {(drop.reason, drop.reference) for drop in drops.recent(world.conn)} == {
        ("lost", "2"),
        ("file-lost", "a.txt"),
    }


def test_a_message_that_goes_out_without_its_lost_file_is_left_to_its_delivery(tmp_path: Path) -> None:
    world = World()
    session = world.session()
    epoch = world.epoch(session)
    reply = world.reply(session, epoch, 3)
    files.add_to_message(world.conn, reply, [LedgerFile(name="b", size=1, digest="d", spool_id=SpoolId("file-out"))])
    damage(world.conn, "UPDATE epochs SET ended_at = started_at, ending = 'stopped'")
    done = repaired(world, tmp_path)
    assert done.done == ()
    assert [(type(step), step.problem.what) for step in done.left] == [(NextStart, Broken.LOST_FILE.value)]


def test_what_is_in_the_way_is_moved_aside_and_not_deleted(tmp_path: Path) -> None:
    world = lived()
    damage(world.conn, "UPDATE epochs SET ended_at = started_at, ending = 'stopped' WHERE ended_at IS NULL")
    damage(world.conn, "UPDATE inbound SET claimed_epoch = NULL, claimed_at = NULL")
    stray = ("sessions/agt-one/ses-9/out/1/outbound.db", "sessions/agt-one/ses-1/out/1/x", "spool/file-left")
    link, restore = "sessions/agt-one/ses-1/in/inbound.db", "restore.part/home/x"
    for name in (*stray, link, restore):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"no database, whatever it was" * 100)
    done = repaired(world, tmp_path)
    assert done.left == ()
    assert done.aside is not None
    for name in (*stray, link, restore):
        assert not (tmp_path / name).exists()
        assert (done.aside / name).read_bytes().startswith(b"no database")
    recorded = fetch(world.conn, "SELECT subject FROM audit WHERE what LIKE 'repair: %' ORDER BY number")
    assert [row["subject"] for row in recorded] == [step.problem.where for step in done.done]
    before = sqlite.open_read_only(done.aside / "nanoclaw.db")
    assert fetch(before, "PRAGMA quick_check") == [{"quick_check": "ok"}]
    before.close()


def test_a_file_that_is_not_what_came_is_moved_aside_and_written_down(tmp_path: Path) -> None:
    world = World()
    world.session()
    file = Spooled(id=SpoolId("file-in"), size=3, digest="d")
    world.accept(evolve(said(1), attachments=(NewAttachment(name="a.txt", file=file),)))
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "file-in").write_bytes(b"no")
    done = repaired(world, tmp_path)
    assert [step.problem.what for step in done.done] == [Broken.CHANGED_FILE.value, Broken.LOST_FILE.value]
    assert done.left == ()
    assert done.aside is not None
    assert (done.aside / "spool" / "file-in").read_bytes() == b"no"


def test_indexes_that_disagree_with_their_tables_are_made_anew(tmp_path: Path) -> None:
    world = lived()
    damage(world.conn, *OTHER_INDEX)
    done = repaired(world, tmp_path)
    assert {step.problem.what for step in done.done} == {Broken.DAMAGED.value}
    assert [type(step) for step in done.left] == [NextStart]


def test_a_task_that_can_have_no_next_time_is_done_or_rests(tmp_path: Path) -> None:
    world = lived()
    damage(world.conn, "DELETE FROM occurrences", "UPDATE tasks SET cron = 'nonsense'")
    repaired(world, tmp_path)
    (task,) = tasks.tasks(world.conn)
    assert (task.state.value, "nonsense" in str(task.reason)) == ("paused", True)
