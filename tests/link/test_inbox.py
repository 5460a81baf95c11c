"""The files of a link: there before their message is, read-only for all, and the same however often they are made."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from nanoclaw.kit.spool import Spool
from nanoclaw.link.inbox import Inbox
from nanoclaw.model.files import Attachment
from nanoclaw.model.ids import EventId, SpoolId


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    (tmp_path / "spool").mkdir()
    return Inbox(tmp_path / "inbox", Spool(tmp_path / "spool"))


def came(inbox: Inbox, event: str, name: str, data: bytes) -> Attachment:
    """A file that is in the spool."""
    with inbox.spool.begin() as writing:
        writing.write(data)
        file = writing.finish()
    return Attachment(
        event_id=EventId(event),
        position=0,
        name=name,
        mime_type=None,
        size=file.size,
        digest=file.digest,
        spool_id=file.id,
    )


def tree(inbox: Inbox) -> dict[str, bytes]:
    """Everything that is in it."""
    found = inbox.folder.rglob("*") if inbox.folder.exists() else []
    return {str(path.relative_to(inbox.folder)): path.read_bytes() for path in found if path.is_file()}


def test_files_lie_by_their_message_and_may_be_read_by_all_and_written_by_nobody(inbox: Inbox) -> None:
    mask = os.umask(0o077)
    try:
        inbox.place([came(inbox, "evt-1", "a.txt", b"a"), came(inbox, "evt-1", "b.txt", b"b")])
        inbox.place([came(inbox, "evt-2", "a.txt", b"c")])
    finally:
        os.umask(mask)
    assert tree(inbox) == {"evt-1/a.txt": b"a", "evt-1/b.txt": b"b", "evt-2/a.txt": b"c"}
    for path in (inbox.folder, *inbox.folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o755 if path.is_dir() else 0o444)


def test_a_file_that_is_there_stays_as_it_is(inbox: Inbox) -> None:
    file = came(inbox, "evt-1", "a.txt", b"a")
    inbox.place([file])
    before = (inbox.folder / "evt-1" / "a.txt").stat()
    inbox.place([file])
    assert (inbox.folder / "evt-1" / "a.txt").stat().st_ino == before.st_ino


def test_rebuilt_it_is_the_same_and_nothing_else(inbox: Inbox) -> None:
    files = [came(inbox, "evt-1", "a.txt", b"a"), came(inbox, "evt-2", "b.txt", b"b")]
    inbox.place([*files, came(inbox, "evt-3", "old.txt", b"old")])
    (inbox.folder / "evt-1" / "planted").write_text("x")
    inbox.rebuild(files)
    assert tree(inbox) == {"evt-1/a.txt": b"a", "evt-2/b.txt": b"b"}
    inbox.rebuild([])
    assert tree(inbox) == {}


def test_what_was_withdrawn_goes(inbox: Inbox) -> None:
    inbox.place([came(inbox, "evt-1", "a.txt", b"a"), came(inbox, "evt-2", "b.txt", b"b")])
    inbox.remove([EventId("evt-1"), EventId("evt-9")])
    assert tree(inbox) == {"evt-2/b.txt": b"b"}


def test_a_file_that_the_spool_has_lost_does_not_hold_up_the_others(inbox: Inbox) -> None:
    lost = came(inbox, "evt-1", "lost.txt", b"a")
    inbox.spool.remove([SpoolId(lost.spool_id)])
    inbox.place([lost, came(inbox, "evt-1", "b.txt", b"b")])
    assert tree(inbox) == {"evt-1/b.txt": b"b"}


def test_where_a_file_can_have_no_second_name_it_is_copied(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    file = came(inbox, "evt-1", "a.txt", b"a" * 100_000)
    inbox.place([file])
    target = inbox.folder / "evt-1" / "a.txt"
    assert target.read_bytes() == b"a" * 100_000
    assert target.stat().st_ino != inbox.spool.path(file.spool_id).stat().st_ino
    assert [path.name for path in target.parent.iterdir()] == ["a.txt"]
    assert stat.S_IMODE(target.stat().st_mode) == 0o444
    inbox.place([file])
