"""A container daemon in memory: names are unique, removing takes a while, and it may restart under its clients.

What goes wrong between a client and it is `tests/support/lossy_api.py`'s part.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import trio
from attrs import define, field

from nanoclaw.core.sandbox_check import EngineFacts
from nanoclaw.core.sandbox_spec import INSTALL_LABEL, SESSION_LABEL, Image
from nanoclaw.sandboxes.docker_api import (
    ConflictError,
    Container,
    ContainerId,
    Daemon,
    Ended,
    Inspected,
    LogLine,
    NoAnswerError,
    NotThereError,
    RefusedError,
    State,
)
from tests.support.fake_container import FakeContainer, Listener, labels_of
from tests.support.fake_networks import FakeNetworks
from tests.support.inspected import describe

QUICK = 0.01
"""How long a request takes."""
SLOW = 0.1
"""How long a container takes to come, and to go."""
IMAGE = "nanoclaw/agent:dev"
GOOD = Daemon(version="29.0.0", is_docker=True, runc="1.3.3", facts=EngineFacts())


@define(eq=False)
class FakeDocker(FakeNetworks):
    """The daemon."""

    _nursery: trio.Nursery
    there: dict[ContainerId, FakeContainer] = field(factory=dict[ContainerId, FakeContainer])
    images: dict[str, Image] = field(factory=lambda: {IMAGE: Image(id="sha256:4711", environment=("PATH", "GPG_KEY"))})
    who: Daemon = GOOD
    up: bool = True
    events: int = 1
    """How often each event is told: 0, it is lost."""
    doubles: list[str] = field(factory=list[str])
    """Sessions of which two containers ran at once."""
    most_at_once: int = 0
    """How many were being started at one time."""
    tamper: Callable[[dict[str, Any]], None] | None = None
    """Changes what it makes of a request."""
    behave: Callable[[FakeContainer], None] | None = None
    """What a program does as soon as it runs."""
    describes: Callable[[Mapping[str, object], Mapping[str, str]], dict[str, Any]] = describe
    """What it says of the container that a request asked for: in Docker's words, or in others'."""
    refuse: dict[str, str] = field(factory=dict[str, str])
    """Requests that it refuses, and why."""
    _listeners: list[Listener] = field(factory=list[Listener])
    _reserved: set[str] = field(factory=set[str])
    """Names of containers that are being made."""
    _numbers: itertools.count[int] = field(factory=itertools.count)
    _starting: int = 0
    _lives: int = 0

    # The requests

    async def daemon(self) -> Daemon:
        await self._answer("daemon")
        return self.who

    async def image(self, reference: str) -> Image:
        await self._answer("image")
        if reference not in self.images:
            raise NotThereError(f"no such image: {reference}")
        return self.images[reference]

    async def create(self, name: str, body: Mapping[str, object]) -> ContainerId:
        await self._answer("create")
        if name in self._reserved or any(one.name == name for one in self.there.values()):
            raise ConflictError(f"the name {name} is taken")
        image = next((one for one in self.images.values() if one.id == body["Image"]), None)
        if image is None:
            raise NotThereError("no such image")
        self._reserved.add(name)
        try:
            await self._take(SLOW)
        finally:
            self._reserved.discard(name)
        document = self.describes(body, image.labels)
        if self.tamper is not None:
            self.tamper(document)
        made = ContainerId(f"{next(self._numbers):064x}")
        labels = body["Labels"]
        assert isinstance(labels, dict)
        self.join(made, name, document)
        self.there[made] = FakeContainer(made, name, {**image.labels, **labels}, document)
        return made

    async def start(self, container: ContainerId) -> None:
        await self._answer("start")
        one = self._find(container)
        if one.state.lives:
            return
        if one.state is State.REMOVING:
            raise ConflictError("it is being removed")
        self._starting += 1
        self.most_at_once = max(self.most_at_once, self._starting)
        try:
            await self._take(SLOW)
        finally:
            self._starting -= 1
        if self._find(container).state.lives:
            return
        one.state = State.RUNNING
        one.starts += 1
        self._count()
        if self.behave is not None:
            self.behave(one)

    async def inspect(self, container: ContainerId | str) -> Inspected:
        await self._answer("inspect")
        one = self._find(container)
        return Inspected(
            id=one.id,
            labels=labels_of(one),
            state=one.state,
            exit_code=one.exit_code,
            out_of_memory=one.out_of_memory,
            document=one.document,
        )

    async def signal(self, container: ContainerId, name: str) -> None:
        await self._answer("signal")
        one = self._find(container)
        if not one.state.lives:
            raise ConflictError("it is not running")
        if name == "SIGKILL":
            self._nursery.start_soon(self._end_soon, one, 137)
        elif name == "SIGTERM":
            one.asked = True
            self._heed(one)

    async def pause(self, container: ContainerId) -> None:
        await self._answer("pause")
        one = self._find(container)
        if one.state is not State.RUNNING:
            raise ConflictError("it is not running, or paused")
        one.state = State.PAUSED

    async def unpause(self, container: ContainerId) -> None:
        await self._answer("unpause")
        one = self._find(container)
        if one.state is not State.PAUSED:
            raise RefusedError("it is not paused")
        one.state = State.RUNNING
        self._heed(one)

    async def remove(self, container: ContainerId) -> None:
        await self._answer("remove")
        one = self._find(container)
        if one.state is State.REMOVING:
            raise ConflictError("removal is already in progress")
        self.end(one, 137)
        one.state = State.REMOVING
        try:
            await self._take(SLOW)
        except NoAnswerError:
            one.state = State.DEAD
            raise
        self.there.pop(one.id, None)
        self.leave(one.id)
        self._tell(one, None)

    async def containers(self, labels: Mapping[str, str]) -> tuple[Container, ...]:
        await self._answer("containers")
        return tuple(
            Container(id=one.id, labels=labels_of(one), state=one.state)
            for one in self.there.values()
            if labels.items() <= one.labels.items()
        )

    async def logs(
        self, container: ContainerId, *, since: str | None, most_bytes: int, tail: int | None = None
    ) -> tuple[LogLine, ...]:
        await self._answer("logs")
        lines = [line for line in self._find(container).said if since is None or line.at >= since]
        found, size = [], 0
        for line in lines if tail is None else lines[-tail:]:
            found.append(line)
            size += len(line.text)
            if size >= most_bytes:
                break
        return tuple(found)

    async def listen(
        self, labels: Mapping[str, str], heard: Callable[[Ended], None], connected: Callable[[], None]
    ) -> None:
        await self._answer("listen")
        listener = Listener(labels, heard)
        self._listeners.append(listener)
        connected()
        try:
            await listener.broken.wait()
        finally:
            self._listeners.remove(listener)
        raise NoAnswerError("the stream broke")

    # What befalls it

    def end(self, one: FakeContainer, code: int, *, out_of_memory: bool = False) -> None:
        """A program ends, if it runs."""
        if one.state.lives:
            one.state, one.exit_code, one.out_of_memory = State.EXITED, code, out_of_memory
            self._tell(one, code)

    def break_streams(self) -> None:
        """Every client has to listen anew."""
        for listener in self._listeners:
            listener.broken.set()

    async def restart(self, seconds: float, *, kills: bool) -> None:
        """Be away for a while; without live-restore, its containers die with it and nobody hears of it."""
        self.up = False
        self._lives += 1
        self.break_streams()
        for one in self.there.values():
            if kills and one.state.lives:
                one.state, one.exit_code = State.EXITED, 137
        await trio.sleep(seconds)
        self.up = True

    def running(self) -> list[FakeContainer]:
        """All that run, or are paused."""
        return [one for one in self.there.values() if one.state.lives]

    def _heed(self, one: FakeContainer) -> None:
        if one.asked and not one.stubborn and one.state is State.RUNNING:
            self._nursery.start_soon(self._end_soon, one, 0)

    async def _end_soon(self, one: FakeContainer, code: int) -> None:
        await trio.sleep(QUICK)
        self.end(one, code)

    async def _answer(self, request: str) -> None:
        if self.up:
            await self._take(QUICK)
        else:
            await trio.lowlevel.checkpoint()
            raise NoAnswerError("connection refused")
        if request in self.refuse:
            raise RefusedError(self.refuse[request])

    async def _take(self, seconds: float) -> None:
        life = self._lives
        await trio.sleep(seconds)
        if life != self._lives:
            raise NoAnswerError("connection reset")

    def _find(self, container: ContainerId | str) -> FakeContainer:
        for one in self.there.values():
            if container in (one.id, one.name):
                return one
        raise NotThereError(f"no such container: {container}")

    def _tell(self, one: FakeContainer, code: int | None) -> None:
        for listener in self._listeners:
            if listener.labels.items() <= one.labels.items():
                for _ in range(self.events):
                    self._nursery.start_soon(self._tell_later, listener, Ended(container=one.id, exit_code=code))

    async def _tell_later(self, listener: Listener, ended: Ended) -> None:
        await trio.sleep(QUICK)
        if listener in self._listeners:
            listener.heard(ended)

    def _count(self) -> None:
        alive = Counter((one.labels.get(INSTALL_LABEL), one.labels.get(SESSION_LABEL)) for one in self.running())
        self.doubles += [str(session) for session, times in alive.items() if times > 1]


@asynccontextmanager
async def fake_docker() -> AsyncIterator[FakeDocker]:
    """A daemon, as long as the block lasts."""
    async with trio.open_nursery() as nursery:
        yield FakeDocker(nursery)
        nursery.cancel_scope.cancel()
