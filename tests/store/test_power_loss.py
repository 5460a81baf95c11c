"""The store on a disk that loses its power at any moment, and on one that fails or is full at any operation.

Of the moments one in three is met in every run by one of three seeds, of the operations one in sixteen; each in a soak.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Sequence

import pytest
from attrs import define, field

from nanoclaw.errors import StoreError
from nanoclaw.store.migrate import migrate
from nanoclaw.store.writer import Writer
from schema import sqlite
from schema.sqlite import Journal, SqliteError, Synchronous, execute
from tests.conftest import Figures
from tests.support import store_life
from tests.support.sampling import offset, stride
from tests.support.simulated_disk import Fault, SimulatedDisk, Step, Touch
from tests.support.simulated_vfs import SimulatedVfs
from tests.support.store_life import Book, Opener, check, closing, compare, live, open_on

# Hundreds of lives in each test; a limit that is met in the middle of one looks like damage.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

EVERY = 9
FAULTS_EVERY = 16
SEEDS = 3
"""Each has moments of its own."""
CHANGES_OF_A_RESTART = 45
CHANGES_OF_A_FIRST_START = 200
"""About as many as there are, so that over all cuts every moment of a restart is met."""


@pytest.mark.parametrize("seed", range(SEEDS))
def test_no_power_cut_loses_or_halves_what_was_acknowledged(seed: int, figures: Figures) -> None:
    found = cut_everywhere(seed)
    figures(power_cuts=found.moments, cuts_in_restarts=found.restarts, damage=len(found.damage))
    assert found.damage == []
    assert found.moments > 250 / stride(EVERY)
    assert found.restarts > 100 / stride(EVERY)


def test_without_syncs_the_same_power_cuts_do_damage(figures: Figures) -> None:
    found = cut_everywhere(0, opener=open_without_syncs)
    figures(power_cuts=found.moments, damage=len(found.damage))
    assert len(found.damage) > found.moments // 10


@pytest.mark.parametrize("half", range(2))
def test_a_failing_disk_ends_the_process_and_loses_nothing_that_was_acknowledged(half: int, figures: Figures) -> None:
    steps = enumerate(steps_of_a_life(), start=1)
    # SQLite takes no notice when its folder cannot be synced, as there are systems that cannot.
    places = [number for number, step in steps if step.touch is not Touch.SYNC_FOLDER][half::2]
    places = places[offset(FAULTS_EVERY) :: stride(FAULTS_EVERY)]
    ends = Counter(end_of_life_with(SimulatedDisk(faults={number: Fault.IO_ERROR})) for number in places)
    figures(io_errors=len(places), **ends)
    assert ends["StoreBrokenError"] > 100 / stride(FAULTS_EVERY)


@pytest.mark.parametrize("half", range(2))
def test_a_full_disk_refuses_and_the_store_goes_on(half: int, figures: Figures) -> None:
    steps = enumerate(steps_of_a_life(), start=1)
    places = [number for number, step in steps if step.touch in {Touch.WRITE, Touch.CREATE}][half::2]
    places = places[offset(FAULTS_EVERY) :: stride(FAULTS_EVERY)]
    for_a_while = places[::8]
    ends = Counter(end_of_life_with(SimulatedDisk(faults={number: Fault.NO_SPACE})) for number in places)
    ends += Counter(end_of_life_with(SimulatedDisk(full_from=number)) for number in for_a_while)
    figures(no_space=len(places), no_space_for_a_while=len(for_a_while), **ends)
    assert ends["StoreBrokenError"] == 0
    assert ends["StoreFullError"] > 100 / stride(FAULTS_EVERY)


def test_what_a_failed_sync_left_in_the_cache_is_written_again_by_the_next_process(figures: Figures) -> None:
    syncs = [n for n, step in enumerate(steps_of_a_life(), start=1) if step.touch is Touch.SYNC]
    lost = []
    for number in syncs:
        try:
            end_of_life_with(SimulatedDisk(faults={number: Fault.IO_ERROR}), next_opener=open_trusting_the_cache)
        except AssertionError as exc:
            lost.append(exc)
    figures(failed_syncs=len(syncs), lost=len(lost))
    assert lost, "the precaution in opening.make_wal_durable protects from nothing"


@define
class Sweep:
    """Power cuts in a life."""

    moments: int = 0
    restarts: int = 0
    """How many of the restarts lost their power as well."""
    damage: list[Exception] = field(factory=list)

    def restart(self, vfs: SimulatedVfs, disk: SimulatedDisk, book: Book) -> None:
        """Start on what the power cut left, and note what is wrong."""
        vfs.boot(disk)
        try:
            check(vfs, book.copy())
        except (AssertionError, StoreError, SqliteError) as exc:
            self.damage.append(exc)


def cut_everywhere(seed: int, *, opener: Opener = open_on) -> Sweep:
    """Cut the power at changes of the disk in a whole life, and again in every other restart that follows."""
    vfs, after, again = (SimulatedVfs(SimulatedDisk()) for _ in range(3))
    book = Book()
    sweep = Sweep()
    moments = itertools.count(1)

    def cut() -> None:
        moment = next(moments)
        if (moment + seed + offset(EVERY)) % stride(EVERY):
            return
        sweep.moments += 1
        disk = vfs.disk.after_power_cut(moment * 1000 + seed)
        change = itertools.count()
        again_at = random.Random(moment).randrange(CHANGES_OF_A_RESTART if book.is_set_up else CHANGES_OF_A_FIRST_START)

        def cut_again() -> None:
            if next(change) == again_at:
                sweep.restarts += 1
                sweep.restart(again, disk.after_power_cut(moment), book)

        if moment % 2:
            disk.before_change = cut_again
        sweep.restart(after, disk, book)

    vfs.disk.before_change = cut
    live(vfs, book, opener=opener)
    cut()
    return sweep


def end_of_life_with(disk: SimulatedDisk, *, next_opener: Opener = open_on) -> str:
    """Live with the disk's faults; then start again on what the system shows, accept, lose the power, start again.

    Returns:
      The name of what ended the first life, or of a refusal that it survived, or that there was neither.
    """
    vfs = SimulatedVfs(disk)
    book = Book()

    def make_room() -> None:
        disk.full_from = None

    book.make_room = make_room
    end: StoreError | None = None
    try:
        live(vfs, book)
    except StoreError as exc:
        end = exc
    vfs.boot(vfs.disk.after_process_death())
    with closing(next_opener(vfs)) as writer:
        compare(writer, book)
        disk_then = vfs.disk.after_power_cut(len(disk.steps))
    vfs.boot(disk_then)
    check(vfs, book)
    return type(end or next(iter(book.refused), None)).__name__


def steps_of_a_life() -> Sequence[Step]:
    """All operations of a life without faults."""
    vfs = SimulatedVfs(SimulatedDisk())
    live(vfs, Book())
    return vfs.disk.steps


def open_without_syncs(vfs: SimulatedVfs) -> Writer:
    writer = open_on(vfs)
    execute(writer.conn, "PRAGMA synchronous = OFF")
    return writer


def open_trusting_the_cache(vfs: SimulatedVfs) -> Writer:
    conn = sqlite.connect(store_life.PATH, vfs=vfs.name, exclusive=True)
    sqlite.set_durability(conn, Journal.WAL, Synchronous.FULL)
    migrate(conn, store_life.MIGRATIONS)
    return Writer(conn)
