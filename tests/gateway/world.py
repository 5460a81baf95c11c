"""Somebody out there that a sandbox asks for by name, and a sandbox that asks a gateway as its proxy."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import trio
from attrs import define, field

from nanoclaw.core.egress import Policy, Preset, Rule, read_rule
from nanoclaw.core.endpoints import ANTHROPIC, read_endpoint
from nanoclaw.core.host_names import Address
from nanoclaw.gateway.bound import AskBound, TellPassed, ValueOf, no_secret, nobody_passed, nothing_bound
from nanoclaw.gateway.dial import UnreachableError
from nanoclaw.gateway.egress import Egress
from nanoclaw.gateway.gateway import Gateway, Way
from nanoclaw.gateway.reach import Reach
from nanoclaw.gateway.told import Told
from nanoclaw.gateway.wire import client
from nanoclaw.kit.tree import TreeNode
from nanoclaw.model.egress import EgressLimits
from nanoclaw.model.ids import SessionId
from schema.files import PROXY_SOCKET
from tests.gateway.upstream import Caller

LOOPBACK = ipaddress.ip_address("127.0.0.1")


def rule(text: str, *methods: str, path: str = "", near: bool = True) -> Rule:
    """A rule that lets a test reach what it serves itself."""
    found = read_rule(text, methods=methods, path=path, near=near)
    assert isinstance(found, Rule), found
    return found


@define(eq=False)
class Outside:
    """A gateway whose names are the test's, and one sandbox of it."""

    folder: Path
    policy: Policy | None = field(factory=Policy)
    """None: nobody can say."""
    told: list[Told] = field(factory=list[Told])
    names: dict[str, Sequence[Address]] = field(factory=dict[str, Sequence[Address]])
    looked_up: list[str] = field(factory=list[str])
    _open: AsyncExitStack = field(factory=AsyncExitStack, init=False)

    def allow(self, *rules: Rule, presets: frozenset[Preset] = frozenset()) -> None:
        """Allow these and nothing else."""
        self.policy = Policy(rules=rules, presets=presets, agent="nano")

    async def resolve(self, name: str) -> Sequence[Address]:
        """The address of a name, of those that the test knows."""
        await trio.lowlevel.checkpoint()
        self.looked_up.append(name)
        if name not in self.names:
            raise UnreachableError(f"the name {name} is not known here")
        return self.names[name]

    async def find(self) -> Policy:
        """What is allowed."""
        await trio.lowlevel.checkpoint()
        if self.policy is None:
            raise UnreachableError("the host cannot read what is allowed")
        return self.policy

    async def stream(self) -> trio.SocketStream:
        """A connection from the sandbox."""
        there = os.open(self.folder, os.O_PATH)
        try:
            stream = await trio.open_unix_socket(f"/proc/self/fd/{there}/{PROXY_SOCKET}")
        finally:
            os.close(there)
        return await self._open.enter_async_context(stream)

    async def caller(self) -> Caller:
        """The same, for who speaks HTTP."""
        return Caller(client(await self.stream()))

    async def ask(self, target: str, *body: bytes, method: str = "GET", **headers: str) -> tuple[int, str]:
        """The status and the text of the answer to one request on a connection of its own."""
        caller = await self.caller()
        await caller.begin(*body, target=target, method=method, **headers)
        heard = await caller.hear()
        return heard.status, heard.body.decode()

    async def tunnel(self, authority: str) -> tuple[int, trio.SocketStream, str]:
        """Asks for a tunnel: the answer's status, the stream, and the words of its first line."""
        stream = await self.stream()
        await stream.send_all(f"CONNECT {authority} HTTP/1.1\r\nhost: {authority}\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head and (more := await stream.receive_some(1)):
            head += more
        _, status, words = head.split(b"\r\n")[0].decode().split(" ", 2)
        return int(status), stream, words

    async def close(self) -> None:
        """Leave."""
        await self._open.aclose()


@asynccontextmanager
async def open_outside(
    folder: Path,
    *,
    limits: EgressLimits | None = None,
    names: Mapping[str, Sequence[Address]] | None = None,
    bound: AskBound = nothing_bound,
    passed: TellPassed = nobody_passed,
    value_of: ValueOf = no_secret,
) -> AsyncIterator[Outside]:
    """A gateway, and a sandbox whose proxy it is, for the length of the block."""
    outside = Outside(folder, names=dict(names or {}))
    gateway = Gateway(lambda _: None, TreeNode("gateway"), reach=Reach(outside.resolve), value_of=value_of)
    egress = Egress(
        policy=outside.find, tell=outside.told.append, limits=limits or EgressLimits(), bound=bound, passed=passed
    )
    way = Way(session=SessionId("ses-1"), folder=folder, owner=None, endpoint=read_endpoint(ANTHROPIC), egress=egress)
    async with trio.open_nursery() as nursery:
        await nursery.start(gateway.run)
        async with gateway.open(way):
            try:
                yield outside
            finally:
                await outside.close()
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def open_bytes(answer: Callable[[trio.SocketStream], Awaitable[None]]) -> AsyncIterator[int]:
    """A server on loopback that is *answer*; its port."""
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, answer, 0, host=str(LOOPBACK)))
        yield listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()
