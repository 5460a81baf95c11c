"""The images of agent groups with packages of their own: versions found out, fetched, then built aside."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path

import trio
from attrs import frozen

from nanoclaw.core.images import ImageId, group_current, group_tag
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
from nanoclaw.sandboxes.build_folder import build_folder
from nanoclaw.sandboxes.image_build import BASE_LABEL, News, Phase, Tell, switch
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
            async with open_images(self._address) as images, build_folder() as folder:
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
        tag = group_tag(group, resolved.base, resolved.packages)
        there = await images.find(tag)
        if there is not None and there.labels.get(RESOLVED_LABEL) == _digest(resolved):
            made = there.id
        else:
            async with build_folder() as folder:
                fetching = await begin_fetching(images, resolved.base, folder)
                made = await _made(fetching, resolved, _ignore)
            await images.name(made, tag)
        await switch(images, group_current(group), made)

    async def _base(self, images: Images) -> ImageId:
        found = await images.find(self._agent_image)
        if found is None:
            raise ImageError(why="there is no agent image yet", mend="nanoclaw image build")
        return found.id


async def build_group_image(
    images: Images, group: AgentGroupId, packages: Packages, *, base: ImageId, tell: Tell
) -> ImageId:
    """Build the image of an agent group, *base* with its packages in today's versions, and let its tag mean it.

    One that was built before is found again, in the versions of then.

    Raises:
      ImageError: it cannot be built; the agent group keeps the image it had.

    Cancellation: the agent group keeps the image it had.
    """
    tag = group_tag(group, base, packages)
    there = await images.find(tag)
    if there is not None:
        made = there.id
    else:
        async with build_folder() as folder:
            tell(Phase("finding out versions"))
            fetching = await begin_fetching(images, base, folder)
            resolved = await find_versions(fetching, packages)
            tell(Phase("fetching packages and building the image"))
            made = await _made(fetching, resolved, tell)
        await images.name(made, tag)
    await switch(images, group_current(group), made)
    return made


async def _made(fetching: Fetching, resolved: Resolved, tell: Tell) -> ImageId:
    """The image, whole and without a name, in which a runner would start."""
    images = fetching.images
    purelib = (await images.run(resolved.base, ["python3", "-I", "-c", SAYS_PURELIB])).strip()
    context, packed = fetching.folder / "context", fetching.folder / "context.tar"
    await trio.Path(context).mkdir()
    await _fetch(fetching, resolved, context)
    await trio.Path(context, "Dockerfile").write_text(dockerfile(resolved, purelib))
    await trio.to_thread.run_sync(_pack, context, packed)
    labels = {IMAGE_LABEL: "group", RESOLVED_LABEL: _digest(resolved), BASE_LABEL: resolved.base}
    made = await images.build(packed, tell, labels=labels, network="none")
    try:
        await images.run(made, ["python3", "-c", STILL_STARTS])
    except ImageError as exc:
        raise ImageError(why=f"with these packages, no runner would start: {exc}") from None
    return made


def _digest(resolved: Resolved) -> str:
    return hashlib.sha256(json.dumps(to_json(resolved), sort_keys=True).encode()).hexdigest()


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


def _ignore(_: News) -> None:
    """Nobody watches."""
