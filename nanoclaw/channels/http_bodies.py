"""Bodies of HTTP that are larger than memory should be: out of files, and into the spool.

None of them is an async generator: one that a broken connection leaves half read would be nobody's to end.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Self

import httpx2
import trio
from attrs import define, field, frozen

from nanoclaw.kit.ids import token
from nanoclaw.kit.spool import FileTooLargeError, Spool, Writing
from nanoclaw.model.files import Spooled

PIECE = 64 << 10
DISCARD_SECONDS = 1.0


@frozen(kw_only=True)
class Part:
    """A file in a form."""

    field: str
    """The field's name."""
    name: str
    """The file's."""
    path: Path
    size: int
    mime_type: str = "application/octet-stream"


@define(eq=False)
class Body(httpx2.AsyncByteStream):
    """Bytes and files, one after the other, read as they are sent. Goes once."""

    pieces: Sequence[bytes | Path]
    size: int
    """Of all of it, in bytes."""
    headers: Mapping[str, str] = field(init=False)
    """What belongs with it: its length."""
    _at: int = field(default=0, init=False)
    _file: BinaryIO | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.headers = {"content-length": str(self.size)}

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        while self._at < len(self.pieces):
            piece = self.pieces[self._at]
            if isinstance(piece, bytes):
                self._at += 1
                await trio.lowlevel.checkpoint()
                return piece
            if data := await trio.to_thread.run_sync(self._read, piece):
                return data
            self._at += 1
        await trio.lowlevel.checkpoint()
        raise StopAsyncIteration

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close what is open. May be repeated; whoever makes a body does it in the end."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _read(self, path: Path) -> bytes:
        if self._file is None:
            self._file = path.open("rb")
        data = self._file.read(PIECE)
        if not data:
            self.close()
        return data


def file_body(path: Path, size: int) -> Body:
    """A file as it is."""
    return Body((path,), size)


def form_body(fields: Mapping[str, str], files: Sequence[Part]) -> tuple[Body, dict[str, str]]:
    """A form of *fields* and *files* (`multipart/form-data`), and the headers that belong with it."""
    boundary = token()
    pieces: list[bytes | Path] = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for file in files:
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(file.field)}"; '
            f'filename="{_quoted(file.name)}"\r\nContent-Type: {_quoted(file.mime_type)}\r\n\r\n'
        )
        pieces += [head.encode(), file.path, b"\r\n"]
    pieces.append(f"--{boundary}--\r\n".encode())
    size = sum(len(piece) for piece in pieces if isinstance(piece, bytes)) + sum(file.size for file in files)
    body = Body(tuple(pieces), size)
    return body, {**body.headers, "content-type": f"multipart/form-data; boundary={boundary}"}


def _quoted(name: str) -> str:
    """As browsers do it: nothing of a name can end its quotes, or its line."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


async def hear(response: httpx2.Response, most: int) -> bytes | None:
    """The body, of at most *most* bytes; None: it has more, or is compressed, which nobody asked for."""
    if response.headers.get("content-encoding", "identity") != "identity":
        await trio.lowlevel.checkpoint()
        return None
    heard = bytearray()
    with trio.CancelScope() as hearing:
        async for piece in response.aiter_raw():
            heard += piece
            if len(heard) > most:
                # Not left by an exception from here: the library's own generators would stay behind, unfinished.
                hearing.cancel()
    return None if len(heard) > most else bytes(heard)


async def spool_in(response: httpx2.Response, spool: Spool, most: int) -> Spooled:
    """The body as a file of the spool. Raises as `Platform.download` does."""
    if int(response.headers.get("content-length") or 0) > most:
        await trio.lowlevel.checkpoint()
        raise FileTooLargeError(f"more than {most} bytes")
    writing: Writing | None = None
    failure: OSError | FileTooLargeError | None = None
    try:
        writing = await trio.to_thread.run_sync(lambda: spool.begin(most=most))
        with trio.CancelScope() as hearing:
            async for piece in response.aiter_raw():
                if failure is not None:
                    continue
                try:
                    await trio.to_thread.run_sync(writing.write, piece)
                except (OSError, FileTooLargeError) as exc:
                    failure = exc
                    hearing.cancel()
        if failure is not None:
            raise failure
        return await trio.to_thread.run_sync(writing.finish)
    finally:
        if writing is not None:
            with trio.move_on_after(DISCARD_SECONDS, shield=True):
                await trio.to_thread.run_sync(writing.discard)
