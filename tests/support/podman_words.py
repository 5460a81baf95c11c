"""What Podman 4.3.1 says of a container, word for word as it was seen, with its lists in whatever order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nanoclaw.core.podman import Podman
from nanoclaw.core.sandbox_check import EngineFacts
from nanoclaw.sandboxes.docker_api import Daemon
from tests.support.inspected import HOST_CONFIG, describe

PODMAN = Podman(filter_file="/home/nc/run/seccomp-1.json", user_processes=32768)
FACTS = EngineFacts(runtime="oci", podman=PODMAN)
WHO = Daemon(version="4.3.1", is_docker=False, runc="1.3.3", facts=EngineFacts(runtime="/usr/bin/runc"))
HOST: dict[str, object] = {
    "CapAdd": [],
    "CapDrop": [
        *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE"),
        *("NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
    ],
    "CgroupnsMode": "",
    "CpuPeriod": 100000,
    "CpuQuota": 100000,
    "Devices": [],
    "IpcMode": "shareable",
    "LogConfig": {"Config": None, "Type": "json-file"},
    "MaskedPaths": None,
    "MemorySwappiness": -1,
    "Mounts": None,
    "PidMode": "private",
    "ReadonlyPaths": None,
    "Runtime": "oci",
    "UTSMode": "private",
}


def in_podmans_words(body: Mapping[str, object], image_labels: Mapping[str, str]) -> dict[str, Any]:
    """What it says of the container that *body* asked for."""
    document: dict[str, Any] = describe(body, image_labels)
    config, asked = document["Config"], document["HostConfig"]
    return {
        **document,
        "AppArmorProfile": "",
        "Config": config
        | {
            "Env": ["HOSTNAME=sandbox", "container=podman", *reversed(config["Env"]), "TERM=xterm"],
            "Healthcheck": {"Interval": 30000000000, "Retries": 3, "Test": ["NONE"], "Timeout": 30000000000},
            "Image": "localhost/nanoclaw/agent:test",
            "StopSignal": "15",
            "StopTimeout": 0,
        },
        "HostConfig": HOST_CONFIG
        | asked
        | HOST
        | {
            "Binds": [
                f"{one['Source']}:{one['Target']}:" + ("ro,rprivate,bind" if one["ReadOnly"] else "rprivate,bind,rw")
                for one in reversed(asked["Mounts"])
            ],
            "SecurityOpt": [one.removesuffix(":true") for one in asked["SecurityOpt"]],
            "Tmpfs": {path: _told(options) for path, options in asked["Tmpfs"].items()},
            "Ulimits": [one | {"Name": f"RLIMIT_{one['Name'].upper()}"} for one in asked["Ulimits"]],
        },
        "NetworkSettings": {"Networks": {}},
    }


def _told(options: str) -> str:
    return ",".join([*(one for one in options.split(",") if one != "notmpcopyup"), "rprivate"])
