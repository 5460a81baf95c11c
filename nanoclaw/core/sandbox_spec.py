"""What a container of a session is made of: from the session and its settings to the one request that creates it.

Everything that walls an agent off is said here and nowhere else. `core/sandbox_check.py` compares what the engine
made of it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping

from attrs import field, frozen

from nanoclaw.core.package_versions import NODE_MODULES
from nanoclaw.model.ids import AgentGroupId, EpochNumber, SessionId
from nanoclaw.model.sandbox import MIB, ExtraMount, Limits, Network
from schema import files

INSTALL_LABEL = "nanoclaw.install"
SESSION_LABEL = "nanoclaw.session"
EPOCH_LABEL = "nanoclaw.epoch"
SPEC_LABEL = "nanoclaw.spec"

ENTRYPOINT = ("/usr/bin/tini", "--")
"""Process 1: passes signals on and reaps what is left behind."""
ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "HOME": files.SANDBOX_HOME,
}
IF_SET = {"NODE_PATH": NODE_MODULES}
"""What an image of ours may set, and is given then: where node finds the packages of an agent group."""
HOST_NAME = "sandbox"
NOBODY = "127.255.255.254"
"""Asked for names where there are none: an address of the sandbox's own loopback, where nothing is."""

FIRST_USER = 0x7000_0000
USERS = 0x0FFF_FFFE
"""The range that systemd's table of user ids calls unused: no account, no name service, no container has them."""

NAME_CHARACTERS = re.compile(r"[^A-Za-z0-9_.-]")
MOST_NAME = 40


@frozen(kw_only=True)
class User:
    """Numbers of a user and a group; never root's."""

    uid: int
    gid: int


@frozen(kw_only=True)
class Folders:
    """Where on this machine that is which a sandbox sees. Absolute."""

    inbound: str
    outbound: str
    gateway: str
    agent: str
    settings: str
    """container.json."""
    claude_md: str
    fragments: str
    state: str
    programs: str
    runner: str
    schema: str
    skills: str


@frozen(kw_only=True)
class Image:
    """An image as the engine has it."""

    id: str
    environment: tuple[str, ...] = ()
    """Names of the variables that it sets, and a sandbox is not given."""
    labels: Mapping[str, str] = field(factory=dict[str, str])


@frozen(kw_only=True)
class Mount:
    """A file or folder of this machine inside a sandbox."""

    source: str
    target: str
    read_write: bool = False


@frozen(kw_only=True)
class ContainerSpec:
    """One container, whole: what is not in here the engine is not asked for."""

    install: str
    session: SessionId
    epoch: EpochNumber
    image: Image
    command: tuple[str, ...]
    user: User
    mounts: tuple[Mount, ...]
    limits: Limits
    network: Network
    seccomp: str
    """The filter for system calls, as JSON text."""
    private: str | None = None
    """The name of a network that is only its own, on which it finds its gateway; None: sockets reach it."""

    @property
    def name(self) -> str:
        """The container's: one for each session, so that the engine itself refuses the second."""
        return container_name(self.install, self.session)


def container_name(install: str, session: SessionId) -> str:
    """The name of the one container of *session*: readable as far as an engine's rules allow, unique in any case."""
    readable = NAME_CHARACTERS.sub("-", session)[:MOST_NAME]
    return f"nanoclaw-{readable}-{_digest(install, session)[:16]}"


def sandbox_user(install: str, group: AgentGroupId, *, host: User) -> User:
    """Who runs in the sandboxes of *group*: the host's own user, or, where that is root, one that is only theirs.

    A number of their own keeps what the kernel counts by user (processes, inotify watches, leases) apart from the
    host and from other agents.
    """
    if host.uid != 0:
        return User(uid=host.uid, gid=host.gid if host.gid != 0 else host.uid)
    number = FIRST_USER + int(_digest(install, group), 16) % USERS
    return User(uid=number, gid=number)


def mounts(folders: Folders, extra: tuple[ExtraMount, ...]) -> tuple[Mount, ...]:
    """What a sandbox sees of this machine, in the order of the contract; what is inside another follows it."""
    found = (
        (folders.inbound, files.SANDBOX_IN, False),
        (folders.outbound, files.SANDBOX_OUT, True),
        (folders.gateway, files.SANDBOX_GATEWAY, False),
        (folders.settings, files.SANDBOX_SETTINGS, False),
        (folders.programs, files.SANDBOX_PROGRAMS, False),
        (folders.agent, files.SANDBOX_AGENT, True),
        (folders.claude_md, f"{files.SANDBOX_AGENT}/{files.CLAUDE_MD}", False),
        (folders.settings, f"{files.SANDBOX_AGENT}/{files.CONTAINER_JSON}", False),
        (folders.fragments, f"{files.SANDBOX_AGENT}/{files.FRAGMENTS}", False),
        (folders.state, files.SANDBOX_STATE, True),
        (folders.runner, f"{files.SANDBOX_APP}/runner", False),
        (folders.schema, f"{files.SANDBOX_APP}/schema", False),
        (folders.skills, files.SANDBOX_SKILLS, False),
    )
    return (
        *(Mount(source=source, target=target, read_write=write) for source, target, write in found),
        *(Mount(source=one.source, target=one.target, read_write=one.read_write) for one in extra),
    )


def create_body(spec: ContainerSpec) -> dict[str, object]:
    """The body of the request that creates *spec*'s container."""
    body = _config(spec)
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    labels = _labels(spec) | {SPEC_LABEL: hashlib.sha256(canonical.encode()).hexdigest()}
    return body | {"Labels": labels}


def spec_digest(spec: ContainerSpec) -> str:
    """What tells one spec from another, as the label says it."""
    labels = create_body(spec)["Labels"]
    assert isinstance(labels, dict)
    return str(labels[SPEC_LABEL])


def _labels(spec: ContainerSpec) -> dict[str, str]:
    return {INSTALL_LABEL: spec.install, SESSION_LABEL: spec.session, EPOCH_LABEL: str(spec.epoch)}


def _environment(image: Image) -> list[str]:
    given = {**ENVIRONMENT, **{name: value for name, value in IF_SET.items() if name in image.environment}}
    # A name without a value takes away what the image sets.
    return [*(f"{name}={value}" for name, value in given.items()), *sorted(set(image.environment) - given.keys())]


def _config(spec: ContainerSpec) -> dict[str, object]:
    return {
        "Hostname": HOST_NAME,
        "User": f"{spec.user.uid}:{spec.user.gid}",
        "AttachStdin": False,
        "AttachStdout": False,
        "AttachStderr": False,
        "Tty": False,
        "OpenStdin": False,
        "Env": _environment(spec.image),
        "Entrypoint": list(ENTRYPOINT),
        "Cmd": list(spec.command),
        "Healthcheck": {"Test": ["NONE"]},
        "Image": spec.image.id,
        "WorkingDir": files.SANDBOX_AGENT,
        "Labels": _labels(spec),
        "StopSignal": "SIGTERM",
        "HostConfig": _host_config(spec),
    }


def _host_config(spec: ContainerSpec) -> dict[str, object]:
    user, limits = spec.user, spec.limits
    return {
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true", f"seccomp={spec.seccomp}"],
        "Privileged": False,
        "ReadonlyRootfs": True,
        **_network(spec),
        "IpcMode": "private",
        "CgroupnsMode": "private",
        "Tmpfs": {
            "/tmp": "rw,noexec,nosuid,nodev,size=256m,mode=1777",  # noqa: S108 - the sandbox's own
            "/run": f"rw,noexec,nosuid,nodev,size=16m,mode=0700,uid={user.uid},gid={user.gid}",
            files.SANDBOX_HOME: f"rw,nosuid,nodev,size=256m,mode=0700,uid={user.uid},gid={user.gid}",
        },
        "ShmSize": 256 * MIB,
        "PidsLimit": limits.processes,
        # Equal: it may not swap.
        "Memory": limits.memory_bytes,
        "MemorySwap": limits.memory_bytes,
        "NanoCpus": round(limits.cpus * 1e9),
        # Before the host, when the machine runs out of memory.
        "OomScoreAdj": 500,
        "Ulimits": [
            {"Name": "nofile", "Soft": 4096, "Hard": 4096},
            {"Name": "core", "Soft": 0, "Hard": 0},
            {"Name": "fsize", "Soft": 1024 * MIB, "Hard": 1024 * MIB},
        ],
        "Mounts": [_mount(mount) for mount in spec.mounts],
        "LogConfig": {"Type": "local", "Config": {"max-size": "10m", "max-file": "3"}},
        "RestartPolicy": {"Name": "no"},
        "AutoRemove": False,
    }


def _network(spec: ContainerSpec) -> dict[str, object]:
    if spec.private is None or spec.network is not Network.NONE:
        return {"NetworkMode": {Network.NONE: "none", Network.OPEN: "bridge"}[spec.network]}
    # Names would be looked up by the engine, which is on every network: it is told of nobody who knows any.
    return {"NetworkMode": spec.private, "Dns": [NOBODY], "DnsOptions": ["timeout:1", "attempts:1"]}


def _mount(mount: Mount) -> dict[str, object]:
    return {
        "Type": "bind",
        "Source": mount.source,
        "Target": mount.target,
        "ReadOnly": not mount.read_write,
        # What is mounted inside the source on this machine is not part of what was granted.
        "BindOptions": {"Propagation": "rprivate", "NonRecursive": True},
    }


def _digest(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode()).hexdigest()
