"""Files out of a hostile folder: what reaches the spool is a plain file of the folder, whole, or nothing at all."""

from __future__ import annotations

import errno
import hashlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import define

from nanoclaw.core.outgoing_files import MOST_WAITING_BYTES, NO_ROOM, TOO_LARGE
from nanoclaw.kit.spool import Spool
from nanoclaw.link.layout import OutDirectory, SessionLayout
from nanoclaw.link.outbox_files import Collected, collect
from schema.files import MOST_FILE_BYTES

SECRET = b"the host's own"
MESSAGE = "out-1"


@define(eq=False)
class Scene:
    """A session's folder, a secret beside it, and the spool."""

    tmp: Path
    out: OutDirectory
    root: Path
    """`out/1`"""
    spool: Spool

    @property
    def folder(self) -> Path:
        """Where the files of the message belong."""
        return self.root / "outbox" / MESSAGE

    @property
    def secret(self) -> Path:
        return self.tmp / "secret"

    def take(self, *names: str, message: str = MESSAGE, waiting: int = 0) -> Collected:
        """What becomes of these files."""
        return collect(self.out, message, names, self.spool, waiting=waiting)

    def spooled(self) -> dict[str, bytes]:
        """All that was copied."""
        return {path.name: path.read_bytes() for path in self.spool.folder.iterdir()}


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    layout = SessionLayout(tmp_path / "session")
    layout.make_epoch(1)
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "spool").mkdir()
    with layout.open_out(1) as out:
        found = Scene(tmp_path, out, layout.out_dir(1), Spool(tmp_path / "spool"))
        found.folder.mkdir(parents=True)
        yield found


def test_plain_files_are_copied_in_their_order_under_safe_names(scene: Scene) -> None:
    (scene.folder / "b\u202e.bin").write_bytes(b"b" * 3_000_000)
    (scene.folder / "B.bin").write_bytes(b"")
    first, second = scene.take("b\u202e.bin", "B.bin").files
    assert (first.name, first.size, first.digest) == ("b.bin", 3_000_000, hashlib.sha256(b"b" * 3_000_000).hexdigest())
    assert (second.name, second.size) == ("B (2).bin", 0)
    assert scene.spooled() == {first.spool_id: b"b" * 3_000_000, second.spool_id: b""}
    assert sorted(path.name for path in scene.folder.iterdir()) == ["B.bin", "b\u202e.bin"]


def test_the_largest_file_there_may_be_is_taken(scene: Scene) -> None:
    sparse(MOST_FILE_BYTES)(scene)
    (taken,) = scene.take("x").files
    assert taken.size == MOST_FILE_BYTES


def sparse(size: int) -> Callable[[Scene], object]:
    def make(scene: Scene) -> None:
        with (scene.folder / "x").open("wb") as file:
            file.truncate(size)

    return make


def a_socket(scene: Scene) -> None:
    before = Path.cwd()
    os.chdir(scene.folder)
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind("x")
    finally:
        os.chdir(before)


def linked_outbox(scene: Scene) -> None:
    elsewhere = scene.tmp / "elsewhere"
    (elsewhere / MESSAGE).mkdir(parents=True)
    (elsewhere / MESSAGE / "x").write_bytes(SECRET)
    scene.folder.rmdir()
    scene.folder.parent.rmdir()
    scene.folder.parent.symlink_to(elsewhere)


def linked_folder(scene: Scene) -> None:
    elsewhere = scene.tmp / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "x").write_bytes(SECRET)
    scene.folder.rmdir()
    scene.folder.symlink_to(elsewhere)


def no_outbox(scene: Scene) -> None:
    scene.folder.rmdir()
    scene.folder.parent.rmdir()


def file_for_outbox(scene: Scene) -> None:
    no_outbox(scene)
    scene.folder.parent.write_bytes(SECRET)


ATTACKS: dict[str, tuple[Callable[[Scene], object], str]] = {
    "nothing": (lambda _: None, "there is no such file"),
    "no outbox": (no_outbox, "there is no such file"),
    "no folder": (lambda scene: scene.folder.rmdir(), "there is no such file"),
    "file for outbox": (file_for_outbox, "there is no such file"),
    "link": (lambda scene: (scene.folder / "x").symlink_to(scene.secret), "it is a link"),
    "link to itself": (lambda scene: (scene.folder / "x").symlink_to("x"), "it is a link"),
    "linked outbox": (linked_outbox, "there is no such file"),
    "linked folder": (linked_folder, "there is no such file"),
    "hard link": (lambda scene: (scene.folder / "x").hardlink_to(scene.secret), "it has another name elsewhere"),
    "fifo": (lambda scene: os.mkfifo(scene.folder / "x"), "it is no plain file"),
    "socket": (a_socket, "it is no plain file"),
    "folder": (lambda scene: (scene.folder / "x").mkdir(), "it is no plain file"),
    "26 MiB": (sparse(26 << 20), TOO_LARGE),
    "one byte more": (sparse(MOST_FILE_BYTES + 1), TOO_LARGE),
    "1 TiB": (sparse(1 << 40), TOO_LARGE),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("attack", ATTACKS)
def test_whatever_is_no_plain_file_is_refused_with_the_reason(scene: Scene, attack: str) -> None:
    make, why = ATTACKS[attack]
    make(scene)
    collected = scene.take("x")
    assert collected.files == ()
    assert [(one.name, one.why) for one in collected.unsent] == [("x", why)]
    assert scene.spooled() == {}
    assert scene.secret.read_bytes() == SECRET


@pytest.mark.parametrize(
    "name", ["../../secret", "/etc/passwd", "a/../../x", "", ".", "..", "a\0b", "x" * 256, "\ud800", "..\\secret"]
)
def test_a_name_that_is_a_path_leads_nowhere(scene: Scene, name: str) -> None:
    collected = scene.take(name)
    assert collected.files == ()
    assert len(collected.unsent) == 1
    assert scene.spooled() == {}


@pytest.mark.parametrize("message", ["x" * 200, "-rf", "é" * 200, "out-1\u202e"])
def test_the_id_of_a_message_is_one_component_and_no_more(scene: Scene, message: str) -> None:
    assert scene.take("x", message=message).files == ()


def test_a_file_that_nobody_may_read_is_refused_unless_the_host_may(scene: Scene) -> None:
    (scene.folder / "x").write_bytes(b"x")
    (scene.folder / "x").chmod(0)
    collected = scene.take("x")
    if os.geteuid() == 0:
        assert len(collected.files) == 1
    else:
        assert [one.why for one in collected.unsent] == ["it cannot be read"]


def write(path: Path, mode: str, data: bytes) -> None:
    with path.open(mode) as file:
        file.write(data)


@pytest.mark.parametrize(
    "change",
    [
        lambda path: write(path, "ab", b"more"),
        lambda path: os.truncate(path, 1),
        lambda path: write(path, "r+b", b"other"),
        lambda path: path.unlink(),
    ],
    ids=["grows", "shrinks", "other bytes", "another name"],
)
def test_a_file_that_changes_while_it_is_read_is_refused(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], object]
) -> None:
    path = scene.folder / "x"
    path.write_bytes(b"x" * 100)
    os.utime(path, (1, 1))
    read = os.pread

    def read_and_change(fd: int, size: int, offset: int) -> bytes:
        found = read(fd, size, offset)
        if offset == 0:
            change(path)
        return found

    monkeypatch.setattr(os, "pread", read_and_change)
    assert [one.why for one in scene.take("x").unsent] == ["it changed while it was read"]
    assert scene.spooled() == {}


@pytest.mark.timeout(60)
def test_a_file_that_is_swapped_for_a_link_all_the_time_is_itself_or_refused(scene: Scene) -> None:
    honest = b"honest" * 1000
    (scene.root / "honest").write_bytes(honest)
    (scene.root / "trap").symlink_to(scene.secret)
    over = threading.Event()

    def swap() -> None:
        number = 0
        while not over.is_set():
            number += 1
            spare = scene.root / f"spare-{number % 2}"
            if number % 2:
                spare.write_bytes(honest)
            else:
                spare.symlink_to(scene.secret)
            spare.replace(scene.folder / "x")

    racer = threading.Thread(target=swap)
    racer.start()
    whys: set[str] = set()
    taken = 0
    try:
        for _ in range(2_000):
            collected = scene.take("x")
            whys |= {one.why for one in collected.unsent}
            for file in collected.files:
                taken += 1
                assert scene.spool.path(file.spool_id).read_bytes() == honest
                scene.spool.remove([file.spool_id])
    finally:
        over.set()
        racer.join()
    assert taken
    assert "it is a link" in whys
    assert whys <= {"it is a link", "it changed while it was read", "there is no such file"}
    assert scene.spooled() == {}


def test_what_waits_to_be_sent_bounds_what_is_taken(scene: Scene) -> None:
    for name in ("a", "b"):
        (scene.folder / name).write_bytes(b"x" * 1000)
    collected = scene.take("a", "b", waiting=MOST_WAITING_BYTES - 1500)
    assert [file.name for file in collected.files] == ["a"]
    assert [(one.name, one.why) for one in collected.unsent] == [("b", NO_ROOM)]


def test_a_disk_that_is_full_is_the_hosts_own_trouble_and_leaves_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        (scene.folder / name).write_bytes(name.encode())
    write = os.write

    def fill(fd: int, data: bytes) -> int:
        if bytes(data) == b"b":
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(fd, data)

    monkeypatch.setattr(os, "write", fill)
    with pytest.raises(OSError, match="No space"):
        scene.take("a", "b")
    assert scene.spooled() == {}
