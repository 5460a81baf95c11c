"""Unix sockets that only their user can open."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from nanoclaw.errors import UsageError
from nanoclaw.kit.sockets import LONGEST_PATH, listen


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: a socket's path has to be short, a test's folder may not be."""
    monkeypatch.chdir(tmp_path)
    return Path()


@asynccontextmanager
async def listening(path: Path) -> AsyncIterator[trio.SocketListener]:
    """`listen` for the length of a block."""
    listener = listen(path)
    try:
        yield listener
    finally:
        with trio.move_on_after(0, shield=True):
            await listener.aclose()


async def call(path: Path, listener: trio.SocketListener) -> bytes:
    """Say something through the socket; returns what came out at the other end."""
    async with trio.open_nursery() as nursery:
        heard: list[bytes] = []

        async def answer() -> None:
            async with await listener.accept() as stream:
                heard.append(await stream.receive_some())

        nursery.start_soon(answer)
        async with await trio.open_unix_socket(str(path)) as stream:
            await stream.send_all(b"hello")
    return heard[0]


async def test_who_calls_is_heard(folder: Path) -> None:
    path = folder / "a.sock"
    async with listening(path) as listener:
        assert await call(path, listener) == b"hello"


async def test_the_socket_is_its_users_alone_whatever_the_umask_says(folder: Path) -> None:
    before = os.umask(0)
    try:
        async with listening(folder / "a.sock"):
            assert stat.S_IMODE((folder / "a.sock").stat().st_mode) == 0o600
    finally:
        os.umask(before)


async def test_what_a_dead_host_left_is_replaced(folder: Path) -> None:
    path = folder / "a.sock"
    async with listening(path):
        pass
    assert path.is_socket()
    async with listening(path) as listener:
        assert await call(path, listener) == b"hello"


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
async def test_what_is_no_socket_is_left_alone(folder: Path, kind: str) -> None:
    path, kept = folder / "a.sock", folder / "kept"
    kept.write_bytes(b"precious")
    match kind:
        case "file":
            path.write_bytes(b"precious")
        case "folder":
            path.mkdir()
        case _:
            path.symlink_to("kept")
    before = path.lstat()
    with pytest.raises(OSError) as refused:  # noqa: PT011 - its number is looked at
        listen(path)
    assert refused.value.errno == errno.EADDRINUSE
    assert path.lstat().st_ino == before.st_ino
    assert kept.read_bytes() == b"precious"
    await trio.lowlevel.checkpoint()


async def test_a_path_may_be_as_long_as_a_socket_takes_and_no_longer(folder: Path) -> None:
    longest = folder / ("é" * ((LONGEST_PATH - 1) // 2) + "x" * ((LONGEST_PATH - 1) % 2) + "y")
    assert len(bytes(longest)) == LONGEST_PATH
    async with listening(longest) as listener:
        assert await call(longest, listener) == b"hello"
    longer = longest.with_name(longest.name + "z")
    with pytest.raises(UsageError, match="choose a shorter NANOCLAW_HOME"):
        listen(longer)
    assert not longer.exists()


async def test_a_socket_that_cannot_be_made_leaves_nothing_open(folder: Path) -> None:
    before = sorted(os.listdir("/proc/self/fd"))  # noqa: PTH208 - the names are all there is
    for _ in range(3):
        with pytest.raises(FileNotFoundError):
            listen(folder / "missing" / "a.sock")
    assert len(os.listdir("/proc/self/fd")) == len(before)  # noqa: PTH208 - see above
    await trio.lowlevel.checkpoint()
