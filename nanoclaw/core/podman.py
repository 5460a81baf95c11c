"""What Podman spells otherwise than Docker: how it is asked for the same container, and how it says that it made it.

Its socket answers as Docker's does, but a filter for system calls is a file's name to it, a folder in memory belongs to
whom the option `U` says, and its description has words of its own. Seen with 4.3.1; another that says it in other words
is not trusted, and its containers are not started.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from nanoclaw.core.sandbox_spec import HOST_NAME, ContainerSpec, create_body

RUNTIME = "oci"
"""What it calls each of its runtimes."""
CPU_PERIOD = 100_000
NO_COPY = "notmpcopyup"
"""What the image has at that place is not copied into a folder in memory. It is not told again."""
READ_ONLY_TOO = {"/var/tmp": "ro,noexec,nosuid,nodev,size=4k"}  # noqa: S108 - the sandbox's own
"""Podman lets a container with a read-only root write here, without a bound, unless it is told what else is there."""
DEFAULT_CAPABILITIES = frozenset(
    {"CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE"}
    | {"SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"}
)
"""It names those that were dropped out of its defaults, not that all were. What is left is looked at from inside."""


@frozen(kw_only=True)
class Podman:
    """What of a machine shows in what its Podman is asked for."""

    filter_file: str
    """Where the filter for system calls is: a file that only the host may write."""
    user_processes: int
    """How many processes a user of this machine may have. Podman would set a limit of its own, which may be more than
    it can set."""


def podman_body(spec: ContainerSpec, podman: Podman) -> dict[str, object]:
    """The body of the request that creates *spec*'s container with Podman."""
    body: dict[str, Any] = create_body(spec)
    host = body["HostConfig"]
    limit = {"Name": "nproc", "Soft": podman.user_processes, "Hard": podman.user_processes}
    in_memory = {path: _owned(options) for path, options in host["Tmpfs"].items()} | READ_ONLY_TOO
    return body | {
        # Without a value it would take the one that the service itself has.
        "Env": [entry if "=" in entry else f"{entry}=" for entry in body["Env"]],
        "HostConfig": host
        | {
            "SecurityOpt": ["no-new-privileges:true", f"seccomp={podman.filter_file}"],
            "Tmpfs": {path: f"{options},{NO_COPY}" for path, options in in_memory.items()},
            "Ulimits": [*host["Ulimits"], limit],
            "LogConfig": {"Type": "k8s-file", "Config": {"max-size": "30m"}},
        },
    }


def podman_says(spec: ContainerSpec, podman: Podman) -> dict[str, Any]:
    """`Config` and `HostConfig` as Podman has to tell them of *spec*'s container, after `in_order`."""
    body: dict[str, Any] = podman_body(spec, podman)
    host = body.pop("HostConfig")
    quota = round(spec.limits.cpus * CPU_PERIOD)
    config = body | {
        "Env": [*body["Env"], "TERM=xterm", "container=podman", f"HOSTNAME={HOST_NAME}"],
        # Its name is told here. The id, which is what counts, stands beside.
        "Image": "",
    }
    told = host | {
        "Binds": [_bind(mount) for mount in host["Mounts"]],
        "Mounts": None,
        "CpuPeriod": CPU_PERIOD,
        "CpuQuota": quota,
        "MemorySwappiness": -1,
        "PidMode": "private",
        "UTSMode": "private",
        # Without a log's size, and not by its name.
        "LogConfig": {"Type": "json-file"},
        "Tmpfs": {path: options.replace(NO_COPY, "rprivate") for path, options in host["Tmpfs"].items()},
        "Ulimits": [one | {"Name": f"RLIMIT_{one['Name'].upper()}"} for one in host["Ulimits"]],
    }
    return in_order({"Config": config, "HostConfig": told})


def in_order(document: Mapping[str, Any]) -> dict[str, Any]:
    """*document* with one word where Podman has several, and in one order where its own changes from time to time.

    A part that is not what it should be is left as it is: whoever compares finds that it differs.
    """
    config, host = document.get("Config"), document.get("HostConfig")
    return {
        **document,
        "Config": _config_in_order(config) if isinstance(config, Mapping) else config,
        "HostConfig": _host_in_order(host) if isinstance(host, Mapping) else host,
    }


def _config_in_order(config: Mapping[str, Any]) -> dict[str, Any]:
    found = {**config, "Image": ""}
    if isinstance(environment := found.get("Env"), list):
        found["Env"] = sorted(map(str, environment))
    if found.get("StopSignal") == "15":
        found["StopSignal"] = "SIGTERM"
    check = found.get("Healthcheck")
    if isinstance(check, Mapping) and check.get("Test") == ["NONE"]:
        # How often nothing is done is told as well.
        found["Healthcheck"] = {"Test": ["NONE"]}
    return found


def _host_in_order(host: Mapping[str, Any]) -> dict[str, Any]:
    found = {**host}
    if isinstance(dropped := found.get("CapDrop"), list) and set(map(str, dropped)) >= DEFAULT_CAPABILITIES:
        found["CapDrop"] = ["ALL"]
    # Not told by 4.3: it is looked at from inside.
    found["CgroupnsMode"] = found.get("CgroupnsMode") or "private"
    if found.get("IpcMode") == "shareable":
        # One of its own, which another container could be told to join: by nobody but the one who could do all else.
        found["IpcMode"] = "private"
    if isinstance(options := found.get("SecurityOpt"), list):
        found["SecurityOpt"] = [str(one).removesuffix(":true") for one in options]
    if isinstance(binds := found.get("Binds"), list):
        found["Binds"] = [_sorted_options(str(one)) for one in binds]
    if isinstance(in_memory := found.get("Tmpfs"), Mapping):
        found["Tmpfs"] = {path: ",".join(sorted(str(one).split(","))) for path, one in in_memory.items()}
    return found


def _owned(options: str) -> str:
    """*options* of a folder in memory with Podman's word for: it belongs to whom the container runs as."""
    words = options.split(",")
    kept = [word for word in words if not word.startswith(("uid=", "gid="))]
    return ",".join(kept if kept == words else [*kept, "U"])


def _bind(mount: Mapping[str, Any]) -> str:
    access = "ro" if mount["ReadOnly"] else "rw"
    return f"{mount['Source']}:{mount['Target']}:{access},rprivate,bind"


def _sorted_options(bind: str) -> str:
    places, colon, options = bind.rpartition(":")
    return places + colon + ",".join(sorted(options.split(",")))
