"""The probe: what it says of a daemon that answers, of one that does not, and of one that does something else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from nanoclaw.core.sandbox_check import EngineFacts
from nanoclaw.core.sandbox_spec import User
from nanoclaw.sandboxes.docker import DockerEngine
from nanoclaw.sandboxes.docker_api import LogLine
from nanoclaw.sandboxes.docker_settings import DockerSettings
from nanoclaw.sandboxes.engine import Probe, Unusable, Usable
from tests.sandboxes.docker_world import INSTALL, RUNTIME
from tests.support.fake_container import FakeContainer
from tests.support.fake_docker import GOOD, IMAGE, FakeDocker, fake_docker

OLD = attrs.evolve(GOOD, version="20.10.24+dfsg1", runc="1.1.5")


def folder_of(container: FakeContainer) -> Path:
    """Where on this machine the container's out folder is."""
    (source,) = [one["Source"] for one in container.document["Mounts"] if one["Destination"] == "/nanoclaw/out"]
    return Path(source)


def works(docker: FakeDocker) -> None:
    """A container does what it is told."""

    def run(container: FakeContainer) -> None:
        written = folder_of(container) / "written"
        written.touch()
        if os.getuid() == 0:
            uid, gid = container.document["Config"]["User"].split(":")
            os.chown(written, int(uid), int(gid))
        docker.end(container, 0)

    docker.behave = run


async def probe(tmp_path: Path, change: Callable[[FakeDocker], None], *, allow_old: bool = False) -> Probe:
    """What is found out about a daemon that works, but for *change*. Nothing may be left of it."""
    async with fake_docker() as docker:
        works(docker)
        change(docker)
        settings = DockerSettings(install=INSTALL, image=IMAGE, scratch=tmp_path, allow_old_engine=allow_old)
        found = await DockerEngine(RUNTIME, docker, settings, User(uid=os.getuid(), gid=os.getgid())).probe()
        assert docker.there == {}
        assert not list(await trio.Path(tmp_path).iterdir())
        return found


async def test_one_that_works_is_usable_and_said_to_be_what_it_is(tmp_path: Path) -> None:
    found = await probe(tmp_path, lambda _: None)
    assert isinstance(found, Usable), found
    assert found.version == "29.0.0, runc 1.3.3"
    assert "no capabilities" in found.walls
    assert "no limit on disk space" in found.lacks
    assert "holes" not in found.lacks


async def test_what_it_cannot_do_is_said(tmp_path: Path) -> None:
    def cannot(docker: FakeDocker) -> None:
        docker.who = attrs.evolve(OLD, facts=EngineFacts(limits_swap=False))
        docker.tamper = lambda document: document["HostConfig"].update(MemorySwap=-1)

    found = await probe(tmp_path, cannot, allow_old=True)
    assert isinstance(found, Usable), found
    assert "no limit on swapping" in found.lacks
    assert "known holes" in found.lacks


def _old(docker: FakeDocker) -> None:
    docker.who = OLD


def _without_image(docker: FakeDocker) -> None:
    docker.images.clear()


def _away(docker: FakeDocker) -> None:
    docker.up = False


def _failing(docker: FakeDocker) -> None:
    def fail(container: FakeContainer) -> None:
        container.said.append(LogLine(at="2026-11-26T05:08:32.738291690Z", text=b"CapEff is 00000000a80425fb\n"))
        docker.end(container, 1)

    docker.behave = fail


def _elsewhere(docker: FakeDocker) -> None:
    docker.behave = lambda container: docker.end(container, 0)


def _another_user(docker: FakeDocker) -> None:
    as_it_should = docker.behave
    assert as_it_should is not None

    def run(container: FakeContainer) -> None:
        as_it_should(container)
        if os.getuid() == 0:
            os.chown(folder_of(container) / "written", 12345, 12345)
        else:
            (folder_of(container) / "written").unlink()

    docker.behave = run


def _tampering(docker: FakeDocker) -> None:
    docker.tamper = lambda document: document["HostConfig"].update(Privileged=True)


def _refusing(docker: FakeDocker) -> None:
    docker.refuse["create"] = "no space left on device"


@pytest.mark.parametrize(
    ("change", "why", "mend"),
    [
        (_old, "[sandbox] allow_old_engine = true", ""),
        (_without_image, "there is no image nanoclaw/agent:dev", "nanoclaw image build"),
        (_away, "connection refused", "systemctl start docker"),
        (_failing, "exit code 1: CapEff is 00000000a80425fb", ""),
        (_elsewhere, "is it on another one?", ""),
        (_another_user, "belong to user 12345" if os.getuid() == 0 else "is it on another one?", ""),
        (_tampering, "HostConfig.Privileged", ""),
        (_refusing, "no space left on device", ""),
    ],
)
async def test_one_that_does_not_is_unusable_and_people_are_told_why(
    tmp_path: Path, change: Callable[[Any], None], why: str, mend: str
) -> None:
    found = await probe(tmp_path, change)
    assert isinstance(found, Unusable)
    assert why in found.why
    assert found.mend == mend
