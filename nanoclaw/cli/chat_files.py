"""Files in a chat: sent in pieces, saved where the person is."""

from __future__ import annotations

import base64
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, TypeAlias

import trio
from attrs import frozen

from nanoclaw.channels.terminal.frames import PIECE_BYTES, FileEnd, FilePart, FileStart, ShownFile, write_client
from nanoclaw.core.attachments import safe_name, size_in_words
from nanoclaw.errors import UsageError
from nanoclaw.kit.lines import LineStream
from schema.files import MOST_FILE_BYTES, MOST_FILES

COMMAND = "/file"
_PATH = re.compile(r"""\s+(?:"([^"]+)"|'([^']+)'|((?:\\.|[^\s\\])+))\s*""")


@frozen
class WithFile:
    """A line that sends a file."""

    path: Path
    text: str


Line: TypeAlias = str | WithFile


def read_line(line: str) -> Line:
    """What a line that was typed means: words, or `/file PATH words`, where a path with spaces is quoted.

    Raises `UsageError` for `/file` without a path.
    """
    head, _, _ = line.partition(" ")
    if head.strip() != COMMAND:
        return line
    found = _PATH.match(line[len(COMMAND) :])
    if found is None:
        raise UsageError(f"which file? Say: {COMMAND} PATH, and what you like after it")
    quoted, single, plain = found.groups()
    path = quoted or single or re.sub(r"\\(.)", r"\1", plain)
    return WithFile(Path(path).expanduser(), line[len(COMMAND) + found.end() :].strip())


def check(paths: Sequence[Path]) -> None:
    """Raises `UsageError` if these are not files that can go with one message."""
    if len(paths) > MOST_FILES:
        raise UsageError(f"{len(paths)} files: a message has at most {MOST_FILES}")
    for path in paths:
        try:
            status = path.stat()
        except OSError as exc:
            raise UsageError(f"{path}: {exc.strerror}") from None
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(f"{path} is not a file")
        if status.st_size > MOST_FILE_BYTES:
            raise UsageError(f"{path} is larger than {size_in_words(MOST_FILE_BYTES)}")
        if not os.access(path, os.R_OK):
            raise UsageError(f"{path} may not be read")


async def send(lines: LineStream, paths: Sequence[Path]) -> None:
    """Send the files at *paths* ahead of the message that they belong to. Holds one piece of one file at a time.

    Raises:
      OSError: one cannot be read.
      trio.BrokenResourceError: the host went away.
    """
    for path in paths:
        await lines.send(write_client(FileStart(name=os.fsencode(path.name).decode(errors="replace"))))
        async with await trio.open_file(path, "rb") as file:
            while piece := await file.read(PIECE_BYTES):
                await lines.send(write_client(FilePart(data=base64.b64encode(piece).decode())))
        await lines.send(write_client(FileEnd()))


async def saved(files: Sequence[ShownFile]) -> list[str]:
    """Save *files* where the person is, or where they can be saved; what became of each, a line a file.

    Nothing that is there is overwritten. A message is seen only when this is done.
    """
    return await trio.to_thread.run_sync(_save_all, files)


def _save_all(files: Sequence[ShownFile]) -> list[str]:
    # All of them are opened at once: the host forgets its copies when the first chat has them.
    opened = [_open(file) for file in files]
    return [_save(file, source) for file, source in zip(files, opened, strict=True)]


def _open(file: ShownFile) -> BinaryIO | OSError:
    try:
        return Path(file.path).open("rb")
    except OSError as exc:
        return exc


def _save(file: ShownFile, source: BinaryIO | OSError) -> str:
    what = f"file: {safe_name(file.name)} ({size_in_words(file.size)})"
    if isinstance(source, OSError):
        return f"{what} could not be read: {source.strerror}"
    with source:
        failure: OSError | None = None
        for folder in (Path.cwd(), Path(tempfile.gettempdir())):
            try:
                source.seek(0)
                return f"{what} saved to {_copy(source, folder, safe_name(file.name))}"
            except OSError as exc:
                failure = failure or exc
    assert failure is not None
    return f"{what} could not be saved: {failure.strerror}"


def _copy(source: BinaryIO, folder: Path, name: str) -> Path:
    for path in _candidates(folder, name):
        with suppress(FileExistsError), path.open("xb") as target:
            try:
                shutil.copyfileobj(source, target)
            except BaseException:
                path.unlink()
                raise
            return path
    raise AssertionError("there is always another name")


def _candidates(folder: Path, name: str) -> Iterator[Path]:
    yield folder / name
    path = Path(name)
    number = 2
    while True:
        yield folder / f"{path.stem} ({number}){path.suffix}"
        number += 1
