"""Podman is asked for the same walls in its own words, and a container that it tells to be another is noticed."""

from __future__ import annotations

import copy
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.podman import podman_body
from nanoclaw.core.sandbox_check import EngineFacts, unexpected
from nanoclaw.core.sandbox_spec import Image, create_body
from nanoclaw.model.sandbox import ExtraMount, Limits
from tests.core.test_sandbox_check import OTHERS, is_empty, look, places
from tests.support.inspected import a_spec
from tests.support.podman_words import FACTS, PODMAN, in_podmans_words

Place = tuple[Any, ...]
SPELLED = {"Env", "HostConfig"}
SPELLED_OF_HOST = {"SecurityOpt", "Tmpfs", "Ulimits", "LogConfig"}


def told(spec: Any = None) -> dict[str, Any]:
    """What Podman says of *spec*'s container."""
    spec = spec or a_spec()
    return in_podmans_words(podman_body(spec, PODMAN), spec.image.labels)


# Left out: the image's name, as its id stands beside; how often a check that is none is made; the size of no console.
UNTOLD = {("Config", "Image"), ("HostConfig", "ConsoleSize"), ("Config", "Healthcheck")}
PLACES = [
    place
    for place in places({name: told()[name] for name in ("Config", "HostConfig", "Mounts")})
    if place[:2] not in UNTOLD and place[:2] != ("HostConfig", "CapDrop")
]


def test_what_is_not_spelled_otherwise_is_asked_for_as_docker_is() -> None:
    ours: dict[str, Any] = podman_body(a_spec(), PODMAN)
    docker: dict[str, Any] = create_body(a_spec())
    assert {key: ours[key] for key in ours.keys() - SPELLED} == {key: docker[key] for key in docker.keys() - SPELLED}
    host, wanted = ours["HostConfig"], docker["HostConfig"]
    assert {key for key in wanted if host[key] != wanted[key]} == SPELLED_OF_HOST
    assert host.keys() == wanted.keys()


def test_the_filter_is_a_file_and_folders_in_memory_are_the_sandboxs_own() -> None:
    host: Any = podman_body(a_spec(), PODMAN)["HostConfig"]
    assert host["SecurityOpt"] == ["no-new-privileges:true", "seccomp=/home/nc/run/seccomp-1.json"]
    assert host["Tmpfs"] == {
        "/tmp": "rw,noexec,nosuid,nodev,size=256m,mode=1777,notmpcopyup",
        "/run": "rw,noexec,nosuid,nodev,size=16m,mode=0700,U,notmpcopyup",
        "/home/agent": "rw,nosuid,nodev,size=256m,mode=0700,U,notmpcopyup",
        "/var/tmp": "ro,noexec,nosuid,nodev,size=4k,notmpcopyup",
    }
    assert {"Name": "nproc", "Soft": 32768, "Hard": 32768} in host["Ulimits"]


def test_a_variable_of_the_image_is_emptied_and_never_taken_from_the_service() -> None:
    environment = podman_body(a_spec(), PODMAN)["Env"]
    assert isinstance(environment, list)
    assert "PYTHON_VERSION=" in environment
    assert all("=" in entry for entry in environment)


@pytest.mark.parametrize(
    "spec",
    [
        a_spec(),
        a_spec(image=Image(id="sha256:1")),
        a_spec(extra=(ExtraMount(source="/srv:x", target="/workspace/extra/srv"),)),
        attrs.evolve(a_spec(), limits=Limits(cpus=0.5)),
    ],
)
def test_what_podman_makes_of_a_spec_is_as_expected(spec: Any) -> None:
    document = told(spec)
    document["HostConfig"]["CpuQuota"] = round(spec.limits.cpus * 100_000)
    assert unexpected(spec, document, FACTS) == ()
    assert unexpected(spec, document, EngineFacts()), "in words that are not docker's"


@given(st.sampled_from(PLACES), st.sampled_from(OTHERS))
def test_whatever_else_it_tells_is_noticed(place: Place, other: object) -> None:
    document = copy.deepcopy(told())
    inner = look(document, place[:-1])
    before = inner[place[-1]]
    inner[place[-1]] = other
    alike = other == before or (is_empty(other) and is_empty(before))
    hidden = place[-1] == "CgroupnsMode" and is_empty(other)
    noticed = bool(unexpected(a_spec(), document, FACTS))
    assert noticed is not (alike or hidden), (place, other)


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("HostConfig", "CapDrop", ["CHOWN"]),
        ("HostConfig", "CapDrop", []),
        ("HostConfig", "CapAdd", ["SYS_ADMIN"]),
        ("HostConfig", "CgroupnsMode", "host"),
        ("HostConfig", "IpcMode", "host"),
        ("HostConfig", "PidMode", "host"),
        ("HostConfig", "SecurityOpt", ["no-new-privileges", "seccomp=unconfined"]),
        ("HostConfig", "SecurityOpt", ["seccomp=/home/nc/run/seccomp-1.json"]),
        ("HostConfig", "MaskedPaths", []),
        ("HostConfig", "MaskedPaths", ["/proc/kcore"]),
        ("HostConfig", "Privileged", True),
        ("HostConfig", "Init", True),
        ("HostConfig", "Binds", ["/:/host:bind,rprivate,rw"]),
        ("Config", "Healthcheck", {"Test": ["CMD", "true"]}),
        ("Config", "Image", None),
    ],
)
def test_a_wall_that_lacks_is_named(part: str, key: str, value: object) -> None:
    document = told()
    document[part][key] = value
    found = unexpected(a_spec(), document, FACTS)
    assert (part, key) == ("Config", "Image") or any(f"{part}.{key}" in text for text in found)
