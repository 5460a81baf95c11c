"""Hostile outboxes through the real pool: the host is unmoved, its files untouched, other sessions unaffected."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

import pytest
import trio

from nanoclaw.link.customs import Customs
from nanoclaw.link.layout import OutDirectory, SessionLayout
from nanoclaw.link.report import Inspected, Quarantine, Report
from nanoclaw.link.snapshot import Refused, Snapshot, take
from tests.link.attacks import ATTACKS, Place
from tests.link.outbox import ids, outbox, saying
from tests.link.test_customs import PATIENCE


def fingerprint(folder: Path) -> dict[str, tuple[object, ...]]:
    """Everything there is to see of *folder*, without touching it."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        readable = stat.S_ISREG(status.st_mode) and status.st_size < 1 << 30
        content = hashlib.sha256(path.read_bytes()).hexdigest() if readable else ""
        found[str(path)] = (status.st_ino, status.st_mode, status.st_nlink, status.st_mtime_ns, content)
    return found


def make_canary(path: Path) -> None:
    path.write_text("precious")


def descriptors() -> int:
    """How many this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def look(customs: Customs, out: OutDirectory, after: int = 0) -> Inspected | Refused:
    """What a session's actor does at a commit."""
    taken = await trio.to_thread.run_sync(take, out, None)
    assert isinstance(taken, Snapshot | Refused), taken
    return await customs.inspect(taken, after=after) if isinstance(taken, Snapshot) else taken


def said(found: Inspected | Refused) -> str:
    """What came of it, in one word or two."""
    if isinstance(found, Refused | Quarantine):
        return found.reason
    return "bad" if found.bad else "read"


@pytest.mark.parametrize("attack", ATTACKS)
async def test_a_hostile_outbox_harms_nobody(attack: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    evil, good = (SessionLayout(home / "sessions" / "group" / name) for name in ("evil", "good"))
    for layout, image in ((evil, outbox(saying(1))), (good, outbox(saying(1, 2, 3)))):
        layout.make_epoch(1)
        layout.outbound(1).write_bytes(image)
    make_canary(canary := home / "canary")
    make, expected = ATTACKS[attack]
    customs = Customs(deadline=PATIENCE)
    with evil.open_out(1) as evil_out, good.open_out(1) as good_out:
        used = descriptors()
        async with trio.open_nursery() as nursery:
            await nursery.start(customs.run)
            make(Place(evil.out_dir(1), canary, good.outbound(1)))
            before = fingerprint(home)
            verdicts: dict[str, Inspected | Refused] = {}

            async def keep(name: str, out: OutDirectory) -> None:
                verdicts[name] = await look(customs, out)

            async with trio.open_nursery() as both:
                both.start_soon(keep, "evil", evil_out)
                both.start_soon(keep, "good", good_out)
            verdicts["good again"] = await look(customs, good_out)
            assert fingerprint(home) == before
            nursery.cancel_scope.cancel()
        assert descriptors() == used
    assert said(verdicts["evil"]) == expected
    for name in ("good", "good again"):
        found = verdicts[name]
        assert isinstance(found, Report)
        assert ids(found) == ["m1", "m2", "m3"]
    assert customs.replaced == isinstance(verdicts["evil"], Quarantine)


async def test_good_rows_among_poison_and_bombs_all_arrive(tmp_path: Path) -> None:
    customs = Customs(size=1, deadline=PATIENCE)
    async with trio.open_nursery() as nursery:
        await nursery.start(customs.run)
        for attack in ("F9 a row of ten megabytes", "F13 poison", "F14 JSON bombs"):
            layout = SessionLayout(tmp_path / attack)
            layout.make_epoch(1)
            ATTACKS[attack][0](Place(layout.out_dir(1), tmp_path, tmp_path))
            with layout.open_out(1) as out:
                rows, cursor, more = [], 0, True
                while more:
                    found = await look(customs, out, cursor)
                    assert isinstance(found, Report)
                    rows += ids(found)
                    cursor, more = found.cursor, found.more
            assert rows == ["m2" if attack.startswith("F9") else "m99"]
        nursery.cancel_scope.cancel()


async def test_many_rows_are_drained_a_hundred_at_a_time(tmp_path: Path) -> None:
    layout = SessionLayout(tmp_path / "session")
    layout.make_epoch(1)
    ATTACKS["F9 many rows"][0](Place(layout.out_dir(1), tmp_path, tmp_path))
    customs, seen, looks = Customs(size=1, deadline=PATIENCE), 0, 0
    with layout.open_out(1) as out:
        async with trio.open_nursery() as nursery:
            await nursery.start(customs.run)
            while True:
                found = await look(customs, out, seen)
                assert isinstance(found, Report)
                assert found.cursor == seen + len(found.rows)
                seen, looks = found.cursor, looks + 1
                if not found.more:
                    break
            nursery.cancel_scope.cancel()
    assert (seen, looks) == (4_999, 50)


async def test_a_folder_swapped_for_a_link_is_still_the_one_that_was_held(tmp_path: Path) -> None:
    layout = SessionLayout(tmp_path / "session")
    layout.make_epoch(1)
    with layout.open_out(1) as out:
        layout.out_dir(1).rename(tmp_path / "elsewhere")
        layout.out_dir(1).symlink_to("/etc")
        assert isinstance(take(out, None), Snapshot)
