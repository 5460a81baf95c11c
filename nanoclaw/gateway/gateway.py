"""The only way out of a sandbox: a socket for each session, behind which its model answers.

The socket is the identity: it is mounted into one sandbox, and what comes over it comes from there. The key is added on
this side. A second socket beside it leads to what the operator allowed, and to nothing else; where there is a OneCLI
server, to that server's proxy and nowhere else.
"""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

import structlog
import trio
from attrs import define, field, frozen
from structlog.contextvars import bind_contextvars

from nanoclaw.core.endpoints import BadEndpoint, Endpoint
from nanoclaw.core.model_requests import Key, Refuse
from nanoclaw.core.model_usage import Meter as CallMeter
from nanoclaw.errors import SandboxError, UsageError
from nanoclaw.gateway.bound import ValueOf, no_secret
from nanoclaw.gateway.connection import Connection
from nanoclaw.gateway.dial import Dial, dial
from nanoclaw.gateway.egress import Egress, EgressConnection
from nanoclaw.gateway.meter import Meter
from nanoclaw.gateway.reach import Reach
from nanoclaw.gateway.seal import REFUSED_SECONDS, Seal
from nanoclaw.gateway.tunnel import FindProxy, carry
from nanoclaw.gateway.wire import server
from nanoclaw.kit.failures import one_line
from nanoclaw.kit.sockets import bind_in
from nanoclaw.kit.tree import TreeNode
from nanoclaw.model.ids import SessionId
from nanoclaw.model.sandbox import Owner
from schema.files import GATEWAY_SOCKET, PROXY_SOCKET

log = structlog.get_logger()

MOST_CONNECTIONS = 16
"""Of one session at a time; further ones wait until one ends."""

ACCEPT_LATER = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
ACCEPT_PAUSE = 0.1


@asynccontextmanager
async def uncounted(_: SessionId, __: bool) -> AsyncIterator[CallMeter | Refuse]:
    """The turn of a call where nobody counts."""
    await trio.lowlevel.checkpoint()
    yield CallMeter()


@frozen(kw_only=True)
class Way:
    """One session's way out."""

    session: SessionId
    folder: Path
    """Where its socket is; it is there, and only the host can write in it."""
    owner: Owner | None
    """Who its sandbox runs as; None: whoever runs the host."""
    endpoint: Endpoint | BadEndpoint
    """Where its model answers."""
    proxy: FindProxy | None = None
    """Where OneCLI's proxy is; None: there is none."""
    egress: Egress | None = None
    """What else it may reach; None: nothing. It counts for nothing where OneCLI decides."""
    at: str | None = None
    """The address of this machine at which ports stand in for its sockets; None: there are sockets."""

    @property
    def names(self) -> tuple[str, ...]:
        """Those of its sockets."""
        leads_on = self.proxy is not None or self.egress is not None
        return (GATEWAY_SOCKET, PROXY_SOCKET) if leads_on else (GATEWAY_SOCKET,)


@define(eq=False)
class Gateway:
    """Serves every way that is open."""

    _key_for: Callable[[str], Key | None]
    """The key that is set for an origin. Blocks. Raises `UsageError`."""
    _node: TreeNode
    _dial: Dial = dial
    _reach: Reach = field(factory=Reach)
    _turns: Callable[[SessionId, bool], AbstractAsyncContextManager[CallMeter | Refuse]] = field(default=uncounted)
    """The turn of a call of that session; see `connection.Turn`."""
    _value_of: ValueOf = no_secret
    """What a secret says that is bound to a host. Blocks."""
    _doors: list[_Door] = field(factory=list["_Door"], init=False)
    _nursery: trio.Nursery | None = field(default=None, init=False)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled. Started anew after a failure, it serves the ways that are open."""
        async with trio.open_nursery() as nursery:
            for door in list(self._doors):
                try:
                    await nursery.start(door.serve)
                except OSError:
                    log.exception("gateway_way_lost", session=door.way.session)
            self._nursery = nursery
            task_status.started()
            try:
                await trio.sleep_forever()
            finally:
                # A nursery that is closing takes nobody in.
                self._nursery = None

    @asynccontextmanager
    async def open(self, way: Way) -> AsyncIterator[None]:
        """Let *way* be open for the length of the block. Its socket is there when the block begins.

        Raises:
          SandboxError: the socket cannot be made.

        Cancellation: closed at once, with every connection over it.
        """
        async with contextlib.AsyncExitStack() as stack:
            for door in self._doors_of(way):
                await stack.enter_async_context(self._opened(door))
            yield

    async def serve(self, way: Way, sockets: Sequence[socket.socket], seal: str | None = None) -> None:
        """Serve *way*, whose *sockets* listen already, until cancelled. `run` has nothing to do with it.

        Args:
          way: Whose folder nobody looks at.
          sockets: In the order of `Way.names`; they belong to this from now on.
          seal: The digest of what everybody has to say first; see `Opening`.

        Cancellation: closed at once, with every connection over it; all of them are over when this returns.
        """
        doors = self._doors_of(way)
        if seal is not None:
            sealed = Seal(seal, way.session)
            for door in doors:
                door.seal = sealed
        self._doors += doors
        try:
            async with trio.open_nursery() as nursery:
                for door, plain in zip(doors, sockets, strict=True):
                    nursery.start_soon(door.take, trio.SocketListener(trio.socket.from_stdlib_socket(plain)))
        finally:
            for door in doors:
                self._doors.remove(door)

    @property
    def connections(self) -> int:
        """How many there are."""
        return sum(door.connections for door in self._doors)

    def _doors_of(self, way: Way) -> list[_Door]:
        """By name, in the order of `Way.names`."""
        doors = [_Door(way, GATEWAY_SOCKET, partial(self._to_model, way))]
        if way.proxy is not None:
            to_proxy = partial(carry, find=way.proxy, dial=self._dial, note=partial(_note, way.session))
            doors.append(_Door(way, PROXY_SOCKET, to_proxy))
        elif way.egress is not None:
            out = partial(self._outward, way.egress, _meter(way.egress))
            doors.append(_Door(way, PROXY_SOCKET, out, way.egress.limits.connections))
        return doors

    @asynccontextmanager
    async def _opened(self, door: _Door) -> AsyncIterator[None]:
        self._doors.append(door)
        self._show()
        try:
            if self._nursery is not None:
                try:
                    await self._nursery.start(door.serve)
                except OSError as exc:
                    raise SandboxError(engine="gateway", why=f"its socket cannot be made: {one_line(exc)}") from exc
            yield
        finally:
            self._doors.remove(door)
            door.close()
            self._show()

    def _show(self) -> None:
        self._node.set(doing=f"{len({door.way.session for door in self._doors})} open")

    async def _to_model(self, way: Way, stream: trio.SocketStream) -> None:
        find_key = partial(self._find_key, way.session)
        note = partial(_note, way.session)

        def refused(refusal: Refuse) -> None:
            note(refusal.status, refusal.why)

        turn = partial(self._turns, way.session)
        await Connection(server(stream), way.endpoint, find_key, self._dial, refused, turn).serve()

    async def _outward(self, egress: Egress, meter: Meter, stream: trio.SocketStream) -> None:
        await EgressConnection(server(stream), egress, meter, self._reach, self._value_of).serve()

    async def _find_key(self, session: SessionId, endpoint: Endpoint) -> Key | Refuse | None:
        try:
            # Read each time: a key that was set or removed just now holds for the next request.
            return await trio.to_thread.run_sync(self._key_for, endpoint.origin)
        except UsageError as exc:
            log.warning("gateway_keys_unusable", session=session, why=str(exc))
            return Refuse(
                status=401,
                kind="authentication_error",
                why="The host cannot use its keys; its log and nanoclaw secrets list say why.",
            )


@define(eq=False)
class _Door:
    """An open way, and who is coming through."""

    way: Way
    _name: str
    """The socket's."""
    _answer: Callable[[trio.SocketStream], Awaitable[None]]
    """Sees one connection to its end, and closes it."""
    _most: int = MOST_CONNECTIONS
    seal: Seal | None = field(default=None, init=False)
    connections: int = field(default=0, init=False)
    """How many there are now."""
    _seats: trio.Semaphore = field(init=False)
    _scope: trio.CancelScope | None = field(default=None, init=False)
    _closed: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._seats = trio.Semaphore(self._most)

    async def serve(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Take connections until the way is closed. Raises `OSError` if there can be no socket."""
        if self._closed:
            task_status.started()
            return
        owner = self.way.owner
        with trio.CancelScope() as self._scope:
            plain = await trio.to_thread.run_sync(
                bind_in, self.way.folder, self._name, None if owner is None else (owner.uid, owner.gid)
            )
            listener = trio.SocketListener(trio.socket.from_stdlib_socket(plain))
            task_status.started()
            await self.take(listener)

    async def take(self, listener: trio.SocketListener) -> None:
        """Take connections until cancelled. Closes *listener*."""
        async with listener, trio.open_nursery() as nursery:
            while True:
                # In line outside: what waits there costs a place in the kernel's queue and no memory.
                await self._seats.acquire()
                nursery.start_soon(self._serve_one, await _accept(listener))

    def close(self) -> None:
        """Close the way and what is coming through. The socket is gone when this returns."""
        self._closed = True
        if self._scope is not None:
            self._scope.cancel()
        with contextlib.suppress(OSError):
            (self.way.folder / self._name).unlink(missing_ok=True)

    async def _serve_one(self, stream: trio.SocketStream) -> None:
        """See one connection to its end; whatever goes wrong in it ends it and nothing else."""
        bind_contextvars(session=self.way.session)
        self.connections += 1
        try:
            if self.seal is None or await self.seal.admits(stream):
                await self._answer(stream)
            else:
                await trio.aclose_forcefully(stream)
                await trio.sleep(REFUSED_SECONDS)
        except Exception as exc:
            log.exception("gateway_connection_failed", session=self.way.session, exc_info=exc)
        finally:
            self.connections -= 1
            self._seats.release()


def _meter(egress: Egress) -> Meter:
    """Goes on from where the sandbox is."""
    return Meter(egress.limits, before=egress.spending.so_far(), say=egress.spending.move)


def _note(session: SessionId, status: int, why: str) -> None:
    log.warning("gateway_refused", session=session, status=status, why=why)


async def _accept(listener: trio.abc.Listener[trio.SocketStream]) -> trio.SocketStream:
    """The next connection, also where the process has too many files open for the moment."""
    while True:
        try:
            return await listener.accept()
        except OSError as exc:
            if exc.errno not in ACCEPT_LATER:
                raise
            await trio.sleep(ACCEPT_PAUSE)
