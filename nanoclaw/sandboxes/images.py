"""The images of a docker engine: found, fetched, loaded, built without a name, named.

Nothing is named before it is whole, so a call that is cut short leaves no name behind.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from attrs import define, frozen
from docker import APIClient
from docker.errors import NotFound
from docker.utils import parse_repository_tag

from nanoclaw.core.build_stream import Event, Image
from nanoclaw.core.images import ImageId
from nanoclaw.errors import ImageError
from nanoclaw.sandboxes.engine_calls import Calls, Progress, open_calls

PULL_SECONDS = 60.0
"""How long a registry may say nothing."""
BUILD_SECONDS = 900.0
"""How long a step of a build may say nothing."""
MOST_FETCHED = 2 << 30
"""Bytes."""
MOST_LAST = 40
MOST_LAST_SAID = 500
"""Characters of the last that was said which a failure quotes."""
FETCHING_LABEL = "nanoclaw.fetching"
"""On containers that fetch packages: they live for a moment."""
IMAGE_LABEL = "nanoclaw.image"
"""On every image of ours; its value is the kind: `agent` or `group`."""


@frozen(kw_only=True)
class ImageFacts:
    """One image, as the engine knows it."""

    id: ImageId
    tags: tuple[str, ...]
    labels: Mapping[str, str]
    created: str
    """As the engine says it: ISO 8601."""
    size: int
    """Bytes, those of its base with it."""
    user: str
    entrypoint: tuple[str, ...]


@define
class Images:
    """The images of one engine. Whatever it cannot do raises `ImageError`."""

    _calls: Calls

    async def find(self, name: str) -> ImageFacts | None:
        """The image of that tag or id, if the engine has it."""

        def ask(client: APIClient) -> Mapping[str, Any] | None:
            try:
                return _inspect(client, name)
            except NotFound:
                return None

        found = await self._calls.ask(ask)
        return _facts(found) if found is not None else None

    async def ours(self) -> list[ImageFacts]:
        """Every image of ours, the newest first."""

        def ask(client: APIClient) -> list[Mapping[str, Any]]:
            there = []
            for one in client.images(filters={"label": IMAGE_LABEL}):
                try:
                    there.append(_inspect(client, one["Id"]))
                except NotFound:
                    # Somebody removed it just now.
                    continue
            return there

        return sorted(map(_facts, await self._calls.ask(ask)), key=lambda one: one.created, reverse=True)

    async def has_bridge(self) -> bool:
        """Has the engine a network that leads out, which a build could use?"""
        found = await self._calls.ask(lambda client: client.networks(names=["bridge"]))
        # An engine finds by parts of a name, too.
        return any(one.get("Name") == "bridge" for one in found)

    async def pull(self, name: str, progress: Progress) -> None:
        """Fetch an image from its registry. Cancelled, the engine stops fetching."""
        repository, tag = parse_repository_tag(name)
        await self._calls.listen(
            lambda client: client.pull(repository, tag or "latest", stream=True, decode=True), progress, PULL_SECONDS
        )

    async def load(self, archive: Path, progress: Progress) -> None:
        """Take in the image of an archive, with the names that it has there."""

        def begin(client: APIClient) -> Iterable[Mapping[str, object]]:
            with archive.open("rb") as file:
                yield from client.load_image(file)  # type: ignore[no-untyped-call]  # a decorator hides its types

        await self._calls.listen(begin, progress, BUILD_SECONDS)

    async def run(self, image: str, command: list[str]) -> str:
        """What *command* says in a throw-away container of *image*, without network, rights or a writable disk.

        Raises `ImageError` also if it fails.
        """

        def work(client: APIClient) -> tuple[int, str]:
            walls = client.create_host_config(
                network_mode="none", cap_drop=["ALL"], security_opt=["no-new-privileges"], read_only=True
            )
            made = client.create_container(
                image,
                command[1:],
                entrypoint=command[:1],
                host_config=walls,
                user="65534:65534",
                use_config_proxy=False,
            )
            try:
                client.start(made["Id"])
                code = int(client.wait(made["Id"])["StatusCode"])
                return code, client.logs(made["Id"]).decode(errors="replace")
            finally:
                client.remove_container(made["Id"], force=True, v=True)

        code, said = await self._calls.ask(work)
        if code != 0:
            raise ImageError(why=f"{image} cannot run {command[0]}: {said.strip()[-200:] or f'exit code {code}'}")
        return said

    async def fetch(self, image: str, command: list[str], progress: Progress, *, take: str, target: Path) -> None:
        """Let *command* run in a throw-away container of *image*, as root without rights, and take away a folder.

        It reaches the network, by the engine's bridge or else by the machine's own: only for programs of the image's
        that fetch, never for what they have fetched.

        Args:
          image: Its id.
          command: And its arguments.
          progress: Hears what it says.
          take: A folder of the container.
          target: Gets that folder, as a tar.

        Raises:
          ImageError: it failed, with the last that it said; or what is to be taken is too much.

        Cancellation: at once, and the container goes.
        """
        network = "bridge" if await self.has_bridge() else "host"

        def begin(client: APIClient) -> Iterator[Mapping[str, object]]:
            walls = client.create_host_config(
                network_mode=network,
                cap_drop=["ALL"],
                security_opt=["no-new-privileges"],
                mem_limit="2g",
                pids_limit=256,
            )
            made = client.create_container(
                image,
                command[1:],
                entrypoint=command[:1],
                host_config=walls,
                user="0:0",
                labels={FETCHING_LABEL: ""},
                use_config_proxy=False,
            )
            last: deque[str] = deque(maxlen=MOST_LAST)
            try:
                client.start(made["Id"])
                for said in client.logs(made["Id"], stream=True, follow=True):
                    last.append(said.decode(errors="replace"))
                    yield {"stream": last[-1]}
                code = int(client.wait(made["Id"])["StatusCode"])
                if code == 0:
                    _take(client.get_archive(made["Id"], take)[0], target)
            finally:
                client.remove_container(made["Id"], force=True, v=True)
            if code != 0:
                yield {"error": "".join(last).strip()[-MOST_LAST_SAID:] or f"exit code {code}"}

        await self._calls.listen(begin, progress, BUILD_SECONDS)

    async def build(
        self,
        context: Path,
        progress: Progress,
        *,
        arguments: Mapping[str, str] | None = None,
        labels: Mapping[str, str],
        network: str | None,
        anew: bool = False,
    ) -> ImageId:
        """Build the Dockerfile of a packed context, and name nothing.

        Args:
          context: a tar with a Dockerfile.
          progress: hears every step.
          arguments: of the Dockerfile.
          labels: of the image.
          network: `none`, or None for the engine's own.
          anew: do every step again, also those that were done before.

        Raises:
          ImageError: a step failed; the engine keeps the steps before it for the next time.

        Cancellation: the engine stops building.
        """
        made: list[str] = []

        def note(event: Event) -> None:
            if isinstance(event, Image):
                made.append(event.id)
            progress(event)

        def begin(client: APIClient) -> Iterable[Mapping[str, object]]:
            with context.open("rb") as file:
                yield from client.build(
                    fileobj=file,
                    custom_context=True,
                    decode=True,
                    rm=True,
                    forcerm=True,
                    nocache=anew,
                    buildargs=dict(arguments or {}),
                    labels=dict(labels),
                    network_mode=network,
                    use_config_proxy=False,
                )

        await self._calls.listen(begin, note, BUILD_SECONDS)
        if not made:
            raise ImageError(why="the engine ended the build without an image; its own log says why")
        return ImageId(made[-1])

    async def name(self, image: ImageId, tag: str) -> None:
        """Let *tag* mean that image from now on. At once: it always means one or the other."""
        repository, version = parse_repository_tag(tag)
        await self._calls.ask(lambda client: client.tag(image, repository, version))

    async def forget(self, tag: str) -> None:
        """Take a tag away, and with the last one the image, unless a container needs it."""
        await self._calls.ask(lambda client: client.remove_image(tag))


@asynccontextmanager
async def open_images(address: str | None = None) -> AsyncIterator[Images]:
    """The images of the engine at *address*; by default where DOCKER_HOST says, or on its usual socket.

    Raises:
      ImageError: no engine answers there.
    """
    yield Images(await open_calls(address))


def _take(chunks: Iterable[bytes], target: Path) -> None:
    size = 0
    with target.open("wb") as file:
        for chunk in chunks:
            size += len(chunk)
            if size > MOST_FETCHED:
                raise ImageError(why=f"what was fetched is more than {MOST_FETCHED >> 20} MiB")
            file.write(chunk)


def _inspect(client: APIClient, name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = client.inspect_image(name)  # type: ignore[no-untyped-call]  # as above
    return found


def _facts(found: Mapping[str, Any]) -> ImageFacts:
    settings = found.get("Config") or {}
    return ImageFacts(
        id=ImageId(found["Id"]),
        tags=tuple(found.get("RepoTags") or ()),
        labels=dict(settings.get("Labels") or {}),
        created=str(found.get("Created", "")),
        size=int(found.get("Size", 0)),
        user=str(settings.get("User") or ""),
        entrypoint=tuple(settings.get("Entrypoint") or ()),
    )
