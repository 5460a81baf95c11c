"""Images on a real engine: what is in them, that failures change nothing, that the cache is found again."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
import tempfile
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import docker
import pytest
import trio

from nanoclaw.core.build_stream import Event, Said
from nanoclaw.core.images import ImageId, base_configuration, group_current
from nanoclaw.core.packages import Packages
from nanoclaw.errors import ImageError
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.sandboxes.image_base import archive, recipe
from nanoclaw.sandboxes.image_build import (
    CLAUDE_LABEL,
    PYTHON_LABEL,
    News,
    Wanted,
    build_agent_image,
)
from nanoclaw.sandboxes.image_context import PLATFORMS
from nanoclaw.sandboxes.images import IMAGE_LABEL, Images, open_images
from nanoclaw.sandboxes.package_build import build_group_image
from schema import files
from tests.support.docker_engine import TEST_IMAGE
from tests.support.host import until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

PYTHON = ["python3", "-I", "-S", "-B", "-c"]
LOOK = f"""
import glob, json, os, shutil, sys
sys.path.insert(0, "{files.IMAGE_PACKAGES}")
import apsw, attrs, cattrs, trio
names = [os.path.join(f, n) for f, _, ns in os.walk("/") if not f.startswith(("/proc", "/sys")) for n in ns]
print(json.dumps({{
    "from": sorted({{os.path.dirname(os.path.dirname(m.__file__)) for m in (attrs, cattrs, trio)}}),
    "compiled": os.path.exists(trio.__cached__),
    "setuid": [n for n in names if not os.path.islink(n) and os.stat(n).st_mode & 0o6000],
    "ours": [n for n in names if n.endswith(("/runner/poll.py", "/schema/files.py", "/nanoclaw/app.py"))],
    "app": os.listdir("{files.SANDBOX_APP}"),
    "tools": [t for t in ("bash", "git", "rg", "jq", "curl", "tini") if not shutil.which(t)],
    "agent": os.stat("{files.SANDBOX_HOME}").st_uid,
}}))
"""


@pytest.fixture
async def images(agent_image: ImageId) -> AsyncIterator[Images]:
    assert agent_image
    async with open_images() as found:
        yield found


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="nc-") as name:
        yield Path(name)


@pytest.fixture
async def group(images: Images) -> AsyncIterator[AgentGroupId]:
    """An agent group of this test alone; its images go with it."""
    name = AgentGroupId(f"test-{uuid4().hex[:12]}")
    yield name
    for tag in await tags_of(images, name):
        await images.forget(tag)


async def tags_of(images: Images, group: AgentGroupId) -> set[str]:
    """Its images; others build meanwhile."""
    return {tag for one in await images.ours() for tag in one.tags if tag.startswith(f"nanoclaw/group-{group}:")}


def pack(target: Path, dockerfile: str) -> Path:
    with tarfile.open(target, "w") as tar:
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(dockerfile)
        tar.addfile(entry, BytesIO(dockerfile.encode()))
    return target


def ignore(_: News) -> None:
    """Nobody watches."""


async def test_the_image_has_tools_and_packages_and_none_of_our_code(images: Images, agent_image: ImageId) -> None:
    found = json.loads(await images.run(agent_image, [*PYTHON, LOOK]))
    assert found == {
        "from": [files.IMAGE_PACKAGES],
        "compiled": True,
        "setuid": [],
        "ours": [],
        "app": [],
        "tools": [],
        "agent": int(files.IMAGE_USER.partition(":")[0]),
    }


async def test_the_image_starts_as_a_plain_user_under_tini(images: Images, agent_image: ImageId) -> None:
    facts = await images.find(agent_image)
    assert facts is not None
    assert facts.user == files.IMAGE_USER
    assert facts.entrypoint == ("/usr/bin/tini", "--")
    assert facts.labels[IMAGE_LABEL] == "agent"
    assert facts.labels[CLAUDE_LABEL] == "false"
    version = await images.run(agent_image, [*PYTHON, "import sys; print('%d.%d' % sys.version_info[:2])"])
    assert facts.labels[PYTHON_LABEL] == version.strip()
    said = await images.run(agent_image, [*facts.entrypoint, "cat", "/proc/1/comm"])
    assert said.strip() == "tini"
    with pytest.raises(ImageError, match="exit code 7"):
        await images.run(agent_image, [*facts.entrypoint, "bash", "-c", "exit 7"])


async def test_building_again_gives_the_same_image_from_the_same_steps(images: Images, agent_image: ImageId) -> None:
    again = await build_agent_image(images, Wanted(tag=TEST_IMAGE, claude=False), ignore)
    assert again.id == agent_image


async def test_packages_that_are_there_make_an_image_without_a_network_and_it_is_found_again(
    images: Images, agent_image: ImageId, group: AgentGroupId
) -> None:
    heard: list[News] = []
    packages = Packages(apt=("jq",))
    made = await build_group_image(images, group, packages, base=agent_image, tell=heard.append)
    assert made != agent_image
    facts = await images.find(group_current(group))
    assert facts is not None
    assert (facts.id, facts.user, facts.labels[IMAGE_LABEL]) == (made, files.IMAGE_USER, "group")
    assert facts.entrypoint == ("/usr/bin/tini", "--")
    heard.clear()
    assert await build_group_image(images, group, packages, base=agent_image, tell=heard.append) == made
    assert heard == []


async def test_an_image_that_cannot_be_built_leaves_the_last_good_one_in_use(
    images: Images, agent_image: ImageId, group: AgentGroupId
) -> None:
    good = await build_group_image(images, group, Packages(apt=("jq",)), base=agent_image, tell=ignore)
    before = await tags_of(images, group)
    bad = Packages(apt=("nanoclaw-has-no-such-package",))
    with pytest.raises(ImageError, match="nanoclaw-has-no-such-package"):
        await build_group_image(images, group, bad, base=agent_image, tell=ignore)
    facts = await images.find(group_current(group))
    assert facts is not None
    assert facts.id == good
    assert await tags_of(images, group) == before


async def test_a_build_that_is_cancelled_ends_in_the_engine_too_and_names_nothing(
    images: Images, agent_image: ImageId, folder: Path
) -> None:
    mark = f"nanoclaw-test-{uuid4().hex}"
    context = pack(folder / "context.tar", f"FROM {agent_image}\nRUN : {mark}; sleep 600\n")

    def note(event: Event) -> None:
        if isinstance(event, Said) and event.text.startswith("---> Running in"):
            scope.cancel()

    with trio.CancelScope() as scope:
        await images.build(context, note, labels={IMAGE_LABEL: mark}, network="none", anew=True)
    assert scope.cancelled_caught
    await trio.to_thread.run_sync(until, lambda: not builds(mark))
    assert mark not in {one.labels[IMAGE_LABEL] for one in await images.ours()}


def builds(mark: str) -> bool:
    """Does the engine run a step with *mark* in it? Others build meanwhile."""
    client = docker.APIClient()
    try:
        return any(mark in one["Command"] for one in client.containers(all=True))
    finally:
        client.close()


async def test_the_same_files_are_the_same_base_with_the_id_that_was_computed(images: Images, folder: Path) -> None:
    tag = f"nanoclaw/base:test-{uuid4().hex[:12]}"
    ids = set()
    digests = set()
    for name in ("one", "two"):
        layer = pack(folder / f"{name}.tar", "not a Dockerfile\n")
        digests.add(hashlib.sha256(layer.read_bytes()).hexdigest())
        archive(layer, folder / f"{name}-image.tar", tag)
        await images.load(folder / f"{name}-image.tar", ignore)
        facts = await images.find(tag)
        assert facts is not None
        ids.add(facts.id)
    await images.forget(tag)
    configuration = base_configuration(digests.pop(), PLATFORMS[os.uname().machine][1], recipe=recipe())
    assert ids == {f"sha256:{hashlib.sha256(configuration).hexdigest()}"}
