"""The image of an agent group with packages that somebody has approved: their versions found out, then built aside."""

from __future__ import annotations

import hashlib
import json
import tarfile
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio
from attrs import frozen

from nanoclaw.core.images import ImageId, group_current, group_dockerfile, group_tag
from nanoclaw.core.package_versions import (
    DEBS,
    NODE,
    PYTHON,
    PYTHON_BIN,
    Resolved,
    dockerfile,
    to_json,
)
from nanoclaw.core.packages import Packages
from nanoclaw.errors import ImageError
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.sandboxes.image_build import BASE_LABEL, News, switch
from nanoclaw.sandboxes.image_context import make_plain
from nanoclaw.sandboxes.images import IMAGE_LABEL, Images, open_images
from nanoclaw.sandboxes.package_fetch import Fetching, begin_fetching, find_versions
from schema.files import IMAGE_PACKAGES

RESOLVED_LABEL = "nanoclaw.resolved"
"""The digest of what an image was approved to have."""
LOOK_SECONDS = 300.0
BUILD_SECONDS = 1_800.0
SAYS_PURELIB = "import sysconfig; print(sysconfig.get_path('purelib'))"
STILL_STARTS = f"import sys; sys.path[:0] = [{IMAGE_PACKAGES!r}]; import apsw, attrs, cattrs, trio"
"""What a runner needs, in brief."""


@frozen
class PackageBuilder:
    """Finds versions, and builds images, on the engine that the host's sandboxes run on."""

    _agent_image: str
    """The tag of the image that agent groups without packages start from."""
    _address: str | None = None
    """Of the engine; None: its usual place."""

    async def find(self, packages: Packages) -> Resolved:
        """The versions that an image with these would have now.

        Raises:
          ImageError: one is not to be had; or it took longer than `LOOK_SECONDS`.
        """
        with trio.move_on_after(LOOK_SECONDS):
            async with open_images(self._address) as images, _folder() as folder:
                fetching = await begin_fetching(images, await self._base(images), folder)
                return await find_versions(fetching, packages)
        raise ImageError(why=f"the versions could not be found out within {LOOK_SECONDS:g} s")

    async def build(self, group: AgentGroupId, resolved: Resolved) -> None:
        """Build the image of *group* aside, and have it found once its settings name these packages.

        Safe to repeat: what was built is found again.

        Raises:
          ImageError: it cannot be built, or no runner would start in it. The image in use stays in use.
        """
        with trio.move_on_after(BUILD_SECONDS):
            async with open_images(self._address) as images:
                await self._build(images, group, resolved)
            return
        raise ImageError(why=f"the image could not be built within {BUILD_SECONDS:g} s")

    async def _build(self, images: Images, group: AgentGroupId, resolved: Resolved) -> None:
        if await self._base(images) != resolved.base:
            raise ImageError(why="the agent image has changed since it was asked for: it has to be asked for again")
        tag = group_tag(group, group_dockerfile(resolved.base, resolved.packages))
        digest = hashlib.sha256(json.dumps(to_json(resolved), sort_keys=True).encode()).hexdigest()
        there = await images.find(tag)
        if there is not None and there.labels.get(RESOLVED_LABEL) == digest:
            made = there.id
        else:
            made = await _made(images, resolved, digest)
            await images.name(made, tag)
        await switch(images, group_current(group), made)

    async def _base(self, images: Images) -> ImageId:
        found = await images.find(self._agent_image)
        if found is None:
            raise ImageError(why="there is no agent image yet", mend="nanoclaw image build")
        return found.id


async def _made(images: Images, resolved: Resolved, digest: str) -> ImageId:
    purelib = (await images.run(resolved.base, ["python3", "-I", "-c", SAYS_PURELIB])).strip()
    async with _folder() as folder:
        fetching = await begin_fetching(images, resolved.base, folder)
        context = folder / "context"
        await trio.Path(context).mkdir()
        await _fetch(fetching, resolved, context)
        await trio.Path(context, "Dockerfile").write_text(dockerfile(resolved, purelib))
        packed = folder / "context.tar"
        await trio.to_thread.run_sync(_pack, context, packed)
        labels = {IMAGE_LABEL: "group", RESOLVED_LABEL: digest, BASE_LABEL: resolved.base}
        made = await images.build(packed, _ignore, labels=labels, network="none")
    try:
        await images.run(made, ["python3", "-c", STILL_STARTS])
    except ImageError as exc:
        raise ImageError(why=f"with these packages, no runner would start: {exc}") from None
    return made


async def _fetch(fetching: Fetching, resolved: Resolved, context: Path) -> None:
    if resolved.apt:
        await fetching.fetch_apt(resolved.apt, context / DEBS)
    if resolved.pip_lock:
        await fetching.fetch_pip(resolved.pip_lock, context / PYTHON, context / PYTHON_BIN)
    if resolved.npm_lock:
        await fetching.fetch_npm(resolved.packages.npm, resolved.npm_lock, context / NODE)


def _pack(folder: Path, target: Path) -> None:
    """All of it as a tar without times and owners; links stay links."""
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(folder.rglob("*")):
            entry = tar.gettarinfo(path, str(path.relative_to(folder)))
            make_plain(entry)
            if entry.isreg():
                with path.open("rb") as file:
                    tar.addfile(entry, file)
            else:
                tar.addfile(entry)


@asynccontextmanager
async def _folder() -> AsyncIterator[Path]:
    """A folder of our own that goes when we do."""
    with tempfile.TemporaryDirectory(prefix="nanoclaw-packages-") as folder:
        yield Path(folder)


def _ignore(_: News) -> None:
    """Nobody watches."""
