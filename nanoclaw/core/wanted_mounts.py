"""What the settings of an agent group ask to have mounted, and every reason why it is not. Pure."""

from __future__ import annotations

import json
import re
from enum import Enum

from attrs import frozen

from nanoclaw.core.notices import plain
from schema.files import SANDBOX_EXTRA
from schema.strict_json import JsonError, read

MOST_MOUNTS = 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@frozen(kw_only=True)
class WantedMount:
    """What the settings of an agent group ask for."""

    host_path: str
    """Absolute, or below `~`."""
    name: str
    read_write: bool = False

    @property
    def target(self) -> str:
        """Where it is in the sandbox."""
        return f"{SANDBOX_EXTRA}/{self.name}"


class Reason(Enum):
    """Why a mount is refused."""

    UNREADABLE = "what is set is not a mount"
    BAD_NAME = "not a name in the sandbox: one of letters, digits, . - and _"
    BAD_PATH = "not an absolute path"
    TWICE = "another mount of the agent group has that name"
    TOO_MANY = f"more than {MOST_MOUNTS} mounts"
    NO_ALLOW_LIST = "nothing is allowed"
    NOT_THERE = "it is not there"
    CHANGED = "it changed while it was looked at"
    KIND = "neither a folder nor a file"
    OUTSIDE = "inside no root of the allow-list"
    BLOCKED_NAME = "a blocked name"
    BLOCKED_PLACE = "it is, lies in or contains a blocked place"
    INSIDE = "what is in it is blocked"
    UNSEARCHED = "it cannot be looked through"
    SWAPPABLE = "somebody else could replace a folder on the way to it"
    SUBMOUNT = "another file system is mounted in it, which its root does not allow"
    SHARED = "another agent group may change it too, which its root does not allow"
    NESTED = "it lies inside what a sandbox may change"


@frozen
class Refused:
    """It is not mounted."""

    what: str
    """The path as it was asked for."""
    reason: Reason
    evidence: str = ""

    def __str__(self) -> str:
        return f"{self.reason.value}: {self.evidence}" if self.evidence else self.reason.value


def read_mounts(text: str) -> tuple[WantedMount | Refused, ...]:
    """What the settings of an agent group ask for, from their JSON: `hostPath`, `containerPath`, `readonly`."""
    try:
        found = read(text)
    except JsonError as exc:
        return (Refused(plain(text, 60), Reason.UNREADABLE, str(exc)),)
    if not isinstance(found, list):
        return (Refused(plain(text, 60), Reason.UNREADABLE, "not a list"),)
    wanted: list[WantedMount | Refused] = []
    for one in found:
        mount = _read_mount(one)
        if isinstance(mount, WantedMount):
            names = {other.name for other in wanted if isinstance(other, WantedMount)}
            if mount.name in names:
                mount = Refused(mount.host_path, Reason.TWICE, mount.name)
            elif len(names) >= MOST_MOUNTS:
                mount = Refused(mount.host_path, Reason.TOO_MANY)
        wanted.append(mount)
    return tuple(wanted)


def add_mount(text: str, wanted: WantedMount) -> str | Refused:
    """The settings of an agent group with one more mount."""
    there = read_mounts(text)
    names = {one.name for one in there if isinstance(one, WantedMount)}
    if wanted.name in names:
        return Refused(wanted.host_path, Reason.TWICE, wanted.name)
    if len(names) >= MOST_MOUNTS:
        return Refused(wanted.host_path, Reason.TOO_MANY)
    said = {"hostPath": wanted.host_path, "containerPath": wanted.name, "readonly": not wanted.read_write}
    return json.dumps([*_list(text), said], ensure_ascii=False)


def remove_mount(text: str, name: str) -> str | None:
    """The settings of an agent group without its mount of that name; None if it has none."""
    kept = [one for one in _list(text) if not isinstance(mount := _read_mount(one), WantedMount) or mount.name != name]
    return json.dumps(kept, ensure_ascii=False) if len(kept) < len(_list(text)) else None


def wanted_mount(host_path: str, name: str | None = None, *, read_write: bool = False) -> WantedMount | Refused:
    """What is asked for, if it can be; without a *name* it has that of its path."""
    if not (host_path.startswith(("/", "~/")) or host_path == "~") or "\0" in host_path:
        return Refused(plain(host_path), Reason.BAD_PATH)
    name = host_path.rstrip("/").rpartition("/")[2] if name is None else name
    if _NAME.fullmatch(name) is None:
        return Refused(plain(host_path), Reason.BAD_NAME, plain(name, 80))
    return WantedMount(host_path=host_path, name=name, read_write=read_write)


def _list(text: str) -> list[object]:
    try:
        found = read(text)
    except JsonError:
        return []
    return found if isinstance(found, list) else []


def _read_mount(said: object) -> WantedMount | Refused:
    if not isinstance(said, dict):
        return Refused(plain(repr(said), 60), Reason.UNREADABLE, "not an object")
    known = {"hostPath": str, "containerPath": str, "readonly": bool}
    path, name, readonly = said.get("hostPath"), said.get("containerPath"), said.get("readonly", True)
    what = plain(str(path), 200)
    if unknown := sorted(said.keys() - known.keys()):
        return Refused(what, Reason.UNREADABLE, f"it has no {plain(unknown[0], 60)}")
    if not isinstance(path, str) or not isinstance(name, str | None) or not isinstance(readonly, bool):
        return Refused(what, Reason.UNREADABLE, "hostPath and containerPath are text, readonly is true or false")
    return wanted_mount(path, name, read_write=not readonly)
