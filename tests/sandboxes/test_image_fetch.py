"""Fetching in a throw-away container of a real engine: what it leaves is taken away, and the container always goes."""

from __future__ import annotations

import tarfile
from pathlib import Path
from uuid import uuid4

import docker
import pytest
import trio

from nanoclaw.core.build_stream import Event, Said
from nanoclaw.core.images import ImageId
from nanoclaw.core.packages import Packages
from nanoclaw.errors import ImageError
from nanoclaw.sandboxes.images import FETCHING_LABEL, open_images
from nanoclaw.sandboxes.package_build import PackageBuilder
from tests.support.docker_engine import TEST_IMAGE
from tests.support.host import until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(120)]

TAKE = "/tmp/here"


async def fetch(image: ImageId, script: str, target: Path) -> list[Event]:
    heard: list[Event] = []
    async with open_images() as images:
        await images.fetch(image, ["/bin/sh", "-c", script], heard.append, take=TAKE, target=target)
    return heard


def left_of(mark: str) -> list[str]:
    """The containers that fetch, or have fetched, and have *mark* in their command: others fetch meanwhile."""
    client = docker.APIClient()
    try:
        found = client.containers(all=True, filters={"label": FETCHING_LABEL})
    finally:
        client.close()
    return [one["Id"] for one in found if mark in one["Command"]]


async def test_what_it_leaves_is_taken_away_and_what_it_says_is_heard(agent_image: ImageId, tmp_path: Path) -> None:
    target = tmp_path / "taken.tar"
    heard = await fetch(agent_image, f"mkdir {TAKE}; id -u >{TAKE}/who; grep CapEff /proc/self/status; echo ok", target)
    with tarfile.open(target) as tar:
        file = tar.extractfile("here/who")
        assert file is not None
        assert file.read() == b"0\n"
    words = " ".join(event.text for event in heard if isinstance(event, Said))
    assert words.split() == ["CapEff:", "0" * 16, "ok"], "it is root without rights"


async def test_one_that_fails_is_a_failure_with_its_last_words(agent_image: ImageId, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="there is no such package"):
        await fetch(agent_image, "echo there is no such package; exit 3", tmp_path / "x")
    mark = uuid4().hex
    with pytest.raises(ImageError):
        await fetch(agent_image, f": {mark}, and nothing to take", tmp_path / "x")
    assert left_of(mark) == []


def test_one_that_is_given_up_goes(agent_image: ImageId, tmp_path: Path) -> None:
    mark = uuid4().hex

    async def give_up() -> None:
        with trio.move_on_after(2):
            await fetch(agent_image, f"echo {mark}; sleep 100", tmp_path / "x")

    trio.run(give_up)
    until(lambda: not left_of(mark))


async def test_a_package_that_there_is_not_is_refused_by_who_knows(agent_image: ImageId) -> None:
    builder = PackageBuilder(TEST_IMAGE)
    with pytest.raises(ImageError, match="no-such-package"):
        await builder.find(Packages(apt=("no-such-package",)))
    with pytest.raises(ImageError, match="no-such-package"):
        await builder.find(Packages(pip=("no-such-package-of-ours",)))
