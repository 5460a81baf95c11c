"""What the docker engine asks of a container daemon, and the few things that can come of a request.

A request has one of five outcomes: it was done, or one of the four errors below. The last of them, no answer, is the
one to design for: the daemon may have done what was asked, may do it yet, or never. Whoever gets it looks at what is
there, by name and labels, before anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import NewType, Protocol

from attrs import define, frozen

from nanoclaw.core.sandbox_check import EngineFacts
from nanoclaw.core.sandbox_settle import Labels
from nanoclaw.core.sandbox_spec import Image

ENGINE = "docker"
"""The engine's name, in settings and errors."""

ContainerId = NewType("ContainerId", str)


@define(eq=False)
class RequestError(Exception):
    """A request to the daemon was not done, or nobody knows."""

    why: str

    def __str__(self) -> str:
        return self.why


class NotThereError(RequestError):
    """There is no such container or image."""


class ConflictError(RequestError):
    """The name is taken, or the container is not in the state for this. Nothing was done."""


class RefusedError(RequestError):
    """The daemon will not or cannot do it. Nothing was done, or it was undone."""


class NoAnswerError(RequestError):
    """The daemon is away, was too slow, or went in between: it is not known what was done."""


class State(Enum):
    """Of a container, in the daemon's words."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"
    REMOVING = "removing"
    EXITED = "exited"
    DEAD = "dead"

    @property
    def lives(self) -> bool:
        """May something of it be running?"""
        return self in (State.RUNNING, State.PAUSED, State.RESTARTING)


@frozen(kw_only=True)
class Container:
    """A container as the daemon lists it."""

    id: ContainerId
    labels: Labels
    state: State


@frozen(kw_only=True)
class Inspected(Container):
    """A container as the daemon describes it."""

    exit_code: int
    out_of_memory: bool
    document: Mapping[str, object]
    """The whole description."""


@frozen(kw_only=True)
class Ended:
    """An event: a container has ended, or is gone. May come twice, late, or never."""

    container: ContainerId
    exit_code: int | None


@frozen(kw_only=True)
class LogLine:
    """One line of what a container said."""

    at: str
    """When: RFC 3339 in UTC with nine digits after the point, so that text order is time order."""
    text: bytes


@frozen(kw_only=True)
class Daemon:
    """Who answers."""

    version: str
    is_docker: bool
    """False: something that speaks the same language, such as podman."""
    runc: str | None
    facts: EngineFacts


class ContainerApi(Protocol):
    """The requests. Each may raise `NoAnswerError`; what else, it says. Each is a checkpoint.

    Cancellation: nobody waits for the answer any more; the request may still be done.
    """

    async def daemon(self) -> Daemon:
        """Who is there. Raises `RefusedError`."""
        ...

    async def image(self, reference: str) -> Image:
        """The image of that name or id. Raises `NotThereError`."""
        ...

    async def create(self, name: str, body: Mapping[str, object]) -> ContainerId:
        """Make a container. Raises `ConflictError` if the name is taken, `NotThereError` (image), `RefusedError`."""
        ...

    async def start(self, container: ContainerId) -> None:
        """Start it; nothing happens if it runs. Raises `NotThereError`, `ConflictError`, `RefusedError`."""
        ...

    async def inspect(self, container: ContainerId | str) -> Inspected:
        """Look at it, by id or name. Raises `NotThereError`."""
        ...

    async def signal(self, container: ContainerId, name: str) -> None:
        """Send process 1 a signal. Raises `NotThereError`, `ConflictError` if it does not run, `RefusedError`."""
        ...

    async def pause(self, container: ContainerId) -> None:
        """Freeze it. Raises `NotThereError`, `ConflictError`, `RefusedError`."""
        ...

    async def unpause(self, container: ContainerId) -> None:
        """Let it go on. Raises `NotThereError`, `ConflictError`, `RefusedError`."""
        ...

    async def remove(self, container: ContainerId) -> None:
        """Kill and remove it. Raises `NotThereError`, `ConflictError` if that is under way, `RefusedError`."""
        ...

    async def containers(self, labels: Mapping[str, str]) -> tuple[Container, ...]:
        """Every container with these labels, in whatever state."""
        ...

    async def logs(
        self, container: ContainerId, *, since: str | None, most_bytes: int, tail: int | None = None
    ) -> tuple[LogLine, ...]:
        """What it said, the oldest first.

        Args:
          container: Which.
          since: Not what it said before this time; lines of the very time come again.
          most_bytes: Stop after the line that reaches this many.
          tail: Only so many lines, the last.

        Raises:
          NotThereError: it is gone, and its log with it.
        """
        ...

    async def listen(
        self, labels: Mapping[str, str], heard: Callable[[Ended], None], connected: Callable[[], None]
    ) -> None:
        """Tell of every container with these labels that ends from now on, until the stream breaks.

        Args:
          labels: Which containers.
          heard: Told of each end, on the loop.
          connected: Told once it is heard.

        Raises:
          RequestError: always, in the end: the stream could not be had, or broke.

        Cancellation: the stream is closed.
        """
        ...
