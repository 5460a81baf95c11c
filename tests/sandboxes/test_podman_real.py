"""Real containers of Podman: made, compared, started behind the same walls. Only there where its socket answers."""

from __future__ import annotations

import json
import os
from contextlib import closing
from pathlib import Path

import pytest
import trio

from nanoclaw.core.sandbox_spec import INSTALL_LABEL, User, sandbox_user
from nanoclaw.model.sandbox import Owner
from nanoclaw.sandboxes.docker import DockerEngine
from nanoclaw.sandboxes.docker_client import DockerClient
from nanoclaw.sandboxes.docker_settings import DockerSettings
from nanoclaw.sandboxes.engine import Unusable, Usable
from nanoclaw.sandboxes.inside import GROUP, make_folders
from nanoclaw.sandboxes.runtime import find_runtime
from tests.support.real_podman import podman_address, podman_image

pytestmark = [pytest.mark.podman, pytest.mark.slow, pytest.mark.timeout(300)]

INSTALL = f"podman-{os.getpid()}"
HOST = User(uid=os.getuid(), gid=os.getgid())
UNIFIED = trio.Path("/sys/fs/cgroup/cgroup.controllers")
LOOK = """
import json, os
status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
said = {name: status[name].strip() for name in ("CapBnd", "CapEff", "NoNewPrivs", "Seccomp")}
limits = {line[:26].strip(): line.split()[-2] for line in open("/proc/self/limits")}
print(json.dumps(said | {"uid": os.getuid(), "files": limits["Max open files"], "env": sorted(os.environ)}))
"""


def an_engine(client: DockerClient, scratch: Path) -> DockerEngine:
    settings = DockerSettings(install=INSTALL, image=podman_image(), scratch=scratch, allow_old_engine=True)
    return DockerEngine(find_runtime(), client, settings, HOST)


async def test_the_probe_is_content_or_says_which_wall_there_is_not(tmp_path: Path) -> None:
    with closing(DockerClient(podman_address())) as client:
        found = await an_engine(client, tmp_path).probe()
        if await UNIFIED.exists():
            assert isinstance(found, Usable), found
            assert found.version.startswith("podman ")
        else:
            assert isinstance(found, Unusable), found
            assert "the machine's control groups can be seen from inside" in found.why
        assert await client.containers({INSTALL_LABEL: INSTALL}) == ()
        assert [path.suffix for path in await trio.Path(tmp_path).iterdir()] == [".json"]


async def test_a_container_is_as_it_was_asked_for_and_its_walls_are_seen_from_inside(tmp_path: Path) -> None:
    user = sandbox_user(INSTALL, GROUP, host=HOST)
    owner = Owner(user.uid, user.gid) if HOST.uid == 0 else None
    with closing(DockerClient(podman_address())) as client:
        engine = an_engine(client, tmp_path)
        folder = await trio.to_thread.run_sync(make_folders, tmp_path, owner)
        said = await engine.look_inside(folder, LOOK)
        assert said.code == 0, said
        seen = json.loads(said.last)
        environment = set(seen.pop("env"))
        assert {"HOME", "HOSTNAME", "LANG", "PATH", "TERM", "container"} <= environment
        nothing = "0" * 16
        assert seen == {
            "CapBnd": nothing,
            "CapEff": nothing,
            "NoNewPrivs": "1",
            "Seccomp": "2",
            "uid": user.uid,
            "files": "4096",
        }
        assert await client.containers({INSTALL_LABEL: INSTALL}) == ()
