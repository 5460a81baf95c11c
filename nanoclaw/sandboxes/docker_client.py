"""The container daemon, asked through docker-py: in threads that nobody else waits for, never through a shell.

docker-py blocks, so each request takes a thread: at most eight at a time, of a limiter of their own, so that a daemon
that hangs holds up nothing but requests to it. One more thread hears the events of all containers.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any, TypeVar

import docker
import requests
import trio
import urllib3
from attrs import define, field
from docker.errors import APIError, DockerException, NotFound, create_api_error_from_http_exception
from docker.types import CancellableStream

from nanoclaw.core.sandbox_check import EngineFacts
from nanoclaw.core.sandbox_spec import Image
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
    RequestError,
    State,
)
from nanoclaw.sandboxes.docker_frames import read_lines, seconds_of
from nanoclaw.sandboxes.docker_network_client import NetworkRequests, label_filter, read_labels
from nanoclaw.sandboxes.engine_calls import SOCKET, knock

T = TypeVar("T")
Json = Mapping[str, Any]

REQUEST_SECONDS = 30.0
MOST_REQUESTS = 8
LOOK_BACK_SECONDS = 2
"""Events of the last moments are told again: the daemon answers a moment before it listens."""

CONFLICT = 409
BAD_GATEWAY = 502
"""From here on somebody in between answers, or a daemon that is going down."""

TROUBLES = (requests.RequestException, DockerException, urllib3.exceptions.HTTPError, OSError, ValueError)
"""Whatever docker-py and what it stands on can raise."""
ENDINGS = frozenset({"die", "died", "destroy", "remove"})
"""Docker's and podman's words."""


@define(eq=False)
class DockerClient(NetworkRequests):
    """A `ContainerApi` over docker-py."""

    _url: str | None = None
    """Of the daemon's socket; None for Docker's own."""
    _limiter: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(MOST_REQUESTS), init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)
    _made: Any = field(default=None, init=False)
    """An `APIClient`, whose own types know half of it. It speaks the version that the daemon spoke when it was made,
    and is made anew after every silence."""

    async def daemon(self) -> Daemon:
        """Who is there."""
        version = await self.ask(lambda client: client.version())
        info = await self.ask(lambda client: client.info())
        parts = {part.get("Name", ""): part.get("Version", "") for part in version.get("Components") or ()}
        return Daemon(
            version=str(version.get("Version", "")),
            is_docker="Engine" in parts or not any("podman" in name.lower() for name in parts),
            runc=parts.get("runc") or _runc_of_podman(parts),
            facts=EngineFacts(
                runtime=str(info.get("DefaultRuntime") or "runc"), limits_swap=bool(info.get("SwapLimit", True))
            ),
        )

    async def image(self, reference: str) -> Image:
        """The image of that name or id."""
        found = await self.ask(lambda client: client.inspect_image(reference))
        config = found.get("Config") or {}
        return Image(
            id=found["Id"],
            environment=tuple(entry.partition("=")[0] for entry in config.get("Env") or ()),
            labels=dict(config.get("Labels") or {}),
        )

    async def create(self, name: str, body: Mapping[str, object]) -> ContainerId:
        """Make a container. What is asked for is all there is: no proxies of a user's own settings are added."""
        made = await self.ask(lambda client: client.create_container_from_config(body, name))
        return ContainerId(made["Id"])

    async def start(self, container: ContainerId) -> None:
        """Start it."""
        await self.ask(lambda client: client.start(container))

    async def inspect(self, container: ContainerId | str) -> Inspected:
        """Look at it."""
        found: Json = await self.ask(lambda client: client.inspect_container(container))
        state = found["State"]
        return Inspected(
            id=ContainerId(found["Id"]),
            labels=read_labels(found["Config"].get("Labels") or {}),
            state=_state(state["Status"]),
            exit_code=int(state["ExitCode"]),
            out_of_memory=bool(state.get("OOMKilled")),
            document=found,
        )

    async def signal(self, container: ContainerId, name: str) -> None:
        """Send process 1 a signal."""
        await self.ask(lambda client: client.kill(container, name))

    async def pause(self, container: ContainerId) -> None:
        """Freeze it."""
        await self.ask(lambda client: client.pause(container))

    async def unpause(self, container: ContainerId) -> None:
        """Let it go on."""
        await self.ask(lambda client: client.unpause(container))

    async def remove(self, container: ContainerId) -> None:
        """Kill and remove it, and the volumes that only it had."""
        await self.ask(lambda client: client.remove_container(container, v=True, force=True))

    async def containers(self, labels: Mapping[str, str]) -> tuple[Container, ...]:
        """Every container with these labels."""
        found = await self.ask(lambda client: client.containers(all=True, filters={"label": label_filter(labels)}))
        return tuple(
            Container(
                id=ContainerId(one["Id"]), labels=read_labels(one.get("Labels") or {}), state=_state(str(one["State"]))
            )
            for one in found
        )

    async def logs(
        self, container: ContainerId, *, since: str | None, most_bytes: int, tail: int | None = None
    ) -> tuple[LogLine, ...]:
        """What it said."""

        parameters: dict[str, object] = {
            "stdout": 1,
            "stderr": 1,
            "timestamps": 1,
            "tail": "all" if tail is None else tail,
        }
        if since is not None:
            parameters["since"] = seconds_of(since)

        def read(client: Any) -> tuple[LogLine, ...]:
            with closing(_get(client, f"/containers/{container}/logs", parameters, REQUEST_SECONDS)) as response:
                return read_lines(response.raw, most_bytes)

        return await self.ask(read)

    async def listen(
        self, labels: Mapping[str, str], heard: Callable[[Ended], None], connected: Callable[[], None]
    ) -> None:
        """Tell of every container that ends, until the stream breaks."""
        parameters = {
            "since": int(time.time()) - LOOK_BACK_SECONDS,
            "filters": json.dumps({"type": ["container"], "label": label_filter(labels)}),
        }
        response = await self.ask(lambda client: _get(client, "/events", parameters, None))
        stream = CancellableStream(response.iter_lines(), response)
        token = trio.lowlevel.current_trio_token()

        def pump() -> None:
            try:
                for line in stream:
                    if (ended := _ended(json.loads(line or b"{}"))) is not None:
                        token.run_sync_soon(heard, ended)
            except trio.RunFinishedError:
                pass
            except TROUBLES as exc:
                raise _translate(exc) from exc
            finally:
                response.close()

        connected()
        try:
            await trio.to_thread.run_sync(pump, abandon_on_cancel=True, limiter=trio.CapacityLimiter(1))
        finally:
            # Wakes the thread, if it still reads.
            stream.close()
        raise NoAnswerError("the stream of events ended")

    def close(self) -> None:
        """Let go of the connections that are idle. It may be used again."""
        with self._lock:
            made, self._made = self._made, None
        if made is not None:
            made.close()

    async def ask(self, request: Callable[[Any], T]) -> T:
        """What *request* makes of a client, in a thread. Raises `RequestError`."""
        return await trio.to_thread.run_sync(self._in_thread, request, abandon_on_cancel=True, limiter=self._limiter)

    def _in_thread(self, request: Callable[[Any], T]) -> T:
        try:
            return request(self._client())
        except TROUBLES as exc:
            error = _translate(exc)
            if isinstance(error, NoAnswerError):
                self.close()
            raise error from exc

    def _client(self) -> Any:
        with self._lock:
            if self._made is None:
                knock(self._url or os.environ.get("DOCKER_HOST") or SOCKET)
                self._made = docker.APIClient(base_url=self._url, version="auto", timeout=int(REQUEST_SECONDS))
            return self._made


def _translate(exc: Exception) -> RequestError:
    """The one of four outcomes that *exc* is."""
    if not isinstance(exc, APIError):
        return NoAnswerError(str(exc) or type(exc).__name__)
    why = str(exc.explanation or exc)
    if isinstance(exc, NotFound):
        return NotThereError(why)
    if exc.status_code == CONFLICT:
        return ConflictError(why)
    if exc.status_code is None or exc.status_code >= BAD_GATEWAY:
        return NoAnswerError(why)
    return RefusedError(why)


def _runc_of_podman(parts: Mapping[str, str]) -> str | None:
    """Podman names its runtime by the path, and its version in a sentence: `runc version 1.1.5`."""
    said = (version.split() for name, version in parts.items() if name.startswith("OCI Runtime"))
    return next((words[2] for words in said if words[:2] == ["runc", "version"] and len(words) > 2), None)


def _state(word: str) -> State:
    # Podman has words of its own for the time before and after.
    podmans = {"configured": "created", "initialized": "created", "stopping": "running", "stopped": "exited"}
    return State(podmans.get(word, word))


def _ended(found: Json) -> Ended | None:
    """The event, if it is one of an end."""
    actor = found.get("Actor") or {}
    container = actor.get("ID") or found.get("id")
    if found.get("Type", "container") != "container" or not container:
        return None
    if str(found.get("Action") or found.get("status")).partition(":")[0] not in ENDINGS:
        return None
    code = str((actor.get("Attributes") or {}).get("exitCode", ""))
    return Ended(container=ContainerId(container), exit_code=int(code) if code.isdecimal() else None)


def _get(client: Any, path: str, parameters: Mapping[str, object], timeout: float | None) -> requests.Response:
    """An answer that is read bit by bit. docker-py's own way leaves it open when something goes wrong."""
    url = f"{client.base_url}/v{client.api_version}{path}"
    response: requests.Response = client.get(url, params=parameters, stream=True, timeout=timeout)
    try:
        response.raise_for_status()
    except requests.HTTPError as exc:
        with closing(response):
            create_api_error_from_http_exception(exc)
    return response
