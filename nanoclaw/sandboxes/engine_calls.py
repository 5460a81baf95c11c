"""Calls to a docker engine: each in a thread, few at a time, and those that take long can be cut short.

docker-py blocks. Cancelling a call that is listened to cuts its line to the engine, which gives up what it was doing,
and the thread ends with the line. A short call is waited for: it asks what the engine knows.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import requests
import trio
from attrs import define, field
from docker import APIClient
from docker.errors import DockerException
from docker.types import CancellableStream

from nanoclaw.core.build_stream import Event, Failed, read
from nanoclaw.errors import ImageError

ADDRESS_VARIABLE = "DOCKER_HOST"
"""Where another engine is than on its usual socket: the variable that its own command line reads."""
SOCKET = "unix:///var/run/docker.sock"
MOST_AT_ONCE = 3
"""Calls of one `Calls` that wait for the engine at a time."""
ANSWER_SECONDS = 60.0
"""How long the engine may take to answer what it should know."""

T = TypeVar("T")
Progress = Callable[[Event], None]
"""Is told what an engine says, on the loop's thread."""


@define
class Calls:
    """Calls to one engine. See `open_calls`."""

    _address: str
    _version: str
    """Of the engine's API."""
    _limiter: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(MOST_AT_ONCE), init=False)

    async def ask(self, question: Callable[[APIClient], T]) -> T:
        """The answer to a short question; *question* runs in a thread and may block.

        Raises:
          ImageError: the engine refused, or did not answer within `ANSWER_SECONDS`.

        Cancellation: waits for the answer first; what was asked may have happened.
        """

        def work() -> T:
            client = self._client(ANSWER_SECONDS)
            try:
                return question(client)
            finally:
                client.close()

        try:
            return await trio.to_thread.run_sync(work, limiter=self._limiter)
        except (DockerException, requests.RequestException) as exc:
            raise ImageError(why=_why(exc)) from None

    async def listen(
        self,
        begin: Callable[[APIClient], Iterable[Mapping[str, object]]],
        progress: Progress,
        silence_seconds: float,
    ) -> None:
        """Let *progress* hear what the engine says until it has done what *begin* asks for.

        Raises:
          ImageError: it says that it failed, refused, or said nothing for *silence_seconds*.

        Cancellation: at once. The line is cut, and the engine gives up.
        """
        line = _Line(self._client(silence_seconds))

        def work() -> None:
            try:
                for found in begin(line.client):
                    event = read(found)
                    if line.cut:
                        return
                    if isinstance(event, Failed):
                        raise ImageError(why=event.why)
                    if event is not None:
                        trio.from_thread.run_sync(progress, event)
            finally:
                line.end()

        try:
            await trio.to_thread.run_sync(work, limiter=self._limiter, abandon_on_cancel=True)
        except (DockerException, requests.RequestException) as exc:
            raise ImageError(why=_why(exc)) from None
        finally:
            line.hang_up()

    def _client(self, timeout: float) -> APIClient:
        return APIClient(base_url=self._address, version=self._version, timeout=int(timeout))


async def open_calls(address: str | None = None) -> Calls:
    """Calls to the engine at *address*; by default where DOCKER_HOST says, or on its usual socket.

    Raises:
      ImageError: no engine answers there.
    """
    where = address or os.environ.get(ADDRESS_VARIABLE) or SOCKET

    def ask() -> str:
        knock(where)
        client = APIClient(base_url=where, version="auto", timeout=int(ANSWER_SECONDS))
        try:
            return str(client.api_version)
        finally:
            client.close()

    try:
        version = await trio.to_thread.run_sync(ask)
    except (DockerException, requests.RequestException, OSError) as exc:
        raise ImageError(
            why=f"no docker engine answers at {where} ({_why(exc)})", mend="apt-get install docker.io"
        ) from None
    return Calls(where, version)


@define
class _Line:
    """One call's own connection, which another thread may cut."""

    client: APIClient
    cut: bool = field(default=False, init=False)
    _responses: list[requests.Response] = field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        self.client.hooks["response"].append(self._keep)

    def _keep(self, response: requests.Response, *_: object, **__: object) -> None:
        self._responses.append(response)
        if self.cut:
            self._shut_down(response)

    def hang_up(self) -> None:
        """Let whoever reads from it, in another thread, read no more. Does nothing to one that has ended."""
        self.cut = True
        for response in self._responses:
            self._shut_down(response)

    def end(self) -> None:
        """Give everything back, in the thread that read."""
        for response in self._responses:
            response.close()
        self.client.close()

    @staticmethod
    def _shut_down(response: requests.Response) -> None:
        try:
            CancellableStream(iter(()), response).close()
        except (OSError, AttributeError):
            # It has ended by itself: there is no socket any more.
            return


def knock(address: str) -> None:
    """Raises `OSError` if nobody listens on a socket of this machine: docker-py would leave its own end open."""
    scheme, _, path = address.partition("://")
    if scheme == "unix":
        with socket.socket(socket.AF_UNIX) as knocking:
            knocking.settimeout(ANSWER_SECONDS)
            knocking.connect(path)


def _why(exc: Exception) -> str:
    said = getattr(exc, "explanation", None) or exc
    return str(said).strip() or type(exc).__name__
