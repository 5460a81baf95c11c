"""Files that a chat sends: whole into the spool, or not at all, and whose they are is always known."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from nanoclaw.channels.terminal.frames import PIECE_BYTES, FileEnd, FilePart, FileStart
from nanoclaw.channels.terminal.upload import Upload
from nanoclaw.kit.spool import Spool
from schema.files import MOST_FILE_BYTES, MOST_FILES


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path)


def part(data: bytes) -> FilePart:
    return FilePart(data=base64.b64encode(data).decode())


def spooled(spool: Spool) -> list[bytes]:
    return sorted(path.read_bytes() for path in spool.folder.iterdir())


async def send(upload: Upload, *pieces: bytes, name: str = "a.txt") -> None:
    await upload.hear(FileStart(name=name))
    for piece in pieces:
        await upload.hear(part(piece))
    await upload.hear(FileEnd())


async def test_files_arrive_in_their_order_with_their_names(spool: Spool) -> None:
    upload = Upload(spool)
    await send(upload, b"one", b"more", name="../a")
    await send(upload, name="empty")
    files = upload.take(2)
    assert not isinstance(files, str)
    assert [(one.name, one.file.size) for one in files] == [("../a", 7), ("empty", 0)]
    assert spooled(spool) == [b"", b"onemore"]
    await upload.discard()
    assert len(spooled(spool)) == 2, "they are the message's now"


async def test_what_no_message_took_goes(spool: Spool) -> None:
    upload = Upload(spool)
    await send(upload, b"whole")
    await upload.hear(FileStart(name="b"))
    await upload.hear(part(b"half"))
    assert len(spooled(spool)) == 2
    await upload.discard()
    assert spooled(spool) == []


async def test_a_message_without_files_has_nothing_to_do_with_those_that_somebody_began_to_send(spool: Spool) -> None:
    upload = Upload(spool)
    await upload.hear(FileStart(name="b"))
    assert upload.take(0) == ()


async def test_a_file_that_is_begun_anew_replaces_the_half_of_one(spool: Spool) -> None:
    upload = Upload(spool)
    await upload.hear(FileStart(name="half"))
    await upload.hear(part(b"half"))
    await send(upload, b"whole")
    files = upload.take(1)
    assert not isinstance(files, str)
    assert spooled(spool) == [b"whole"]


@pytest.mark.parametrize("number", [1, 3])
async def test_a_message_that_counts_other_files_than_came_is_declined(spool: Spool, number: int) -> None:
    upload = Upload(spool)
    await send(upload, b"one")
    await send(upload, b"two")
    assert upload.take(number) == "the files that belong to it did not arrive"


async def test_one_that_has_no_end_did_not_arrive(spool: Spool) -> None:
    upload = Upload(spool)
    await upload.hear(FileStart(name="a"))
    assert upload.take(1) == "the files that belong to it did not arrive"


async def test_a_file_that_is_too_large_is_declined_and_no_more_of_it_is_kept(spool: Spool) -> None:
    upload = Upload(spool)
    await upload.hear(FileStart(name="large"))
    for _ in range(MOST_FILE_BYTES // PIECE_BYTES + 2):
        await upload.hear(part(bytes(PIECE_BYTES)))
    await upload.hear(FileEnd())
    assert upload.take(1) == "large is larger than 25 MiB"
    assert sum(len(data) for data in spooled(spool)) <= MOST_FILE_BYTES
    await upload.discard()
    assert spooled(spool) == []
    await send(upload, b"small")
    assert not isinstance(upload.take(1), str)


async def test_more_files_than_a_message_may_have_are_declined(spool: Spool) -> None:
    upload = Upload(spool)
    for _ in range(MOST_FILES + 1):
        await send(upload, b"x")
    assert upload.take(MOST_FILES + 1) == "a message has at most 10 files"
    await upload.discard()
    assert spooled(spool) == []


@pytest.mark.parametrize("frame", [FilePart(data="!!!!"), part(b"of nothing"), FileEnd()])
async def test_pieces_that_make_no_sense_are_declined(spool: Spool, frame: FilePart | FileEnd) -> None:
    upload = Upload(spool)
    if frame == FilePart(data="!!!!"):
        await upload.hear(FileStart(name="a"))
    await upload.hear(frame)
    assert upload.take(1) == "the pieces of a file make no sense"


async def test_a_disk_that_is_full_declines_the_message_and_nothing_else(tmp_path: Path) -> None:
    upload = Upload(Spool(tmp_path / "missing"))
    await send(upload, b"x")
    assert upload.take(1) == "a.txt could not be stored: No such file or directory"
    await upload.discard()
