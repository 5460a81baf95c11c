"""A session's folder, and the descriptor through which the host looks into what a sandbox writes."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import apsw
import pytest

from nanoclaw.link import layout as layout_module
from nanoclaw.link.layout import SessionLayout, empty_outbound, heartbeat_mtime_ns
from schema import LINK_VERSION
from tests.link.outbox import report


@pytest.fixture
def layout(tmp_path: Path) -> SessionLayout:
    return SessionLayout(tmp_path / "sessions" / "group" / "session")


def epochs_on_disk(layout: SessionLayout) -> list[int]:
    return sorted(int(folder.name) for folder in (layout.root / "out").iterdir())


def test_paths_are_where_the_architecture_has_them(layout: SessionLayout) -> None:
    def below(path: Path) -> str:
        return path.relative_to(layout.root).as_posix()

    assert below(layout.in_dir) == "in"
    assert below(layout.inbound) == "in/inbound.db"
    assert below(layout.inbox) == "in/inbox"
    assert below(layout.gateway) == "gateway"
    assert below(layout.out_dir(7)) == "out/7"
    assert below(layout.outbound(7)) == "out/7/outbound.db"
    assert below(layout.heartbeat(7)) == "out/7/heartbeat"


def test_a_new_epoch_has_an_empty_outbox_and_a_heartbeat(layout: SessionLayout) -> None:
    layout.make_epoch(1)
    assert sorted(path.name for path in layout.out_dir(1).iterdir()) == ["heartbeat", "outbound.db"]
    assert layout.outbound(1).read_bytes() == empty_outbound()
    assert report(empty_outbound()).rows == ()
    assert layout.heartbeat(1).read_bytes() == b""
    # What the host writes is for a sandbox to read, which may run as somebody else.
    for folder in (layout.in_dir, layout.gateway):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    assert stat.S_IMODE(layout.out_dir(1).stat().st_mode) == 0o700
    assert stat.S_IMODE(layout.outbound(1).stat().st_mode) == 0o600


def test_an_honest_runner_can_write_in_it(layout: SessionLayout) -> None:
    layout.make_epoch(1)
    conn = apsw.Connection(str(layout.outbound(1)))
    assert conn.pragma("user_version") == LINK_VERSION
    assert conn.pragma("journal_mode") == "delete"
    conn.close()


def test_an_epoch_is_made_only_once(layout: SessionLayout) -> None:
    layout.make_epoch(1)
    layout.outbound(1).write_bytes(b"used")
    with pytest.raises(FileExistsError):
        layout.make_epoch(1)
    assert layout.outbound(1).read_bytes() == b"used"
    layout.make_epoch(2)
    assert epochs_on_disk(layout) == [1, 2]


def test_an_epoch_that_could_not_be_made_leaves_nothing(layout: SessionLayout, monkeypatch: pytest.MonkeyPatch) -> None:
    # A name that no disk takes is the same to the host as a disk that is full.
    monkeypatch.setattr(layout_module, "HEARTBEAT", "h" * 300)
    with pytest.raises(OSError, match="too long"):
        layout.make_epoch(1)
    assert epochs_on_disk(layout) == []
    monkeypatch.undo()
    layout.make_epoch(1)


def test_a_folder_is_held_although_another_takes_its_name(layout: SessionLayout) -> None:
    layout.make_epoch(1)
    status = layout.out_dir(1).stat()
    with layout.open_out(1) as out:
        assert (out.device, out.inode) == (status.st_dev, status.st_ino)
        assert not os.get_inheritable(out.fd)
        layout.out_dir(1).rename(layout.root / "out" / "moved")
        layout.out_dir(1).mkdir()
        with os.scandir(out.fd) as entries:
            assert sorted(entry.name for entry in entries) == ["heartbeat", "outbound.db"]
    out.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(out.fd)


def test_a_link_or_a_file_in_a_folders_place_is_not_opened(layout: SessionLayout, tmp_path: Path) -> None:
    (layout.root / "out").mkdir(parents=True)
    layout.out_dir(1).symlink_to(tmp_path)
    layout.out_dir(2).touch()
    for epoch in (1, 2):
        with pytest.raises(NotADirectoryError):
            layout.open_out(epoch)
    with pytest.raises(FileNotFoundError):
        layout.open_out(3)


def test_a_removed_epoch_is_gone_and_removing_it_again_is_no_error(layout: SessionLayout) -> None:
    layout.make_epoch(1)
    layout.make_epoch(2)
    layout.remove_epoch(1)
    layout.remove_epoch(1)
    assert epochs_on_disk(layout) == [2]


def test_a_heartbeat_is_seen_to_change(layout: SessionLayout) -> None:
    layout.make_epoch(1)
    with layout.open_out(1) as out:
        before = heartbeat_mtime_ns(out)
        assert before is not None
        os.utime(layout.heartbeat(1), ns=(5, before + 5))
        assert heartbeat_mtime_ns(out) == before + 5


def test_only_a_plain_file_is_a_heartbeat(layout: SessionLayout) -> None:
    layout.make_epoch(1)
    beat = layout.heartbeat(1)
    with layout.open_out(1) as out:
        beat.unlink()
        assert heartbeat_mtime_ns(out) is None
        beat.symlink_to(layout.outbound(1))
        assert heartbeat_mtime_ns(out) is None
        beat.unlink()
        os.mkfifo(beat)
        assert heartbeat_mtime_ns(out) is None
