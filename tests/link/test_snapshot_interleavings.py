"""A look at an outbox and an honest runner's commits, interleaved in every way: the argument of `link/snapshot.py`.

What a runner does is recorded once, step by step, and done again in front of `snapshot.look`, which stops before each
of its reads. Whatever comes of it has to be a state that was committed, and not an older one than when the look began.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from functools import cache
from itertools import combinations_with_replacement
from pathlib import Path
from typing import TypeAlias

import pytest
from attrs import define, field

from nanoclaw.link.layout import OutDirectory
from nanoclaw.link.report import Quarantine
from nanoclaw.link.snapshot import Next, Snapshot, Stamp, Taken, Unchanged, Unstable, look, take
from schema.files import OUTBOUND, OUTBOUND_JOURNAL
from schema.sqlite import Connection
from tests.link.outbox import long_text, outbox, read, saying
from tests.link.recorded import Recording, State, do, record
from tests.support.sampling import by_turns, offset, stride

WHOLE = 1 << 30

Works: TypeAlias = tuple[Callable[[Connection], None], ...]
RecordOf: TypeAlias = Callable[[Works, str, int], Recording]


def transaction(*works: Callable[[Connection], None]) -> Callable[[Connection], None]:
    def work(conn: Connection) -> None:
        with conn:
            for one in works:
                one(conn)

    return work


def rolled_back(work: Callable[[Connection], None]) -> Callable[[Connection], None]:
    def and_back(conn: Connection) -> None:
        conn.execute("BEGIN IMMEDIATE")
        work(conn)
        conn.execute("ROLLBACK")

    return and_back


def rewrite(letter: str) -> Callable[[Connection], None]:
    def work(conn: Connection) -> None:
        conn.execute("UPDATE messages_out SET content = ?", (long_text(letter),))

    return work


def forget(conn: Connection) -> None:
    conn.execute("DELETE FROM messages_out WHERE rowid <= 8")


def vacuum(conn: Connection) -> None:
    conn.execute("VACUUM")


SHORT = (transaction(rewrite("b")), transaction(saying(11)))
"""Two commits, the first with more pages than fit its cache."""
LONG = (
    transaction(saying(11, 12)),
    rolled_back(rewrite("c")),
    transaction(rewrite("d"), saying(*range(13, 30))),
    transaction(forget),
    vacuum,
    rolled_back(saying(*range(30, 60))),
    transaction(saying(60)),
)
"""Growing, shrinking, and roll-backs of what had overflowed its cache already."""


@pytest.fixture(scope="module")
def record_of(tmp_path_factory: pytest.TempPathFactory) -> RecordOf:
    @cache
    def make(works: Works, synchronous: str, page_size: int) -> Recording:
        before = outbox(saying(*range(1, 11), content=long_text("a")), page_size=page_size)
        pragmas = {"synchronous": synchronous, "cache_size": 6}
        return record(tmp_path_factory.mktemp("recorded"), before, *works, pragmas=pragmas)

    return make


@define(eq=False)
class World:
    """The folder of an outbox, at some step of a recording."""

    recording: Recording
    _folder: Path
    out: OutDirectory = field(init=False)
    images: list[tuple[bytes, bytes | None]] = field(init=False)
    """Database and journal after each step."""
    position: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self.out = OutDirectory(os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY), 0, 0)
        self._write(self.recording.before, None)
        self.images = [(self.recording.before, None)]
        for step in self.recording.steps:
            do(step, self.out.fd)
            journal = self._folder / OUTBOUND_JOURNAL
            image = (self._folder / OUTBOUND).read_bytes(), journal.read_bytes() if journal.exists() else None
            self.images.append(image)

    def jump(self, position: int) -> None:
        """Make the folder as it was after so many steps."""
        self._write(*self.images[position])
        self.position = position

    def advance(self, position: int) -> None:
        """Do the steps up to that one, as the runner did them."""
        for step in self.recording.steps[self.position : position]:
            do(step, self.out.fd)
        self.position = max(self.position, position)

    def _write(self, db: bytes, journal: bytes | None) -> None:
        (self._folder / OUTBOUND_JOURNAL).unlink(missing_ok=True)
        for name, data in ((OUTBOUND, db), (OUTBOUND_JOURNAL, journal)):
            if data is not None:
                # In place: to write anew what was cut to nothing makes some file systems wait for the disk.
                fd = os.open(name, os.O_RDWR | os.O_CREAT, 0o600, dir_fd=self.out.fd)
                os.pwrite(fd, data, 0)
                os.ftruncate(fd, len(data))
                os.close(fd)


MakeWorld: TypeAlias = Callable[[Recording], World]


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[MakeWorld]:
    worlds: list[World] = []

    def make(recording: Recording) -> World:
        folder = tmp_path / str(len(worlds))
        folder.mkdir()
        worlds.append(World(recording, folder))
        return worlds[-1]

    yield make
    for world in worlds:
        world.out.close()


@cache
def state_of(db: bytes, journal: bytes | None) -> State | str:
    """What customs reads there."""
    found = read(db, journal)
    if isinstance(found, Quarantine):
        return f"{found.reason}: {found.detail}"
    assert not found.bad
    assert not found.more
    return frozenset((row.id, row.content) for row in found.rows)


def committed_by(recording: Recording, position: int) -> int:
    """The number of the state that was committed last."""
    return max(number for number, (step, _) in enumerate(recording.committed) if step <= position)


def is_picture(world: World, taken: Taken, first: int) -> bool:
    """Is *taken*, of a look that began at step *first*, a picture? If so, it has to be one that may be."""
    if isinstance(taken, Unstable):
        return False
    assert isinstance(taken, Snapshot), taken
    states = [state for _, state in world.recording.committed]
    allowed = states[committed_by(world.recording, first) : committed_by(world.recording, world.position) + 1]
    state = state_of(taken.db, taken.journal)
    assert state in allowed, (first, world.position, state if isinstance(state, str) else len(state))
    return True


def look_from(world: World, first: int, goal: Callable[[Next], int], chunk: int, last: Stamp | None = None) -> Taken:
    """Look, from step *first*; before each read do the steps up to *goal* of what is read next."""
    world.jump(first)
    steps = look(world.out, last, chunk=chunk)
    while True:
        try:
            world.advance(goal(next(steps)))
        except StopIteration as end:
            taken: Taken = end.value
            return taken


@pytest.mark.parametrize("third", by_turns(range(3)))
@pytest.mark.parametrize("synchronous", ["full", "off"])
def test_whenever_the_three_reads_happen_the_picture_is_a_committed_state(
    record_of: RecordOf, make_world: MakeWorld, synchronous: str, third: int
) -> None:
    world = make_world(record_of(SHORT, synchronous, 4096))
    pictures = 0
    for first, second, last in combinations_with_replacement(range(len(world.images)), 3):
        if first % 3 != third:
            continue
        goals: dict[Next, int] = {"database": first, "journal": second, "again": last}
        pictures += is_picture(world, look_from(world, first, goals.__getitem__, WHOLE), first)
    print(f"{len(world.recording.steps)} steps, {pictures} pictures")
    assert pictures > len(world.images) // 3


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(offset(3), 6, stride(3)))
def test_whatever_the_runner_does_between_two_pages_the_picture_is_a_committed_state(
    record_of: RecordOf, make_world: MakeWorld, seed: int
) -> None:
    choose = random.Random(seed)
    world = make_world(record_of(LONG, ["full", "off"][seed % 2], [512, 1024, 4096][seed % 3]))
    pictures = 0
    for _ in range(1_500):
        first = choose.randrange(len(world.images))
        pace = choose.choice([0.02, 0.1, 0.3])

        def goal(_: Next, pace: float = pace) -> int:
            return world.position + (choose.randint(1, 12) if choose.random() < pace else 0)

        pictures += is_picture(world, look_from(world, first, goal, choose.choice([512, 4096, WHOLE])), first)
    print(f"{len(world.recording.steps)} steps, {pictures} pictures of 1500")
    assert pictures > 100


@pytest.mark.parametrize("works", [SHORT, LONG], ids=["short", "long"])
@pytest.mark.parametrize("synchronous", ["full", "off"])
def test_a_runner_that_dies_after_any_step_leaves_its_last_commit(
    record_of: RecordOf, make_world: MakeWorld, works: Works, synchronous: str
) -> None:
    world = make_world(record_of(works, synchronous, 1024))
    for position in range(len(world.images)):
        world.jump(position)
        taken = take(world.out, None)
        assert isinstance(taken, Snapshot)
        last = committed_by(world.recording, position)
        assert state_of(taken.db, taken.journal) == world.recording.committed[last][1], position


def test_what_was_committed_before_a_look_is_never_taken_for_old(record_of: RecordOf, make_world: MakeWorld) -> None:
    world = make_world(record_of(SHORT, "full", 4096))
    unchanged = 0
    for first, second in combinations_with_replacement(range(len(world.images)), 2):
        world.jump(first)
        before = take(world.out, None)
        assert isinstance(before, Snapshot)
        world.advance(second)
        after = take(world.out, before.stamp)
        assert not isinstance(after, Unstable)
        if isinstance(after, Unchanged):
            unchanged += 1
            last = committed_by(world.recording, second)
            assert state_of(before.db, before.journal) == world.recording.committed[last][1], (first, second)
    assert unchanged >= len(world.images)


def test_a_reader_that_compares_only_the_header_would_be_fooled(record_of: RecordOf, make_world: MakeWorld) -> None:
    world = make_world(record_of(SHORT, "full", 4096))
    states = {state for _, state in world.recording.committed}
    fooled = 0
    for first, second in combinations_with_replacement(range(len(world.images)), 2):
        (db, _), (later, journal) = world.images[first], world.images[second]
        fooled += db[:100] == later[:100] and state_of(db, journal) not in states
    assert fooled
