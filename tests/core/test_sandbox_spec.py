"""What a container is asked to be: the walls, the mounts, the names."""

from __future__ import annotations

import re

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.sandbox_spec import (
    FIRST_USER,
    SPEC_LABEL,
    ContainerSpec,
    Image,
    User,
    container_name,
    create_body,
    mounts,
    sandbox_user,
    spec_digest,
)
from nanoclaw.model.ids import AgentGroupId, EpochNumber, SessionId
from nanoclaw.model.sandbox import ExtraMount, Limits, Network
from tests.support.inspected import FOLDERS, a_spec

ROOT = User(uid=0, gid=0)
ENGINES_RULE = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+", re.ASCII)
ids = st.text(min_size=1, max_size=80)


def host_config(spec: ContainerSpec | None = None) -> dict[str, object]:
    found = create_body(spec or a_spec())["HostConfig"]
    assert isinstance(found, dict)
    return found


def test_a_container_can_do_nothing_that_is_not_asked_for() -> None:
    host = host_config()
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges:true", f"seccomp={a_spec().seccomp}"]
    assert host["ReadonlyRootfs"] is True
    assert host["NetworkMode"] == "none"
    assert (host["IpcMode"], host["CgroupnsMode"]) == ("private", "private")
    assert host["RestartPolicy"] == {"Name": "no"}
    assert not {"Binds", "CapAdd", "Devices", "PidMode", "UsernsMode", "ExtraHosts"} & host.keys()


def test_the_limits_are_the_sandboxs_and_swapping_is_no_way_round_them() -> None:
    host = host_config(attrs.evolve(a_spec(), limits=Limits(memory_bytes=1 << 29, cpus=0.5, processes=64)))
    assert (host["Memory"], host["MemorySwap"], host["NanoCpus"], host["PidsLimit"]) == (
        1 << 29,
        1 << 29,
        500_000_000,
        64,
    )


def test_an_open_network_is_only_there_when_it_is_asked_for() -> None:
    assert host_config(a_spec(network=Network.OPEN))["NetworkMode"] == "bridge"


def test_every_temporary_folder_has_a_size_and_no_setuid_programs() -> None:
    found = host_config()["Tmpfs"]
    assert isinstance(found, dict)
    assert set(found) == {"/tmp", "/run", "/home/agent"}
    for options in found.values():
        assert {"nosuid", "nodev"} <= set(options.split(","))
        assert "size=" in options


def test_the_environment_is_ours_and_nothing_of_the_images() -> None:
    image = Image(id="sha256:1", environment=("PYTHON_VERSION", "PATH", "GPG_KEY"))
    assert create_body(attrs.evolve(a_spec(), image=image))["Env"] == [
        "PATH=/usr/local/bin:/usr/bin:/bin",
        "LANG=C.UTF-8",
        "HOME=/home/agent",
        "GPG_KEY",
        "PYTHON_VERSION",
    ]


def test_where_node_finds_packages_is_said_by_us_if_the_image_has_any() -> None:
    image = Image(id="sha256:1", environment=("NODE_PATH", "PATH"))
    assert "NODE_PATH=/opt/nanoclaw/node/node_modules" in str(create_body(attrs.evolve(a_spec(), image=image))["Env"])
    assert "NODE_PATH" not in str(create_body(a_spec())["Env"])


def test_the_mounts_are_those_of_the_contract_in_its_order() -> None:
    extra = (ExtraMount(source="/srv/books", target="/workspace/extra/books", read_write=True),)
    found = [(one.target, one.read_write) for one in mounts(FOLDERS, extra)]
    assert found == [
        ("/nanoclaw/in", False),
        ("/nanoclaw/out", True),
        ("/nanoclaw/gateway", False),
        ("/nanoclaw/container.json", False),
        ("/nanoclaw/programs", False),
        ("/workspace/agent", True),
        ("/workspace/agent/CLAUDE.md", False),
        ("/workspace/agent/container.json", False),
        ("/workspace/agent/.claude-fragments", False),
        ("/home/agent/.claude", True),
        ("/app/runner", False),
        ("/app/schema", False),
        ("/app/skills", False),
        ("/workspace/extra/books", True),
    ]


def test_a_mount_is_private_and_brings_nothing_that_is_mounted_inside_it() -> None:
    found = host_config()["Mounts"]
    assert isinstance(found, list)
    assert {tuple(sorted(one["BindOptions"].items())) for one in found} == {
        (("NonRecursive", True), ("Propagation", "rprivate"))
    }
    assert {one["Target"] for one in found if not one["ReadOnly"]} == {
        "/nanoclaw/out",
        "/workspace/agent",
        "/home/agent/.claude",
    }


@given(ids, ids)
def test_a_name_is_one_that_engines_take_whatever_a_session_is_called(install: str, session: str) -> None:
    assert ENGINES_RULE.fullmatch(container_name(install, SessionId(session)))


@given(st.tuples(ids, ids), st.tuples(ids, ids))
def test_two_sessions_never_share_a_name(one: tuple[str, str], other: tuple[str, str]) -> None:
    names = {container_name(install, SessionId(session)) for install, session in (one, other)}
    assert len(names) == len({one, other})


@given(st.text(), st.text())
def test_under_a_root_host_no_sandbox_is_root_nor_anybody_that_there_is(install: str, group: str) -> None:
    user = sandbox_user(install, AgentGroupId(group), host=ROOT)
    assert FIRST_USER <= user.uid == user.gid < 1 << 31
    assert user == sandbox_user(install, AgentGroupId(group), host=ROOT)


def test_agent_groups_and_installs_have_users_of_their_own() -> None:
    users = {
        sandbox_user(install, AgentGroupId(group), host=ROOT) for install in ("a", "b") for group in ("x", "y", "z")
    }
    assert len(users) == 6


@pytest.mark.parametrize(
    ("host", "expected"), [((1000, 100), (1000, 100)), ((1000, 0), (1000, 1000))], ids=["own", "never-root's-group"]
)
def test_elsewhere_it_is_the_hosts_own_user(host: tuple[int, int], expected: tuple[int, int]) -> None:
    user = sandbox_user("home", AgentGroupId("nano"), host=User(uid=host[0], gid=host[1]))
    assert (user.uid, user.gid) == expected


def test_the_digest_changes_with_whatever_is_asked() -> None:
    spec = a_spec()
    others = [
        attrs.evolve(spec, epoch=EpochNumber(4)),
        attrs.evolve(spec, command=("sh",)),
        attrs.evolve(spec, limits=Limits(processes=17)),
        attrs.evolve(spec, mounts=spec.mounts[1:]),
        attrs.evolve(spec, seccomp="{}"),
    ]
    digests = {spec_digest(one) for one in (spec, *others)}
    assert len(digests) == 6
    labels = create_body(spec)["Labels"]
    assert isinstance(labels, dict)
    assert labels == {
        "nanoclaw.install": "home-1",
        "nanoclaw.session": "session-1",
        "nanoclaw.epoch": "3",
        SPEC_LABEL: spec_digest(spec),
    }
