"""The sandbox's side of the way out: programs that speak HTTP over TCP are carried to the host's socket, byte by byte.

It knows nothing of what it carries. There is nothing in it to steal or to get round: it leads where the socket does.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from socket import if_nameindex

import trio
from attrs import define

from runner.logs import log
from runner.splicing import carry
from schema.files import SANDBOX_GATEWAY
from schema.way_file import WAY_FILE, WayFile, load

LOCAL = "127.0.0.1"
ACCEPT_PAUSE = 0.1
MOST_CONNECTIONS = 16
"""At a time; further ones wait until one ends. As many as the host takes."""


@define(eq=False)
class Relay:
    """Takes connections for as long as `open_relay` is open."""

    _socket: Path
    _seats: trio.Semaphore
    port: int
    _alone: bool = False
    """Is there nobody else who could reach the port?"""

    @property
    def url(self) -> str:
        """Where the model answers, as programs in here see it."""
        return f"http://{LOCAL}:{self.port}"

    async def serve(self, listener: trio.abc.Listener[trio.SocketStream], nursery: trio.Nursery) -> None:
        """Take connections until cancelled; *nursery* carries them."""
        while True:
            await self._seats.acquire()
            try:
                near = await listener.accept()
            except OSError as exc:
                # Too many files are open, for the moment; a connection that is gone again is no harm either.
                log("not_accepted", why=str(exc))
                self._seats.release()
                await trio.sleep(ACCEPT_PAUSE)
                continue
            nursery.start_soon(self._carry, near)

    async def _carry(self, near: trio.SocketStream) -> None:
        """Carry one connection to the host and back until both sides have ended, or one breaks."""
        try:
            async with near:
                if not self._alone and not is_ours(near):
                    log("relay_refused", why="not a program of this user")
                    return
                async with await connect(self._socket) as far, trio.open_nursery() as nursery:
                    nursery.start_soon(_copy, near, far, nursery.cancel_scope)
                    nursery.start_soon(_copy, far, near, nursery.cancel_scope)
        except OSError as exc:
            log("gateway_unreachable", why=str(exc))
        finally:
            self._seats.release()


@asynccontextmanager
async def open_relay(socket: str, most: int = MOST_CONNECTIONS) -> AsyncIterator[Relay]:
    """A way to the host's *socket* for programs that only know TCP, on a port that the kernel chooses.

    No more than *most* connections are carried at a time.

    What the block raises comes out as it is. Cancellation: the port and every connection over it are closed.
    """
    failed: Exception | None = None
    (listener,) = await trio.open_tcp_listeners(0, host=LOCAL)
    relay = Relay(Path(socket), trio.Semaphore(most), listener.socket.getsockname()[1], is_alone(Path(socket)))
    async with listener, trio.open_nursery() as nursery:
        nursery.start_soon(relay.serve, listener, nursery)
        try:
            yield relay
        except Exception as exc:
            failed = exc
        nursery.cancel_scope.cancel()
    if failed is not None:
        raise failed


async def connect(path: Path) -> trio.SocketStream:
    """A connection to the host's unix socket at *path*, however long that is, or to what stands in for it.

    Raises `OSError`.
    """
    # Looked for each time: the host of tomorrow listens elsewhere, and has another secret.
    if (way := load(path.parent)) is not None:
        return await _greeted(way, path.name)
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return await trio.open_unix_socket(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)


async def _greeted(way: WayFile, name: str) -> trio.SocketStream:
    """A connection to what stands in for the socket *name*, which knows by now who we are. Raises `OSError`."""
    if name not in way.ports:
        raise OSError(f"there is no {name}")
    stream = await trio.open_tcp_stream(way.address, way.ports[name])
    try:
        await stream.send_all(way.greeting)
    except BaseException as exc:
        await trio.aclose_forcefully(stream)
        if isinstance(exc, trio.BrokenResourceError):
            raise OSError("the gateway hung up") from exc
        raise
    return stream


def is_alone(socket: Path) -> bool:
    """Has whoever sees the host's *socket* there a network of its own, with nobody else in it?

    Then nobody has to be looked for, which takes the kernel ten milliseconds.
    """
    if socket.parent != Path(SANDBOX_GATEWAY):
        return False
    return [name for _, name in if_nameindex()] == ["lo"] or (socket.parent / WAY_FILE).exists()


def is_ours(near: trio.SocketStream) -> bool:
    """Is the program at the other end one of this user's?

    A sandbox has nobody else in it. Where there is none, every user of the machine could reach the port.
    """
    try:
        peer, own = (_in_proc(*address) for address in (near.socket.getpeername(), near.socket.getsockname()))
        table = Path("/proc/self/net/tcp").read_text(encoding="ascii").splitlines()
    except OSError:
        return False
    found = (line.split() for line in table)
    return any(words[1:3] == [peer, own] and words[7] == str(os.getuid()) for words in found)


def _in_proc(host: str, port: int) -> str:
    """An address as the kernel's table has it: the bytes of the host as the number that this machine takes them for."""
    return f"{int.from_bytes(bytes(map(int, host.split('.'))), sys.byteorder):08X}:{port:04X}"


async def _copy(source: trio.SocketStream, sink: trio.SocketStream, both: trio.CancelScope) -> None:
    """Pass on what comes, and that nothing more does. One that breaks ends *both* directions."""
    try:
        await carry(source, sink)
    except (OSError, trio.BrokenResourceError):
        both.cancel()
