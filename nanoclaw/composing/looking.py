"""Looks at a place of the machine that somebody wants mounted. Everything that is said of it is about one file.

A path can be changed between two looks. So it is resolved once, opened name by name from the root without following
links, and whatever else is asked is asked of what was opened.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

from attrs import define, frozen

from nanoclaw.core.blocked import blocked_last, components, is_inside
from nanoclaw.core.mounts import Policy, Seen
from nanoclaw.core.wanted_mounts import Reason, Refused, WantedMount
from nanoclaw.model.sandbox import Owner

DEPTH = 3
"""Levels of a folder that are looked through for what is blocked."""
MOST_NAMES = 50_000
"""Enough for a large project without its dependencies, and looked through in well under a second."""

MOUNTINFO = Path("/proc/self/mountinfo")

_HANDLE = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OCTAL = re.compile(r"\\([0-7]{3})")


Identity: TypeAlias = tuple[int, int]
"""A device and the number of a file on it."""


@frozen
class Landmarks:
    """Blocked places as files, so that they are known under any name."""

    places: Mapping[Identity, str]
    """Themselves; whatever lies in one of them is blocked."""
    around: Mapping[Identity, str]
    """The folders they lie in, each with one of them; whatever is one of these is blocked."""


def landmarks(places: Iterable[str]) -> Landmarks:
    """What of the blocked places there is. Blocks."""
    found: dict[Identity, str] = {}
    around: dict[Identity, str] = {}
    for place in places:
        for path in (Path(place), *Path(place).parents):
            if (identity := _identity(path)) is not None:
                (found if path == Path(place) else around).setdefault(identity, place)
    return Landmarks(found, around)


def look_at(
    wanted: WantedMount, policy: Policy, known: Landmarks, owner: Owner | None, *, most: int = MOST_NAMES
) -> Seen | Refused:
    """What is at the place that is *wanted*, or why it cannot be said. Blocks for as many names as *most*.

    Args:
      wanted: What is asked for.
      policy: What holds for every mount.
      known: Its blocked places.
      owner: The user that the sandbox runs as; None: this process's own.
      most: Names that are looked at, at the most; a folder with more cannot be looked through.
    """
    asked = wanted.host_path
    try:
        real = os.path.realpath(Path(asked).expanduser(), strict=True)
    except (OSError, RuntimeError) as exc:
        return Refused(asked, Reason.NOT_THERE, printable(str(exc)))
    handles: list[int] = []
    try:
        try:
            handles += _walk(real)
        except OSError as exc:
            return Refused(asked, Reason.CHANGED, printable(str(exc)))
        found = os.fstat(handles[-1])
        if not stat.S_ISDIR(found.st_mode) and not stat.S_ISREG(found.st_mode):
            return Refused(asked, Reason.KIND, printable(real))
        mounted = mount_points(MOUNTINFO.read_text(encoding="utf-8", errors="surrogateescape"))
        submounts = [place for place in mounted if place != real and is_inside(place, real, folds=False)]
        search = _Search(policy, most)
        if stat.S_ISDIR(found.st_mode):
            search.look(handles[-1], real, DEPTH)
            search.look_at_mounts(submounts)
        return Seen(
            real=real,
            device=found.st_dev,
            inode=found.st_ino,
            folds=_folds(real),
            same_as=_same_as(handles, known),
            swappable=_swappable(handles, real, owner),
            inside=search.blocked,
            unsearched=search.unsearched,
            submounts=tuple(map(printable, submounts)),
        )
    finally:
        for handle in handles:
            os.close(handle)


def printable(text: str) -> str:
    """*text* with escapes for what is no text in it: names of files may be any bytes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def mount_points(mountinfo: str) -> list[str]:
    """Where file systems are mounted, from what `/proc/self/mountinfo` says."""
    return [
        _OCTAL.sub(lambda found: chr(int(found[1], 8)), line.split(" ")[4]) for line in mountinfo.split("\n") if line
    ]


def _walk(real: str) -> Iterator[int]:
    """A descriptor of each folder on the way, from the root on, and of what is at the end. Raises `OSError`."""
    here = os.open("/", _HANDLE)
    yield here
    for name in components(real):
        here = os.open(name, _HANDLE, dir_fd=here)
        yield here
        if stat.S_ISLNK(os.fstat(here).st_mode):
            raise OSError(f"{name} has become a link")


def _swappable(handles: Sequence[int], real: str, owner: Owner | None) -> str | None:
    """The first folder on the way in which somebody else could put something in place of the next."""
    names = components(real)
    for depth, (folder, child) in enumerate(pairwise(handles)):
        if _may_replace(os.fstat(folder), os.fstat(child), owner):
            return printable("/" + "/".join(names[:depth]))
    return None


def _may_replace(folder: os.stat_result, child: os.stat_result, owner: Owner | None) -> bool:
    """Could the sandbox's user, or anybody at all, put something in place of what is in a folder?

    A sandbox that runs as this process's own user is another matter: it could everywhere, but reaches nothing besides
    its mounts, which are judged by themselves.
    """
    is_owners = owner is not None and owner.uid != os.geteuid() and owner.uid in {folder.st_uid, child.st_uid}
    if is_owners and owner is not None and folder.st_uid == owner.uid:
        return True
    is_groups = owner is not None and folder.st_gid == owner.gid != os.getegid()
    writable = folder.st_mode & stat.S_IWOTH or (is_groups and folder.st_mode & stat.S_IWGRP)
    # In a folder such as /tmp, only whoever something belongs to may take it away.
    return bool(writable) and (is_owners or not folder.st_mode & stat.S_ISVTX)


def _same_as(handles: Sequence[int], known: Landmarks) -> str | None:
    """A blocked place that meets what was opened by being the same file, whatever it is called: a bind mount."""
    way = [(status.st_dev, status.st_ino) for status in map(os.fstat, handles)]
    return known.around.get(way[-1]) or next((known.places[one] for one in way if one in known.places), None)


def _identity(path: Path) -> Identity | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _folds(real: str) -> bool:
    """Does the file system find the same file by another spelling?"""
    folder, _, name = real.rpartition("/")
    if name.swapcase() == name:
        return False
    try:
        return Path(real).samefile(f"{folder}/{name.swapcase()}")
    except OSError:
        return False


@define
class _Search:
    """Looks through a folder for what is blocked, as far as it goes."""

    policy: Policy
    most: int
    blocked: str | None = None
    unsearched: str | None = None

    def look(self, folder: int, path: str, depth: int) -> None:
        """Look through a folder that is open, and those in it; stops at the first find."""
        try:
            # What is open so far is only a handle.
            inside = os.open(f"/proc/self/fd/{folder}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                self._each(inside, path, depth)
            finally:
                os.close(inside)
        except OSError as exc:
            self.unsearched = f"{printable(path)}: {exc.strerror}"

    def look_at_mounts(self, places: Iterable[str]) -> None:
        """Look at what is mounted inside: a folder's list of names says what it is mounted over."""
        for place in places if self.blocked is None else ():
            try:
                self.blocked = self.blocked or _kind(Path(place).lstat().st_mode, place)
            except OSError as exc:
                self.unsearched = f"{printable(place)}: {exc.strerror}"

    def _each(self, inside: int, path: str, depth: int) -> None:
        folders: list[str] = []
        with os.scandir(inside) as entries:
            for entry in entries:
                self.most -= 1
                if self.most < 0:
                    self.unsearched = f"there are too many names in it: mount what is needed of {printable(path)}"
                    return
                if (why := self._objection(entry, f"{path.rstrip('/')}/{entry.name}")) is not None:
                    self.blocked = why
                    return
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
        for name in folders if depth > 1 else ():
            below = f"{path.rstrip('/')}/{name}"
            child = os.open(name, _FOLDER, dir_fd=inside)
            try:
                self._each(child, below, depth - 1)
            finally:
                os.close(child)
            if self.blocked is not None or self.unsearched is not None:
                return

    def _objection(self, entry: os.DirEntry[str], path: str) -> str | None:
        if (name := blocked_last(path, self.policy.names)) is not None:
            return f"{printable(path)} matches {name}"
        if entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False) or entry.is_symlink():
            return None
        return _kind(entry.stat(follow_symlinks=False).st_mode, path)


def _kind(mode: int, path: str) -> str | None:
    """Why what is of that kind must not be in a sandbox."""
    if stat.S_ISSOCK(mode):
        return f"{printable(path)} is a socket"
    return f"{printable(path)} is a device" if stat.S_ISBLK(mode) or stat.S_ISCHR(mode) else None
