"""Bytes out of a folder that a sandbox writes: a bounded picture of its outbox, taken without locks and without trust.

Nothing here waits, follows a link or opens anything but a plain file; SQLite is not involved. The runner may be in the
middle of a commit, and may be hostile. A hostile one can make the picture be anything, which the reader then judges.
What follows is about an honest one: why the picture is always a state that was committed.

**What the runner does** (`journal_mode=DELETE`). It makes the journal with an unarmed header (magic and record count
zero), writes the old content of the pages it will change, syncs, arms the header, syncs; only then writes pages of the
database, the first page with the change counter before the others (but pages that overflowed its cache long before),
syncs, and deletes the journal: that is the commit. A roll-back writes the old pages back, then deletes the journal.

**What the host does.** It reads (1) the database, (2) the journal, (3) the database again, the header last. It takes
the picture if (1) and (3) are the same bytes, else looks again.

**Why the header alone would not do for (3).** The counter is written first. A reader that comes after that, and before
the other pages are written, sees the new counter and old pages; by the time it looks for the journal, that may be gone,
and the counter is still the one it saw. So would a roll-back pass unseen: it leaves the counter as it was.

**Why this does.** Take each byte by itself: it is the same in (1), before (2), and in (3), after it. So, unless it
changed and changed back, it did not change while the journal was read. The database of the picture is then the file as
it stood all through (2), and

- there was no journal: the file is what the last commit left;
- there was one, and its header was armed, so all its records were there: the picture is what a power cut at that moment
  would have left, and rolling it back gives the state before that transaction;
- its header was not armed yet when it was read: nothing had been written to the database by then, and nothing was until
  (2) was over, so the file is what the last commit left, and ignoring the journal is right. The same goes for each
  further segment of a journal, and for records that came after its length was known: what they are to restore had not
  been overwritten. A record half there fails its checksum, which ends the roll-back at the first page nobody touched;
- it was deleted while it was read: rolling the database back gives the state before that commit. The stamp (below) says
  that there was a journal, so the next look is not taken for the same one.

A file cut or grown by the commit is covered as its bytes are: its length must be the same too, and the roll-back sets
the length that the journal names. Leaf pages of the free list are not in the journal and may differ; they mean nothing.

**Changed and changed back** takes two transactions within one look: one ends after its byte was read in (1), the next
begins after (2) and writes that byte as it was read. Where the first commits and the second gets to its commit, the
counter shows it: it has moved on for good, and is read last of all. What is left needs a roll-back, or a second
transaction that overflows its cache, and in it the very same bytes. We claim nothing against a runner that does that.

**The stamp** is what a second look compares to know that nothing happened: of the database the identity, length, times
and counter, from before (1); of the journal the length and the first bytes, which hold a number drawn for that journal
alone. A commit changes the counter for good, so what was committed before a look began is never taken for old.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias

from attrs import field, frozen

from nanoclaw.link.layout import OutDirectory
from schema.files import OUTBOUND, OUTBOUND_JOURNAL

MOST_BYTES = 64 << 20
"""Of the database, and of the journal."""
MOST_TRIES = 4
"""Looks in a row, before it is left to the caller to come back."""
CHUNK = 1 << 20

_HEADER = 100
_COUNTER = slice(24, 28)
_JOURNAL_HEAD = 28
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_ITS_DOING = {
    errno.ELOOP: ("link", "a symbolic link"),
    errno.ENXIO: ("not-a-file", "a socket or a device"),
    errno.ENODEV: ("not-a-file", "a device"),
    errno.EACCES: ("unreadable", "not readable for the host"),
    errno.EPERM: ("unreadable", "not readable for the host"),
    errno.EAGAIN: ("leased", "held by a lease"),
}
"""What a sandbox can make of a name. Other errors of `open` are the host's own troubles."""


@frozen
class Stamp:
    """What tells one look from another; see above."""

    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    change_counter: bytes
    journal: tuple[int, bytes] | None
    """Its length and its first bytes."""


@frozen(kw_only=True)
class Snapshot:
    """The bytes of an outbox, and of its journal if there was one."""

    db: bytes = field(repr=False)
    journal: bytes | None = field(repr=False)
    stamp: Stamp


@frozen
class Unchanged:
    """Nothing was committed since the look that the stamp is of."""


@frozen
class Unstable:
    """The runner wrote during every try. Its commit will be an event; come back then, or in some milliseconds."""


@frozen
class Refused:
    """This is no outbox that an honest runner leaves."""

    reason: str
    """One word for it, such as `link`."""
    detail: str


Taken: TypeAlias = Snapshot | Unchanged | Unstable | Refused
Next: TypeAlias = Literal["stamp", "database", "journal", "again"]
"""What the next read is of."""


class _RefusedError(Exception):
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.refused = Refused(reason, detail)


def take(out: OutDirectory, last: Stamp | None) -> Taken:
    """Take a picture of the outbox in *out*, unless nothing happened since *last*.

    In: *last*, the stamp of the picture that was taken in whole before, None for none.
    Blocks on the disk, never on the sandbox: call it in a thread. At most 64 MiB each of database and journal.

    Raises:
      OSError: the host's own trouble, such as a failing disk or too many open files.
    """
    for _ in range(MOST_TRIES):
        taken = _finish(look(out, last))
        if not isinstance(taken, Unstable):
            return taken
    return Unstable()


def _finish(steps: Generator[Next, None, Taken]) -> Taken:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            taken: Taken = end.value
            return taken


def look(out: OutDirectory, last: Stamp | None, *, chunk: int = CHUNK) -> Generator[Next, None, Taken]:
    """One try of `take`. It yields before every read, so that a test can let a runner do something in between."""
    try:
        with _opened(out, OUTBOUND) as fd:
            if fd is None:
                return Refused("missing", f"{OUTBOUND} is gone")
            status = _check(fd, OUTBOUND, links={1})
            if last is not None:
                yield "stamp"
                counter = os.pread(fd, _HEADER, 0)[_COUNTER]
                yield "stamp"
                if _stamp(status, counter, _journal_head(out)) == last:
                    return Unchanged()
            db = yield from _read(fd, status.st_size, chunk, "database")
            journal = yield from _read_journal(out, chunk)
            still = yield from _is_still(fd, db, chunk)
            if not still or isinstance(journal, Unstable):
                return Unstable()
            head = None if journal is None else (len(journal), journal[:_JOURNAL_HEAD])
            return Snapshot(db=db, journal=journal, stamp=_stamp(status, db[_COUNTER], head))
    except _RefusedError as exc:
        return exc.refused


def _stamp(status: os.stat_result, counter: bytes, journal: tuple[int, bytes] | None) -> Stamp:
    return Stamp(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, counter, journal)


@contextmanager
def _opened(out: OutDirectory, name: str) -> Iterator[int | None]:
    """The file *name* for reading; None where there is none."""
    try:
        fd = os.open(name, _FLAGS, dir_fd=out.fd)
    except FileNotFoundError:
        yield None
        return
    except OSError as exc:
        if exc.errno not in _ITS_DOING:
            raise
        reason, detail = _ITS_DOING[exc.errno]
        raise _RefusedError(reason, f"{name}: {detail}") from None
    try:
        yield fd
    finally:
        os.close(fd)


def _check(fd: int, name: str, *, links: set[int]) -> os.stat_result:
    """What was opened is a plain file of a size that can be, under one name."""
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        raise _RefusedError("not-a-file", f"{name}: not a plain file")
    if status.st_nlink not in links:
        raise _RefusedError("link", f"{name}: {status.st_nlink} names for one file")
    if status.st_size > MOST_BYTES:
        raise _RefusedError("too-large", f"{name}: {status.st_size} bytes")
    return status


def _read_journal(out: OutDirectory, chunk: int) -> Generator[Next, None, bytes | Unstable | None]:
    yield "journal"
    with _opened(out, OUTBOUND_JOURNAL) as fd:
        if fd is None:
            return None
        yield "journal"
        # Deleted since it was opened: there was a commit this very moment, and the picture would be of before it.
        status = _check(fd, OUTBOUND_JOURNAL, links={0, 1})
        if status.st_nlink == 0:
            return Unstable()
        return (yield from _read(fd, status.st_size, chunk, "journal"))


def _journal_head(out: OutDirectory) -> tuple[int, bytes] | None:
    with _opened(out, OUTBOUND_JOURNAL) as fd:
        if fd is None:
            return None
        return _check(fd, OUTBOUND_JOURNAL, links={0, 1}).st_size, os.pread(fd, _JOURNAL_HEAD, 0)


def _read(fd: int, size: int, chunk: int, what: Next) -> Generator[Next, None, bytes]:
    """The first *size* bytes, or those there are."""
    parts: list[bytes] = []
    offset = 0
    while offset < size:
        yield what
        part = os.pread(fd, min(chunk, size - offset), offset)
        if not part:
            break
        parts.append(part)
        offset += len(part)
    return b"".join(parts)


def _is_still(fd: int, db: bytes, chunk: int) -> Generator[Next, None, bool]:
    """Does the file hold *db* and nothing else? The header is read last, because it is written first."""
    for offset in range(0, len(db), chunk):
        yield "again"
        if os.pread(fd, chunk, offset) != db[offset : offset + chunk]:
            return False
    yield "again"
    if os.fstat(fd).st_size != len(db):
        return False
    yield "again"
    return os.pread(fd, _HEADER, 0) == db[:_HEADER]
