"""An engine on a daemon that speaks as Podman does: tried first, asked in its words, and held to what it tells."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from nanoclaw.core.sandbox_spec import User
from nanoclaw.errors import SandboxError
from nanoclaw.sandboxes import podman
from nanoclaw.sandboxes.docker import DockerEngine
from nanoclaw.sandboxes.docker_probe import NO_WAY
from nanoclaw.sandboxes.docker_settings import DockerSettings
from nanoclaw.sandboxes.engine import Probe, Unusable, Usable
from nanoclaw.sandboxes.seccomp import seccomp_profile
from tests.sandboxes.docker_world import HOME, INSTALL, RUNTIME, life_of
from tests.sandboxes.test_docker_probe import works
from tests.support.fake_docker import IMAGE, FakeDocker, fake_docker
from tests.support.podman_words import WHO, in_podmans_words
from tests.support.session_owner import spec_of


def speaks(docker: FakeDocker) -> list[Mapping[str, object]]:
    """Let it be Podman; returns what it is asked for from now on."""
    asked: list[Mapping[str, object]] = []

    def describes(body: Mapping[str, object], labels: Mapping[str, str]) -> dict[str, Any]:
        asked.append(body)
        return in_podmans_words(body, labels)

    docker.who, docker.describes = WHO, describes
    works(docker)
    return asked


def an_engine(docker: FakeDocker, scratch: Path, *, allow_old: bool = False, way_out: str = "auto") -> DockerEngine:
    settings = DockerSettings(
        install=INSTALL, image=IMAGE, scratch=scratch, allow_old_engine=allow_old, way_out=way_out
    )
    return DockerEngine(RUNTIME, docker, settings, User(uid=os.getuid(), gid=os.getgid()))


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def probe(scratch: Path, change: Callable[[FakeDocker], object], *, allow_old: bool = False) -> Probe:
    """What is found out about one that works, but for *change*."""
    async with fake_docker() as docker:
        speaks(docker)
        change(docker)
        found = await an_engine(docker, scratch, allow_old=allow_old).probe()
        assert docker.there == {}
        return found


async def test_one_that_works_is_usable_and_said_to_be_podman(tmp_path: Path) -> None:
    async with fake_docker() as docker:
        asked = speaks(docker)
        found = await an_engine(docker, tmp_path).probe()
        assert isinstance(found, Usable), found
        assert found.version == "podman 4.3.1, runc 1.3.3"
        assert podman.LACKS in found.lacks
        (body,) = asked
        assert podman.CHECK in str(body["Cmd"][-1])  # type: ignore[index]  # a JSON object
        (filter_file,) = files_in(tmp_path)
        assert f"seccomp={filter_file}" in body["HostConfig"]["SecurityOpt"]  # type: ignore[index]  # a JSON object
        assert stat.S_IMODE(filter_file.stat().st_mode) == 0o600
        assert filter_file.read_text() == seccomp_profile()
        assert isinstance(await an_engine(docker, tmp_path).probe(), Usable)
        assert files_in(tmp_path) == [filter_file], "the same filter is the same file"


async def test_docker_is_asked_nothing_more(tmp_path: Path) -> None:
    async with fake_docker() as docker:
        works(docker)
        assert isinstance(await an_engine(docker, tmp_path).probe(), Usable)
        assert files_in(tmp_path) == []


def _old(docker: FakeDocker) -> None:
    docker.who = attrs.evolve(WHO, runc="1.1.5")


def _unfiltered(docker: FakeDocker) -> None:
    docker.tamper = lambda document: document["HostConfig"].update(SecurityOpt=["no-new-privileges"])


def _failing(docker: FakeDocker) -> None:
    docker.behave = lambda container: docker.end(container, 1)


@pytest.mark.parametrize(
    ("change", "why"),
    [(_old, "runc 1.1.5 is older"), (_unfiltered, "HostConfig.SecurityOpt"), (_failing, "exit code 1")],
)
async def test_one_without_a_wall_is_not_used(tmp_path: Path, change: Callable[[FakeDocker], object], why: str) -> None:
    found = await probe(tmp_path, change)
    assert isinstance(found, Unusable), found
    assert why in found.why


async def test_an_old_runtime_may_be_accepted(tmp_path: Path) -> None:
    assert isinstance(await probe(tmp_path, _old, allow_old=True), Usable)


@pytest.mark.parametrize(("way_out", "why"), [("network", podman.NO_NETWORKS), ("auto", "by socket, the gateway")])
async def test_it_is_never_put_on_a_network(tmp_path: Path, way_out: str, why: str) -> None:
    async with fake_docker() as docker:
        asked = speaks(docker)
        docker.behave = lambda container: docker.end(container, NO_WAY)
        found = await an_engine(docker, tmp_path, way_out=way_out).probe()
        assert isinstance(found, Unusable), found
        assert why in found.why
        assert "network" not in found.why or way_out == "network"
        assert len(asked) == (way_out == "auto")


async def test_nothing_is_started_with_one_that_was_not_tried(tmp_path: Path) -> None:
    async with fake_docker() as docker, trio.open_nursery() as nursery:
        asked = speaks(docker)
        engine = an_engine(docker, tmp_path)
        await nursery.start(engine.run)
        with pytest.raises(SandboxError, match=r"podman 4\.3\.1 answers, and was not tried"):
            await engine.start(spec_of(life_of(), HOME))
        assert asked == []
        assert isinstance(await engine.probe(), Usable)
        docker.behave = lambda container: docker.end(container, 1)
        assert isinstance(await engine.probe(), Unusable)
        with pytest.raises(SandboxError, match="was not tried"):
            await engine.start(spec_of(life_of(), HOME))
        works(docker)
        assert isinstance(await engine.probe(), Usable)
        docker.behave = None
        assert (await engine.start(spec_of(life_of(), HOME))).exit is None
        nursery.cancel_scope.cancel()
