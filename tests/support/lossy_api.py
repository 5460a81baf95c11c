"""The way to a container daemon, on which answers are lost: before it acts, after it has, or long before it will."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from enum import Enum
from functools import partial
from typing import Generic, TypeVar

import trio
from attrs import define, field

from nanoclaw.core.sandbox_spec import Image
from nanoclaw.sandboxes.docker_api import (
    Container,
    ContainerId,
    Daemon,
    Ended,
    Inspected,
    LogLine,
    NoAnswerError,
    RefusedError,
    RequestError,
)
from nanoclaw.sandboxes.docker_network_api import DockerApi, FoundNetwork, NetworkId

T = TypeVar("T")

LATER = 3.0
"""Seconds that a request may stay on its way."""


class Trouble(Enum):
    """What can befall a request."""

    LOST = "it never gets there"
    ANSWER_LOST = "it is done, and nobody hears so"
    LATE = "nobody answers, and it is done some seconds later"
    SLOW = "it is done and answered some seconds later"
    REFUSED = "the daemon does not do it"


@define(eq=False)
class Answer(Generic[T]):
    """What came of a request."""

    there: trio.Event = field(factory=trio.Event)
    values: list[T] = field(factory=list)
    """One, if it was done."""
    error: RequestError | None = None


@define(eq=False)
class LossyApi:
    """A `DockerApi` in front of another one. A request whose caller is cancelled is done all the same."""

    _inner: DockerApi
    _nursery: trio.Nursery
    trouble: Callable[[str], Trouble | None] = field(default=lambda _: None)
    """Asked for every request, by its name."""
    later: float = LATER
    _streams: set[trio.CancelScope] = field(factory=set[trio.CancelScope], init=False)
    under_way: int = field(default=0, init=False)
    """Requests that somebody made and that are not done yet, their callers gone or not."""

    async def daemon(self) -> Daemon:
        return await self._ask("daemon", self._inner.daemon)

    async def image(self, reference: str) -> Image:
        return await self._ask("image", partial(self._inner.image, reference))

    async def create(self, name: str, body: Mapping[str, object]) -> ContainerId:
        return await self._ask("create", partial(self._inner.create, name, body))

    async def start(self, container: ContainerId) -> None:
        await self._ask("start", partial(self._inner.start, container))

    async def inspect(self, container: ContainerId | str) -> Inspected:
        return await self._ask("inspect", partial(self._inner.inspect, container))

    async def signal(self, container: ContainerId, name: str) -> None:
        await self._ask("signal", partial(self._inner.signal, container, name))

    async def pause(self, container: ContainerId) -> None:
        await self._ask("pause", partial(self._inner.pause, container))

    async def unpause(self, container: ContainerId) -> None:
        await self._ask("unpause", partial(self._inner.unpause, container))

    async def remove(self, container: ContainerId) -> None:
        await self._ask("remove", partial(self._inner.remove, container))

    async def containers(self, labels: Mapping[str, str]) -> tuple[Container, ...]:
        return await self._ask("containers", partial(self._inner.containers, labels))

    async def logs(
        self, container: ContainerId, *, since: str | None, most_bytes: int, tail: int | None = None
    ) -> tuple[LogLine, ...]:
        read = partial(self._inner.logs, container, since=since, most_bytes=most_bytes, tail=tail)
        return await self._ask("logs", read)

    async def create_network(self, body: Mapping[str, object]) -> None:
        await self._ask("create_network", partial(self._inner.create_network, body))

    async def network(self, name: str) -> FoundNetwork:
        return await self._ask("network", partial(self._inner.network, name))

    async def networks(self, labels: Mapping[str, str]) -> tuple[FoundNetwork, ...]:
        return await self._ask("networks", partial(self._inner.networks, labels))

    async def remove_network(self, network: NetworkId) -> None:
        await self._ask("remove_network", partial(self._inner.remove_network, network))

    async def listen(
        self, labels: Mapping[str, str], heard: Callable[[Ended], None], connected: Callable[[], None]
    ) -> None:
        if self.trouble("listen") is not None:
            await trio.lowlevel.checkpoint()
            raise NoAnswerError("the stream could not be had")
        with trio.CancelScope() as stream:
            self._streams.add(stream)
            try:
                await self._inner.listen(labels, heard, connected)
            finally:
                self._streams.discard(stream)
        raise NoAnswerError("the stream broke")

    def break_streams(self) -> None:
        """Whoever listens has to listen anew."""
        for stream in self._streams:
            stream.cancel()

    async def _ask(self, name: str, request: Callable[[], Awaitable[T]]) -> T:
        trouble = self.trouble(name)
        if trouble is Trouble.LOST:
            await trio.sleep(0.01)
            raise NoAnswerError("lost on the way there")
        if trouble is Trouble.REFUSED:
            await trio.sleep(0.01)
            raise RefusedError("not now")
        answer = Answer[T]()
        pause = self.later if trouble in (Trouble.SLOW, Trouble.LATE) else 0.0
        self._nursery.start_soon(self._do, request, pause, answer)
        if trouble is Trouble.LATE:
            await trio.sleep(0.01)
            raise NoAnswerError("no answer in time")
        await answer.there.wait()
        if trouble is Trouble.ANSWER_LOST:
            raise NoAnswerError("lost on the way back")
        if answer.error is not None:
            raise answer.error
        return answer.values[0]

    async def _do(self, request: Callable[[], Awaitable[T]], pause: float, answer: Answer[T]) -> None:
        self.under_way += 1
        try:
            await trio.sleep(pause)
            answer.values.append(await request())
        except RequestError as exc:
            answer.error = exc
        finally:
            self.under_way -= 1
        answer.there.set()


@asynccontextmanager
async def lossy(inner: DockerApi) -> AsyncIterator[LossyApi]:
    """A way to *inner*, as long as the block lasts."""
    async with trio.open_nursery() as nursery:
        yield LossyApi(inner, nursery)
        nursery.cancel_scope.cancel()
