"""Every engine there is, and what an agent group's own settings make of its sandboxes' image."""

from __future__ import annotations

import os
from collections.abc import Sequence

import structlog
import trio

from nanoclaw.model.settings import ContainerSettings
from nanoclaw.sandboxes.bubblewrap import BubblewrapEngine
from nanoclaw.sandboxes.docker import DockerEngine
from nanoclaw.sandboxes.docker_client import DockerClient
from nanoclaw.sandboxes.docker_settings import DockerSettings
from nanoclaw.sandboxes.engine import Engine
from nanoclaw.sandboxes.engine_calls import ADDRESS_VARIABLE
from nanoclaw.sandboxes.image_build import image_of
from nanoclaw.sandboxes.images import open_images
from nanoclaw.sandboxes.package_build import PackageBuilder
from nanoclaw.sandboxes.process import ProcessEngine
from nanoclaw.sandboxes.runtime import compile_runtime, find_runtime

log = structlog.get_logger()

NO_PACKAGES = "{}"


async def all_engines(docker: DockerSettings) -> Sequence[Engine]:
    """All of them, the strongest first, on the runtime of this process."""
    runtime = find_runtime()
    await trio.to_thread.run_sync(compile_runtime, runtime)
    return (
        DockerEngine(runtime, DockerClient(os.environ.get(ADDRESS_VARIABLE)), docker),
        BubblewrapEngine(runtime),
        ProcessEngine(runtime),
    )


def builder_of(engine: Engine) -> PackageBuilder | None:
    """What builds images for the sandboxes of *engine*; None: they have none."""
    return PackageBuilder(engine.image) if isinstance(engine, DockerEngine) else None


async def own_image(engine: Engine, own: ContainerSettings | None) -> str | None:
    """The image that the settings of an agent group ask for; None: nothing of its own. Raises `ImageError`."""
    if not isinstance(engine, DockerEngine) or own is None:
        await trio.lowlevel.checkpoint()
        return None
    if own.image_tag is None and own.packages == NO_PACKAGES:
        await trio.lowlevel.checkpoint()
        return None
    async with open_images() as images:
        in_use = await image_of(images, own, agent_image=engine.image)
    if in_use.behind:
        log.warning("image_behind", agent_group=own.agent_group_id, mend="nanoclaw image build")
    return in_use.id
