"""Is a container what was asked for? Compares what an engine says it made with the request, and trusts no silence.

An engine fills in defaults, takes over what an image says, may be configured to add things, and may be newer than
this list. So whatever is not known here has to be empty, and whatever is known has to be exactly as asked.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence

from attrs import frozen

from nanoclaw.core.podman import Podman, in_order, podman_says
from nanoclaw.core.sandbox_spec import ContainerSpec, create_body

LEAST_MASKED = frozenset({"/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/scsi", "/sys/firmware"})
LEAST_READ_ONLY = frozenset({"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"})
"""What every engine hides of the machine unless it is told not to. More is welcome."""

SHOWN = 80
"""How much of a value is shown to people."""

FOREIGN_MODES = ("unconfined",)


@frozen(kw_only=True)
class EngineFacts:
    """What of an engine's own settings shows in every container."""

    runtime: str = "runc"
    """The name of its default runtime."""
    limits_swap: bool = True
    """Can it keep a container from swapping? Some kernels have to be told to at boot."""
    podman: Podman | None = None
    """If it is Podman: how it is spoken to."""


def unexpected(spec: ContainerSpec, inspected: Mapping[str, object], facts: EngineFacts) -> tuple[str, ...]:
    """What about a container is not as *spec* asks; empty if it may be started.

    Args:
      spec: What was asked for.
      inspected: The engine's whole description of the container, created and not yet started.
      facts: What is known of the engine.

    Returns:
      One text for each difference: where, what was found, what was asked.
    """
    body = create_body(spec)
    host = body.pop("HostConfig")
    if facts.podman is not None:
        says = podman_says(spec, facts.podman)
        body, host, inspected = says["Config"], says["HostConfig"], in_order(inspected)
    assert isinstance(host, dict)
    labels = body["Labels"]
    assert isinstance(labels, dict)
    config = body | {"Labels": {**spec.image.labels, **labels}}
    return (
        *_compare("Config", config, inspected.get("Config")),
        *_compare("HostConfig", host | _filled_in(spec, facts), inspected.get("HostConfig"), lists_are_sets=True),
        *_hidden(inspected.get("HostConfig"), may_be_silent=facts.podman is not None),
        *_mounts(spec, inspected.get("Mounts")),
        *_rest(spec, host, inspected),
    )


def _filled_in(spec: ContainerSpec, facts: EngineFacts) -> dict[str, object]:
    """What an engine adds to the request in any case."""
    return {
        "Runtime": facts.runtime,
        "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
        "MemorySwap": spec.limits.memory_bytes if facts.limits_swap else -1,
    }


def _compare(
    where: str, asked: Mapping[str, object], found: object, *, lists_are_sets: bool = False
) -> tuple[str, ...]:
    if not isinstance(found, Mapping):
        return (f"{where} is missing",)
    differences = []
    for key in sorted(asked.keys() | found.keys()):
        if key in ("MaskedPaths", "ReadonlyPaths"):
            continue
        if key == "ConsoleSize" and found[key] == [0, 0]:
            continue
        if not _same(asked.get(key), found.get(key), as_set=lists_are_sets):
            differences.append(f"{where}.{key} is {_show(found.get(key))}, not {_show(asked.get(key))}")
    return tuple(differences)


def _same(asked: object, found: object, *, as_set: bool) -> bool:
    """Equal; what is empty in one way is equal to what is empty in another."""
    if _is_empty(asked) or _is_empty(found):
        return _is_empty(asked) and _is_empty(found)
    if isinstance(asked, Mapping) and isinstance(found, Mapping):
        return all(_same(asked.get(key), found.get(key), as_set=as_set) for key in asked.keys() | found.keys())
    if isinstance(asked, list) and isinstance(found, list) and as_set:
        return Counter(map(_canonical, asked)) == Counter(map(_canonical, found))
    return type(asked) is type(found) and asked == found


def _is_empty(value: object) -> bool:
    return value is None or value is False or value in ("", 0) or value in ([], {})


def _canonical(value: object) -> str:
    """A text that is the same for equal JSON values; fields that are empty are as if they were not there."""
    if isinstance(value, Mapping):
        return json.dumps({key: _canonical(one) for key, one in value.items() if not _is_empty(one)}, sort_keys=True)
    return json.dumps(value, sort_keys=True)


def _hidden(found: object, *, may_be_silent: bool) -> tuple[str, ...]:
    """The parts of /proc and /sys that have to be out of reach. Of one that does not tell the probe looks at them."""
    host = found if isinstance(found, Mapping) else {}
    return tuple(
        f"HostConfig.{key} lacks {', '.join(sorted(lacking))}"
        for key, least in (("MaskedPaths", LEAST_MASKED), ("ReadonlyPaths", LEAST_READ_ONLY))
        if not (may_be_silent and host.get(key) is None) and (lacking := least - _words(host.get(key)))
    )


def _words(found: object) -> frozenset[str]:
    return frozenset(map(str, found)) if isinstance(found, Sequence) else frozenset()


def _mounts(spec: ContainerSpec, found: object) -> tuple[str, ...]:
    """What is really mounted: the second place where an engine says it, and the one that counts."""
    asked = [
        {
            "Type": "bind",
            "Source": mount.source,
            "Destination": mount.target,
            "RW": mount.read_write,
            "Propagation": "rprivate",
        }
        for mount in spec.mounts
    ]
    listed = found if isinstance(found, list) else []
    wanted, there = Counter(map(_canonical, asked)), Counter(map(_canonical, listed))
    return (
        *(f"Mounts has {text[:SHOWN]}, which was not asked for" for text in (there - wanted).elements()),
        *(f"Mounts lacks {text[:SHOWN]}" for text in (wanted - there).elements()),
    )


def _rest(spec: ContainerSpec, host: Mapping[str, object], inspected: Mapping[str, object]) -> tuple[str, ...]:
    """What stands beside the settings."""
    differences = []
    if inspected.get("Image") != spec.image.id:
        differences.append(f"Image is {_show(inspected.get('Image'))}, not {spec.image.id}")
    if inspected.get("AppArmorProfile") in FOREIGN_MODES:
        differences.append("AppArmorProfile is unconfined")
    settings = inspected.get("NetworkSettings")
    networks = settings.get("Networks") if isinstance(settings, Mapping) else None
    joined = sorted(networks) if isinstance(networks, Mapping) else []
    if not set(joined) <= {host["NetworkMode"]}:
        differences.append(f"NetworkSettings.Networks is {_show(joined)}, not {_show(host['NetworkMode'])}")
    return tuple(differences)


def _show(value: object) -> str:
    text = json.dumps(value, sort_keys=True, default=str)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
