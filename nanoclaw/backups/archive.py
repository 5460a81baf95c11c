"""A backup as a file: a compressed tar, whose last member is its table of contents. Everything here blocks.

Whoever reads one believes nothing: each file must be one that the table names, of that size and digest, and lie where
a home has such files; links are made last, so that nothing is ever written through one.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import os
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from attrs import define, field

from nanoclaw.core.backup_contents import (
    BadContentsError,
    Contents,
    Skipped,
    Stored,
    is_inside,
    through_links,
    understood,
    written,
)
from nanoclaw.errors import BackupError

CONTENTS = "contents.json"
MOST_CONTENTS = 256 << 20
COMPRESSION = 3
"""Of 9: more costs much time and saves little."""
CHUNK = 1 << 20
SHORT = "it grew shorter while it was read"

Told = Callable[[int], None]
"""Told of every so many bytes that were read. What it raises ends the work."""


@define(eq=False)
class ArchiveWriter:
    """What a backup is written with. Made by `writing`."""

    _tar: tarfile.TarFile
    _told: Told
    files: dict[str, Stored] = field(factory=dict[str, Stored], init=False)
    skipped: list[Skipped] = field(factory=list[Skipped], init=False)

    def add_file(self, name: str, file: IO[bytes]) -> None:
        """Add what is open as *file* as the home's *name*: as many bytes as it has now. Raises `OSError`."""
        status = os.fstat(file.fileno())
        member = tarfile.TarInfo(name)
        member.size, member.mtime, member.mode = status.st_size, int(status.st_mtime), status.st_mode & 0o777
        measured = _Measured(file, status.st_size, self._told)
        self._tar.addfile(member, measured)
        self.files[name] = Stored(size=status.st_size, sha256=measured.digest.hexdigest())
        if measured.short:
            self.skip(name, SHORT)

    def add_folder(self, name: str, status: os.stat_result) -> None:
        """Add a folder, so that an empty one is there too."""
        member = tarfile.TarInfo(name)
        member.type, member.mode, member.mtime = tarfile.DIRTYPE, status.st_mode & 0o777, int(status.st_mtime)
        self._tar.addfile(member)

    def add_link(self, name: str, target: str) -> None:
        """Add a symbolic link as it is; where it leads is not looked at."""
        member = tarfile.TarInfo(name)
        member.type, member.linkname = tarfile.SYMTYPE, target
        self._tar.addfile(member)

    def skip(self, path: str, why: str) -> None:
        """Record that something does not come along, or not whole."""
        self.skipped.append(Skipped(path=path, why=why))

    def finish(self, contents: Contents) -> None:
        """Add the table of contents, after which there is nothing."""
        data = json.dumps(written(contents)).encode()
        member = tarfile.TarInfo(CONTENTS)
        member.size, member.mode = len(data), 0o600
        self._tar.addfile(member, io.BytesIO(data))


@contextmanager
def writing(file: IO[bytes], told: Told) -> Iterator[ArchiveWriter]:
    """Write an archive into *file*; one that was left without `finish` is not whole. Raises `OSError`."""
    with (
        gzip.GzipFile(fileobj=file, mode="wb", compresslevel=COMPRESSION, filename="") as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        yield ArchiveWriter(tar, told)


def read_archive(path: Path, into: Path | None, told: Told) -> Contents:
    """Read a backup to its end, and unpack it into the empty folder *into*, if there is one.

    Raises:
      BackupError: it is not whole, or no backup of ours; what was unpacked so far is worth nothing.
      OSError: it cannot be read, or *into* cannot be written.
    """
    try:
        with gzip.open(path, "rb") as packed, tarfile.open(fileobj=packed, mode="r|") as tar:
            return _read(tar, into, told)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, BadContentsError) as exc:
        raise BackupError(f"{path} is no whole backup: {str(exc) or 'it ends in the middle'}") from exc


def _read(tar: tarfile.TarFile, into: Path | None, told: Told) -> Contents:
    unpacking = _Unpacking(tar, into, told)
    for member in tar:
        unpacking.take(member)
    return unpacking.finish()


@define(eq=False)
class _Unpacking:
    """An archive that is being read, member by member; *into* None: only looked at."""

    _tar: tarfile.TarFile
    _into: Path | None
    _told: Told
    _files: dict[str, Stored] = field(factory=dict[str, Stored], init=False)
    _folders: list[str] = field(factory=list[str], init=False)
    _links: list[tuple[str, str]] = field(factory=list[tuple[str, str]], init=False)
    _contents: Contents | None = field(default=None, init=False)

    def take(self, member: tarfile.TarInfo) -> None:
        name = member.name
        if self._contents is not None:
            raise BadContentsError("there is more after its table of contents")
        if name == CONTENTS:
            self._contents = _contents(self._tar, member)
            return
        if not is_inside(f"{name}/x" if member.isdir() else name):
            raise BadContentsError(f"it has something outside of a home: {name!r}")
        if member.issym():
            self._links.append((name, member.linkname))
        elif member.isdir():
            self._take_folder(member)
        elif member.isreg() and name not in self._files:
            self._files[name] = self._take_file(member)
        else:
            raise BadContentsError(f"{name!r} is no file, no folder and no link, or is there twice")

    def finish(self) -> Contents:
        """All is read: does it agree with its table of contents? Links are made only now."""
        if self._contents is None:
            raise BadContentsError("its table of contents is missing, so it was cut short")
        if self._files != dict(self._contents.files):
            raise BadContentsError("its files are not those of its table of contents: it was damaged or changed")
        if through_links((name for name, _ in self._links), [*self._files, *self._folders]):
            raise BadContentsError("something in it lies behind a link, or is there twice")
        if self._into is not None:
            for name, target in self._links:
                (self._into / name).parent.mkdir(parents=True, exist_ok=True)
                (self._into / name).symlink_to(target)
        return self._contents

    def _take_folder(self, member: tarfile.TarInfo) -> None:
        self._folders.append(member.name)
        if self._into is not None:
            folder = self._into / member.name
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod((member.mode & 0o777) | 0o700)

    def _take_file(self, member: tarfile.TarInfo) -> Stored:
        source = self._tar.extractfile(member)
        assert source is not None
        digest, size = hashlib.sha256(), 0
        with contextlib.ExitStack() as stack:
            target = None if self._into is None else stack.enter_context(_new_file(self._into / member.name))
            while data := source.read(CHUNK):
                digest.update(data)
                size += len(data)
                self._told(len(data))
                if target is not None:
                    target.write(data)
            if target is not None:
                target.flush()
                os.fchmod(target.fileno(), member.mode & 0o777)
                os.utime(target.fileno(), (member.mtime, member.mtime))
        return Stored(size=size, sha256=digest.hexdigest())


def _new_file(path: Path) -> IO[bytes]:
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb")


def _contents(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Contents:
    file = tar.extractfile(member)
    if file is None or member.size > MOST_CONTENTS:
        raise BadContentsError("its table of contents is no file, or too long")
    try:
        return understood(json.loads(file.read()))
    except ValueError as exc:
        raise BadContentsError("its table of contents is no JSON") from exc


@define(eq=False)
class _Measured:
    """Reads exactly so many bytes of a file, whatever becomes of it meanwhile: what is missing at its end is zeros."""

    _file: IO[bytes]
    _left: int
    _told: Told
    digest: hashlib._Hash = field(factory=hashlib.sha256, init=False)
    short: bool = field(default=False, init=False)

    def read(self, size: int = -1) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        data = self._file.read(wanted)
        if len(data) < wanted:
            self.short = True
            data += bytes(wanted - len(data))
        self._left -= wanted
        self.digest.update(data)
        self._told(wanted)
        return data
