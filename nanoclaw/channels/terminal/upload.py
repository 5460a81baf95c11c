"""Files that a terminal chat sends ahead of its message, in pieces, on their way into the spool."""

from __future__ import annotations

import base64
import binascii

import trio
from attrs import define, field

from nanoclaw.channels.terminal.frames import FileEnd, FilePart, FileStart
from nanoclaw.core.attachments import size_in_words
from nanoclaw.kit.spool import FileTooLargeError, Spool, Writing
from nanoclaw.model.files import NewAttachment
from schema.files import MOST_FILE_BYTES, MOST_FILES

DISCARD_SECONDS = 1.0


@define(eq=False)
class Upload:
    """The files of one connection's next message. After the first trouble the rest is heard and not kept."""

    _spool: Spool
    _writing: Writing | None = field(default=None, init=False)
    _name: str = field(default="", init=False)
    _files: list[NewAttachment] = field(factory=list[NewAttachment], init=False)
    _trouble: str | None = field(default=None, init=False)

    async def hear(self, frame: FileStart | FilePart | FileEnd) -> None:
        """Take in the next piece. What is wrong with it is said by `take`, when the message comes.

        Cancellation: nothing of the file that was under way remains, if `discard` is called.
        """
        if self._trouble is not None:
            await trio.lowlevel.checkpoint()
            return
        try:
            match frame:
                case FileStart(name=name):
                    await self._begin(name)
                case FilePart(data=data):
                    piece = base64.b64decode(data, validate=True)
                    await trio.to_thread.run_sync(self._under_way().write, piece)
                case FileEnd():
                    file = await trio.to_thread.run_sync(self._under_way().finish)
                    self._files.append(NewAttachment(name=self._name, file=file))
                    self._writing = None
        except FileTooLargeError:
            self._trouble = f"{self._name} is larger than {size_in_words(MOST_FILE_BYTES)}"
        except (binascii.Error, _OrderError):
            self._trouble = "the pieces of a file make no sense"
        except OSError as exc:
            self._trouble = f"{self._name} could not be stored: {exc.strerror or exc}"

    def take(self, number: int) -> tuple[NewAttachment, ...] | str:
        """The *number* files that a message says came before it, which are the caller's from now on; or why not.

        A message without files has nothing to do with any that somebody began to send.
        """
        if number == 0:
            return ()
        if self._trouble is None and (self._writing is not None or len(self._files) != number):
            self._trouble = "the files that belong to it did not arrive"
        if self._trouble is not None:
            return self._trouble
        files, self._files = tuple(self._files), []
        return files

    async def discard(self) -> None:
        """Forget what no message took, and begin anew. What does not go in time is left to the sweep of the spool."""
        writing, files = self._writing, self._files
        self._writing, self._files, self._trouble = None, [], None
        if writing is None and not files:
            await trio.lowlevel.checkpoint()
            return

        def remove() -> None:
            if writing is not None:
                writing.discard()
            self._spool.remove(one.file.id for one in files)

        with trio.move_on_after(DISCARD_SECONDS, shield=True):
            await trio.to_thread.run_sync(remove)

    async def _begin(self, name: str) -> None:
        if self._writing is not None:
            # Whoever sent it could not read on.
            await trio.to_thread.run_sync(self._writing.discard)
            self._writing = None
        if len(self._files) == MOST_FILES:
            self._trouble = f"a message has at most {MOST_FILES} files"
            return
        self._name = name
        self._writing = await trio.to_thread.run_sync(self._spool.begin)

    def _under_way(self) -> Writing:
        if self._writing is None:
            raise _OrderError
        return self._writing


class _OrderError(ValueError):
    """A piece of no file."""
