"""The Podman of this machine, if its socket answers: where NANOCLAW_PODMAN says, or at its usual places."""

from __future__ import annotations

import os
from contextlib import closing
from functools import cache
from typing import Any

import docker
from docker.errors import ImageNotFound

from nanoclaw.sandboxes.engine_calls import knock
from tests.support.docker_engine import TEST_IMAGE, built_image, why_no_docker

ADDRESS_VARIABLE = "NANOCLAW_PODMAN"
SYSTEM = "unix:///run/podman/podman.sock"
LONG_SECONDS = 240


@cache
def podman_address() -> str:
    """Of its socket; empty if none answers."""
    own = os.environ.get("XDG_RUNTIME_DIR", "")
    usual = [SYSTEM, *([f"unix://{own}/podman/podman.sock"] if own else [])]
    named = os.environ.get(ADDRESS_VARIABLE)
    for address in [named] if named else usual:
        try:
            knock(address)
        except OSError:
            continue
        return address
    return ""


def podman_image() -> str:
    """The agent image that tests start from: if it has none, docker's is given to it. Raises `DockerException`."""
    # docker-py's types know half of it.
    podman: Any = docker.APIClient(base_url=podman_address(), version="auto", timeout=LONG_SECONDS)
    with closing(podman):
        try:
            podman.inspect_image(TEST_IMAGE)
        except ImageNotFound:
            assert not why_no_docker()
            built_image()
            with closing(docker.APIClient(version="auto", timeout=LONG_SECONDS)) as engine:
                for _ in podman.load_image(engine.get_image(TEST_IMAGE)):
                    pass
    return TEST_IMAGE
