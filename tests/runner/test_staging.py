"""Files of a runner's messages: copied as they are, in their place before their message, gone with it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from runner.model import Reply
from runner.outbox import Outbox
from runner.staging import Staging
from schema.files import MOST_FILE_BYTES
from schema.payloads import ChatOut, read_out
from schema.rows import OutKind
from tests.runner.link import NOW, Link


@pytest.fixture
def staging(tmp_path: Path) -> Staging:
    return Staging(tmp_path / "outbox")


def made(tmp_path: Path, name: str, data: bytes = b"bytes") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def tree(staging: Staging) -> dict[str, bytes]:
    """Every file there is."""
    return {
        str(path.relative_to(staging.folder)): path.read_bytes() for path in staging.folder.rglob("*") if path.is_file()
    }


def test_a_file_is_sent_as_it_was_when_it_was_staged(staging: Staging, tmp_path: Path) -> None:
    path = made(tmp_path, "a.txt", b"before")
    staged = staging.stage(path, "report.txt")
    path.write_bytes(b"after")
    path.unlink()
    assert staging.place("out-1", [staged]) == ("report.txt",)
    assert tree(staging) == {"out-1/report.txt": b"before"}


def test_the_host_may_be_somebody_else_and_can_read_it(staging: Staging, tmp_path: Path) -> None:
    mask = os.umask(0o077)
    try:
        staging.place("out-1", [staging.stage(made(tmp_path, "a"), "a")])
    finally:
        os.umask(mask)
    assert stat.S_IMODE((staging.folder / "out-1").stat().st_mode) == 0o755
    assert stat.S_IMODE((staging.folder / "out-1" / "a").stat().st_mode) == 0o644


def test_files_of_one_name_lie_side_by_side(staging: Staging, tmp_path: Path) -> None:
    staged = [staging.stage(made(tmp_path, name, name.encode()), "a") for name in ("x", "y")]
    assert staging.place("out-1", staged) == ("a", "2-a")
    assert tree(staging) == {"out-1/a": b"x", "out-1/2-a": b"y"}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", ["missing", "folder", "fifo", "too large"])
def test_what_cannot_be_sent_is_said_at_once_and_leaves_nothing(staging: Staging, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x"
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "too large":
        with path.open("wb") as file:
            file.truncate(MOST_FILE_BYTES + 1)
    with pytest.raises((OSError, ValueError), match="x"):
        staging.stage(path, "x")
    assert tree(staging) == {}


def test_what_no_message_took_is_forgotten(staging: Staging, tmp_path: Path) -> None:
    staging.place("out-1", [staging.stage(made(tmp_path, "a"), "a")])
    staging.stage(made(tmp_path, "b"), "b")
    staging.clear()
    assert tree(staging) == {"out-1/a": b"bytes"}
    staging.remove("out-1")
    staging.remove("out-9")
    assert tree(staging) == {}
    staging.place("out-3", [staging.stage(made(tmp_path, "c"), "c")])
    assert tree(staging) == {"out-3/c": b"bytes"}


def test_a_message_names_its_files_and_they_go_with_it(link: Link, outbox: Outbox, tmp_path: Path) -> None:
    for number in range(2):
        staged = outbox.staging.stage(made(tmp_path, "a"), "a.txt")
        outbox.settle([Reply(destination=None, in_reply_to="m2", text="", files=(staged,))], above=2 * number, now=NOW)
    first, second = (str(row["id"]) for row in link.messages())
    (content, *_) = (str(row["content"]) for row in link.messages())
    assert read_out(OutKind.CHAT, content) == ChatOut(text="", files=("a.txt",))
    assert set(tree(outbox.staging)) == {f"{first}/a.txt", f"{second}/a.txt"}
    outbox.claim([], now=NOW, delivered=[first, second])
    assert set(tree(outbox.staging)) == {f"{second}/a.txt"}, "the newest row stays, and so does its file"
