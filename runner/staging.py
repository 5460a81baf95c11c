"""The files of this runner's messages: copied when a turn asks for it, in their place before their message is.

```
out/outbox/.staged/<number>        copies that the turn under way has made
out/outbox/<message id>/<name>     what the message of that id names
```

Copies, so that it does not matter what becomes of the original before the turn has ended. The host reads them, and may
be somebody else than we are.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

from attrs import define, field

from runner.core.file_names import file_names
from runner.model import StagedFile
from schema.files import MOST_FILE_BYTES

STAGED = ".staged"
CHUNK = 1 << 20


@define(eq=False)
class Staging:
    """The folder of an epoch's files. Made when it is needed."""

    folder: Path
    _copies: int = field(default=0, init=False)

    def stage(self, path: Path, name: str) -> StagedFile:
        """Copy the file at *path*, to be sent as *name*.

        Raises:
          OSError: it is not there or cannot be read, or there is no room for the copy.
          ValueError: it is no file, or too large.
        """
        target = self._folder(STAGED) / str(self._copies)
        self._copies += 1
        # A pipe must not hold up the turn.
        source = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            _copy(source, target, path)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        finally:
            os.close(source)
        return StagedFile(path=target, name=name)

    def place(self, message_id: str, files: Sequence[StagedFile]) -> tuple[str, ...]:
        """Put *files* where the message of that id can name them; returns the names. They outlive a power cut."""
        folder = self._folder(message_id)
        names = file_names(file.name for file in files)
        for file, name in zip(files, names, strict=True):
            file.path.rename(folder / name)
        _sync(folder)
        _sync(self.folder)
        return names

    def clear(self) -> None:
        """Forget copies that no message took, because their turn failed."""
        shutil.rmtree(self.folder / STAGED, ignore_errors=True)

    def remove(self, message_id: str) -> None:
        """Forget the files of a message whose delivery has ended."""
        shutil.rmtree(self.folder / message_id, ignore_errors=True)

    def _folder(self, name: str) -> Path:
        for folder in (self.folder, self.folder / name):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o755)
        return self.folder / name


def _copy(source: int, target: Path, path: Path) -> None:
    if not stat.S_ISREG(os.fstat(source).st_mode):
        raise ValueError(f"{path} is no file")
    with target.open("wb") as copy:
        while chunk := os.read(source, CHUNK):
            if copy.tell() + len(chunk) > MOST_FILE_BYTES:
                raise ValueError(f"{path} is larger than {MOST_FILE_BYTES >> 20} MiB")
            copy.write(chunk)
        copy.flush()
        os.fchmod(copy.fileno(), 0o644)
        os.fsync(copy.fileno())


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
