"""Files that a page sends ahead of its message: in the spool, until a message takes them or nobody comes for them."""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import NoReturn

import trio
from attrs import define, field, frozen

from nanoclaw.core.attachments import size_in_words
from nanoclaw.core.conversations import Person
from nanoclaw.kit.every import every
from nanoclaw.kit.ids import token
from nanoclaw.kit.spool import FileTooLargeError, Spool, Writing
from nanoclaw.model.files import NewAttachment, Spooled
from schema.files import MOST_FILE_BYTES, MOST_FILES

KEPT_SECONDS = 600.0
MOST_WAITING = 2 * MOST_FILES
"""Files of one person that wait for their message."""
MOST_AT_ONCE = 8
"""Files that are on their way, of all."""
MOST_NAME = 1_000
DISCARD_SECONDS = 1.0


class UploadError(Exception):
    """A file was not taken; `str()` says why."""


@frozen
class _Waiting:
    person: Person
    file: NewAttachment
    until: float


@define(eq=False)
class Uploads:
    """All files that wait. What is left when the host ends is the sweep of the spool's."""

    _spool: Spool
    _waiting: dict[str, _Waiting] = field(factory=dict[str, _Waiting], init=False)
    _room: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(MOST_AT_ONCE), init=False)

    async def take_in(self, person: Person, name: str, body: AsyncIterable[bytes]) -> str:
        """Store one file; returns the id by which a message of *person*'s can take it.

        Raises:
          UploadError: it is too large, there are too many, or the disk would not.

        Cancellation: nothing of it remains.
        """
        if not 0 < len(name) <= MOST_NAME:
            raise UploadError("a file needs a name")
        if sum(one.person.handle == person.handle for one in self._waiting.values()) >= MOST_WAITING:
            raise UploadError(f"{MOST_WAITING} files wait for their message already")
        async with self._room:
            file = await self._store(body)
        key = token()
        self._waiting[key] = _Waiting(person, NewAttachment(name=name, file=file), trio.current_time() + KEPT_SECONDS)
        return key

    def take(self, person: Person, keys: tuple[str, ...]) -> tuple[NewAttachment, ...] | None:
        """The files of those ids, which are the caller's from now on; None, and none is taken: one is not there."""
        found = [self._waiting.get(key) for key in keys]
        files = [one.file for one in found if one is not None and one.person.handle == person.handle]
        if len(files) < len(keys) or len(set(keys)) < len(keys):
            return None
        for key in keys:
            del self._waiting[key]
        return tuple(files)

    async def run(self) -> NoReturn:
        """Let go of what nobody comes for, until cancelled."""
        await every(KEPT_SECONDS / 10, self._let_go)

    async def _store(self, body: AsyncIterable[bytes]) -> Spooled:
        writing: Writing | None = None
        try:
            writing = await trio.to_thread.run_sync(self._spool.begin)
            async for piece in body:
                await trio.to_thread.run_sync(writing.write, piece)
            return await trio.to_thread.run_sync(writing.finish)
        except FileTooLargeError:
            raise UploadError(f"it is larger than {size_in_words(MOST_FILE_BYTES)}") from None
        except OSError as exc:
            raise UploadError(f"it could not be stored: {exc.strerror or exc}") from None
        finally:
            if writing is not None:
                with trio.move_on_after(DISCARD_SECONDS, shield=True):
                    await trio.to_thread.run_sync(writing.discard)

    async def _let_go(self) -> None:
        late = [key for key, one in self._waiting.items() if one.until <= trio.current_time()]
        gone = [self._waiting.pop(key).file.file.id for key in late]
        if gone:
            await trio.to_thread.run_sync(self._spool.remove, gone)
        else:
            await trio.lowlevel.checkpoint()
