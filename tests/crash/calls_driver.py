"""Lives of the store, of an outbox's writer and of a host, with a system call gone wrong in each: a JSON line a life.

`python -m tests.crash.calls_driver (store|outbox|host) WORK EVERY`: only every so manieth call goes wrong.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import attrs
from attrs import define, frozen

from nanoclaw.link.answer import decode
from nanoclaw.link.layout import SessionLayout
from nanoclaw.link.reader import read_file
from nanoclaw.link.report import Report
from nanoclaw.link.snapshot import Snapshot, take
from nanoclaw.store.opening import open_writer
from nanoclaw.store.writer import Writer
from runner.model import Reply
from runner.outbox import Outbox
from schema.rows import AckStatus
from tests.crash.calls_host import Host
from tests.crash.driver import KeptTemplate, Platform
from tests.runner.link import NOW
from tests.support import store_life
from tests.support.forks import keep_all
from tests.support.store_life import Book, closing
from tests.support.traced import Life, live
from tests.support.warm_runner import import_runner

FAULTS = ("signal=KILL", "error=EIO", "error=ENOSPC", "error=EINTR")
CALLS = {
    "pwrite64": FAULTS,
    "fdatasync": FAULTS,
    "fsync": FAULTS,
    "ftruncate": FAULTS,
    "unlink": FAULTS,
    "rename": FAULTS,
    "openat": ("signal=KILL", "error=EMFILE", "error=ENOSPC"),
}


@define
class Line:
    """Where a life says what it was promised, before anything else can happen to it."""

    end: int = -1

    def tell(self, **said: object) -> None:
        """Say it for good: whatever becomes of this process, it is in the pipe."""
        os.write(self.end, json.dumps(said).encode() + b"\n")

    def hear(self, run: Callable[[], Life]) -> tuple[list[dict[str, Any]], Life]:
        """Everything that is said while *run* lasts, and what comes of it."""
        source, self.end = os.pipe()
        try:
            life = run()
        finally:
            os.close(self.end)
        with os.fdopen(source, "rb") as heard:
            return [json.loads(line) for line in heard], life


LINE = Line()


class ToldNumbers(set[int]):
    """Numbers of events; each is told when it is added."""

    def add(self, number: int) -> None:
        """Add one."""
        LINE.tell(acknowledged=number)
        super().add(number)


@frozen
class Store:
    """Accepts events in batches, with a checkpoint between."""

    work: Path

    @property
    def home(self) -> Path:
        """Where its file is."""
        return self.work / "life"

    def make_template(self) -> Path:
        """A store with two agents and one event."""
        folder = self.work / "template"
        folder.mkdir()
        book = Book()
        with closing(self._open(folder)) as writer:
            book.set_up(writer)
            book.accept(writer, (1,))
        return folder

    def begin(self) -> None:
        """Nothing has to be made ready."""

    def be_born(self) -> None:
        """There is nothing that comes first."""

    def live(self) -> None:
        """Start, accept, and end."""
        book = Book(batches=[(1,)], acknowledged=ToldNumbers(), is_set_up=True)
        with closing(self._open(self.home)) as writer:
            for batch in ((2,), (3, 4), (5,)):
                LINE.tell(batch=batch)
                book.accept(writer, batch)

    def what_is_wrong(self, told: list[dict[str, Any]]) -> str:
        """Start once more, on what that life has left."""
        book = Book(batches=[(1,)], acknowledged={1}, is_set_up=True)
        book.batches += [tuple(one["batch"]) for one in told if "batch" in one]
        book.acknowledged |= {one["acknowledged"] for one in told if "acknowledged" in one}
        try:
            with closing(self._open(self.home)) as writer:
                store_life.compare(writer, book)
        except Exception as exc:
            return repr(exc)
        return ""

    def _open(self, folder: Path) -> Writer:
        opened = open_writer(folder / "nanoclaw.db", migrations=store_life.MIGRATIONS, exclusive=True)
        return Writer(opened.conn, checkpoint_pages=store_life.CHECKPOINT_PAGES)


@frozen
class RunnersOutbox:
    """Claims, answers with a file, and settles, three times."""

    work: Path

    @property
    def layout(self) -> SessionLayout:
        """The session's folders."""
        return SessionLayout(self.work / "life")

    def make_template(self) -> Path:
        """What a host makes for an epoch."""
        folder = self.work / "template"
        SessionLayout(folder).make_epoch(1)
        (folder / "out" / "1" / "a.txt").write_text("a file")
        return folder

    def begin(self) -> None:
        """Nothing has to be made ready."""

    def be_born(self) -> None:
        """There is nothing that comes first."""

    def live(self) -> None:
        """Three turns, as far as they go."""
        outbox = Outbox.open(self.layout.outbound(1))
        for number in (2, 4, 6):
            self._turn(outbox, number)
            LINE.tell(settled=f"m{number}")
        outbox.close()

    def what_is_wrong(self, told: list[dict[str, Any]]) -> str:
        """Look as a host does; then another runner has to go on with it."""
        try:
            self._compare({str(one["settled"]) for one in told})
            outbox = Outbox.open(self.layout.outbound(1))
            self._turn(outbox, 8)
            outbox.close()
            self._compare({*(str(one["settled"]) for one in told), "m8"})
        except Exception as exc:
            return repr(exc)
        return ""

    def _turn(self, outbox: Outbox, number: int) -> None:
        asked = f"m{number}"
        outbox.claim([asked], now=NOW)
        file = outbox.staging.stage(self.layout.out_dir(1) / "a.txt", "a.txt")
        reply = Reply(destination=None, in_reply_to=asked, text="x" * 9_000, files=(file,))
        outbox.settle([reply], completed=[asked], above=number, now=NOW)

    def _compare(self, settled: set[str]) -> None:
        with self.layout.open_out(1) as out:
            taken = take(out, None)
        assert isinstance(taken, Snapshot), taken
        found = decode(json.dumps(read_file(taken.db, taken.journal, 0)).encode(), 0)
        assert isinstance(found, Report), found
        assert not found.bad
        answered = [row.in_reply_to for row in found.rows]
        completed = {ack.message_id for ack in found.acks if ack.status is AckStatus.COMPLETED}
        assert sorted(completed) == sorted(map(str, answered)), "half a turn"
        assert settled <= completed, f"said to be settled, and gone: {settled - completed}"
        for row in found.rows:
            path = self.layout.out_dir(1) / "outbox" / row.id / "a.txt"
            assert path.read_text() == "a file"


@frozen(kw_only=True)
class Outcome:
    """One life and what it left."""

    call: str
    fault: str
    number: int
    end: str
    hit: bool
    wrong: str


class Scene(Protocol):
    """What lives."""

    @property
    def work(self) -> Path: ...

    def make_template(self) -> Path:
        """The folder that each life begins with a copy of."""
        ...

    def begin(self) -> None:
        """A life is about to begin."""
        ...

    def be_born(self) -> None:
        """What comes first in a life and is no part of it: nothing goes wrong yet."""
        ...

    def live(self) -> None:
        """Live, in a process of its own; an error is a way to end."""
        ...

    def what_is_wrong(self, told: list[dict[str, Any]]) -> str:
        """What the life that *told* all this has left, and should not have; nothing, it is to be hoped."""
        ...


def lives(scene: Scene, every: int) -> Iterator[Outcome]:
    """Live with each fault at the first, the *every* next, … call, until there are no more such calls.

    Up to the call that goes wrong all lives are alike: where one had no such call, the others have none either.
    """
    template = scene.make_template()
    keep_all()
    for call, faults in CALLS.items():
        most = sys.maxsize
        for place, fault in enumerate(faults):
            number = 1 + place % every
            while number < most:
                folder = scene.work / "life"
                shutil.rmtree(folder, ignore_errors=True)
                shutil.copytree(template, folder)
                scene.begin()
                log = scene.work / "strace.log"
                told, life = LINE.hear(partial(live, scene.live, call, fault, number, log, before=scene.be_born))
                wrong = scene.what_is_wrong(told)
                yield Outcome(call=call, fault=fault, number=number, end=life.end.name, hit=life.was_hit, wrong=wrong)
                if not life.was_hit:
                    most = number
                number += every


def main() -> int:
    """Live as the arguments say; 1 if anything was wrong after one of those lives."""
    kind, work, every = sys.argv[1:4]
    failed = False
    with scene_of(kind, Path(work)) as scene:
        for outcome in lives(scene, int(every)):
            print(json.dumps(attrs.asdict(outcome)), flush=True)
            failed = failed or bool(outcome.wrong)
    return int(failed)


@contextmanager
def scene_of(kind: str, work: Path) -> Iterator[Scene]:
    """The scene of that name, with what it needs around it."""
    if kind == "store":
        yield Store(work)
    elif kind == "outbox":
        yield RunnersOutbox(work)
    else:
        import_runner()
        with Platform.started() as platform, KeptTemplate.started() as customs:
            yield Host(work, platform, customs)


if __name__ == "__main__":
    sys.exit(main())
