"""What an engine says of a container: the request, and everything that Docker adds to it."""

from __future__ import annotations

import copy
from collections.abc import Mapping

from nanoclaw.core.sandbox_spec import (
    ContainerSpec,
    Folders,
    Image,
    User,
    create_body,
    mounts,
)
from nanoclaw.model.ids import EpochNumber, SessionId
from nanoclaw.model.sandbox import ExtraMount, Limits, Network

CONFIG: dict[str, object] = {
    "Domainname": "",
    "StdinOnce": False,
    "Volumes": None,
    "OnBuild": None,
}
HOST_CONFIG: dict[str, object] = {
    "Binds": None,
    "ContainerIDFile": "",
    "PortBindings": None,
    "VolumeDriver": "",
    "VolumesFrom": None,
    "CapAdd": None,
    "Dns": None,
    "DnsOptions": None,
    "DnsSearch": None,
    "ExtraHosts": None,
    "GroupAdd": None,
    "Cgroup": "",
    "Links": None,
    "PidMode": "",
    "PublishAllPorts": False,
    "UTSMode": "",
    "UsernsMode": "",
    "Runtime": "runc",
    "ConsoleSize": [0, 0],
    "Isolation": "",
    "CpuShares": 0,
    "CgroupParent": "",
    "BlkioWeight": 0,
    "CpuPeriod": 0,
    "CpuQuota": 0,
    "CpuRealtimePeriod": 0,
    "CpuRealtimeRuntime": 0,
    "CpusetCpus": "",
    "CpusetMems": "",
    "Devices": None,
    "DeviceCgroupRules": None,
    "DeviceRequests": None,
    "KernelMemory": 0,
    "KernelMemoryTCP": 0,
    "MemoryReservation": 0,
    "MemorySwappiness": None,
    "OomKillDisable": False,
    "CpuCount": 0,
    "CpuPercent": 0,
    "IOMaximumIOps": 0,
    "IOMaximumBandwidth": 0,
    "MaskedPaths": [
        "/proc/asound",
        "/proc/acpi",
        "/proc/kcore",
        "/proc/keys",
        "/proc/latency_stats",
        "/proc/timer_list",
        "/proc/timer_stats",
        "/proc/sched_debug",
        "/proc/scsi",
        "/sys/firmware",
    ],
    "ReadonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
}

FOLDERS = Folders(
    inbound="/home/nc/sessions/g/s/in",
    outbound="/home/nc/sessions/g/s/out/3",
    gateway="/home/nc/sessions/g/s/gateway",
    agent="/home/nc/groups/nano",
    settings="/home/nc/composed/g/container.json",
    claude_md="/home/nc/composed/g/CLAUDE.md",
    fragments="/home/nc/composed/g/fragments",
    state="/home/nc/state/g",
    programs="/home/nc/composed/g/programs",
    runner="/opt/nanoclaw/runner",
    schema="/opt/nanoclaw/schema",
    skills="/home/nc/skills",
)


def a_spec(
    *,
    session: str = "session-1",
    epoch: int = 3,
    image: Image | None = None,
    extra: tuple[ExtraMount, ...] = (),
    network: Network = Network.NONE,
) -> ContainerSpec:
    """A container as it could be asked for."""
    return ContainerSpec(
        install="home-1",
        session=SessionId(session),
        epoch=EpochNumber(epoch),
        image=image or Image(id="sha256:4711", environment=("PYTHON_VERSION", "PATH"), labels={"maker": "somebody"}),
        command=("python3", "-I"),
        user=User(uid=1879048200, gid=1879048200),
        mounts=mounts(FOLDERS, extra),
        limits=Limits(),
        network=network,
        seccomp='{"defaultAction": "SCMP_ACT_ERRNO"}',
    )


def inspected(spec: ContainerSpec) -> dict[str, object]:
    """What Docker says of *spec*'s container before it is started."""
    return describe(create_body(spec), spec.image.labels)


def describe(body: Mapping[str, object], image_labels: Mapping[str, str]) -> dict[str, object]:
    """What Docker says of the container that *body* asked for."""
    config = {**copy.deepcopy(dict(body))}
    host = config.pop("HostConfig")
    labels = config["Labels"]
    assert isinstance(host, dict)
    assert isinstance(labels, dict)
    found = host["Mounts"]
    return {
        "Image": body["Image"],
        "AppArmorProfile": "docker-default",
        "Config": {**CONFIG, **config, "Labels": {**image_labels, **labels}},
        "HostConfig": copy.deepcopy({**HOST_CONFIG, **host, "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0}}),
        "Mounts": [
            {
                "Type": "bind",
                "Source": mount["Source"],
                "Destination": mount["Target"],
                "Mode": "",
                "RW": not mount["ReadOnly"],
                "Propagation": "rprivate",
            }
            for mount in found
        ],
        "NetworkSettings": {"Networks": {host["NetworkMode"]: {}}},
    }
