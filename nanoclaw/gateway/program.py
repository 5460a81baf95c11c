"""The gateway's own process, with a unix socket as its standard input. `nanoclaw/gateway/start.py` comes first.

It holds no line to the truth: what it may do it asks the host, each time, and without an answer it does nothing. It is
the one that reads the keys. It ends when the host does.
"""

from __future__ import annotations

import os
import resource
import socket
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import trio
from attrs import define, field

from nanoclaw.gateway.egress import Egress
from nanoclaw.gateway.frames import (
    Alive,
    Answer,
    Beat,
    Begin,
    Closed,
    Opened,
    Ready,
    ToGateway,
    ToHost,
    read_for_gateway,
    write,
)
from nanoclaw.gateway.gateway import Gateway, Way
from nanoclaw.gateway.host_line import HostLine
from nanoclaw.gateway.secrets_file import SecretsFile
from nanoclaw.gateway.spending import Spending
from nanoclaw.gateway.told import Told
from nanoclaw.kit.pipe import Pipe
from nanoclaw.kit.tree import TreeNode
from nanoclaw.logs import log_to_stream

LAST_SECONDS = 1.0
"""For the host to take the last words."""


def main() -> None:
    """Be the gateway until the host ends."""
    log_to_stream(sys.stderr)
    trio.run(_serve, socket.socket(fileno=os.dup(0)), restrict_keyboard_interrupt_to_checkpoints=True)


async def _serve(plain: socket.socket) -> None:
    pipe = Pipe(plain)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(pipe.run)
            await _Process(pipe).serve()
            nursery.cancel_scope.cancel()
        with trio.move_on_after(LAST_SECONDS):
            await pipe.sent()
    finally:
        pipe.close()


@define(eq=False)
class _Process:
    """Hears the host, and does what it says."""

    _pipe: Pipe
    _host: HostLine = field(init=False)
    _gateway: Gateway | None = field(default=None, init=False)
    _ways: dict[int, trio.CancelScope] = field(factory=dict[int, trio.CancelScope], init=False)

    def __attrs_post_init__(self) -> None:
        self._host = HostLine(self._say)

    async def serve(self) -> None:
        """Until the host has gone."""
        self._say(Ready(process=os.getpid()))
        async with trio.open_nursery() as nursery:
            while (heard := await self._pipe.receive()) is not None:
                said, files = heard
                self._obey(read_for_gateway(said), [socket.socket(fileno=file) for file in files], nursery)
            nursery.cancel_scope.cancel()

    def _obey(self, said: ToGateway, sockets: Sequence[socket.socket], nursery: trio.Nursery) -> None:
        match said:
            case Begin(home=home):
                keys = SecretsFile(Path(home))
                self._gateway = Gateway(
                    keys.key_for, TreeNode("gateway"), turns=self._host.turn, value_of=keys.value_of
                )
            case Opened():
                self._ways[said.way] = trio.CancelScope()
                nursery.start_soon(self._open, said, sockets, self._ways[said.way])
            case Closed(way=way):
                if (scope := self._ways.get(way)) is not None:
                    scope.cancel()
            case Answer():
                self._host.answered(said)
            case Beat():
                self._host.beat()
                count = self._gateway.connections if self._gateway is not None else 0
                self._say(Alive(memory=resident(), connections=count))

    async def _open(self, opened: Opened, sockets: Sequence[socket.socket], scope: trio.CancelScope) -> None:
        assert self._gateway is not None
        number, limits = opened.way, opened.limits
        egress = None
        if limits is not None:
            policy, begins = partial(self._host.policy, number), partial(self._host.begins, number)
            bound = partial(self._host.bound, number)
            spending = Spending(opened.spent, partial(self._host.moved, number))
            egress = Egress(
                policy=policy,
                tell=_nobody,
                begins=begins,
                limits=limits,
                bound=bound,
                passed=self._host.passed,
                spending=spending,
            )
        way = Way(
            session=opened.session,
            folder=Path("/"),
            owner=None,
            endpoint=opened.endpoint,
            proxy=partial(self._host.proxy, number) if opened.proxied else None,
            egress=egress,
        )
        with scope:
            await self._gateway.serve(way, sockets, opened.seal)
        del self._ways[number]
        self._host.shut(number)

    def _say(self, said: ToHost) -> bool:
        return self._pipe.say(write(said))


def _nobody(_: Told) -> None:
    """Every request is told of from its beginning."""


def resident() -> int:
    """Bytes that this process holds in memory now."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize()


if __name__ == "__main__":
    main()
