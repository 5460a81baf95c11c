"""May a folder of this machine be seen in an agent group's sandboxes, and may it be changed there? Pure.

The operator says twice what is allowed: in a file of its own that no sandbox and no admin command reaches (the
allow-list), and in the settings of the agent group. What is on the disk is looked at by
`nanoclaw/composing/extra_mounts.py`; what follows from it is decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TypeAlias

from attrs import frozen

from nanoclaw.core.blocked import NAMES, blocked_name, is_inside, meets
from nanoclaw.core.wanted_mounts import Reason, Refused, WantedMount
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.model.sandbox import ExtraMount
from nanoclaw.model.settings import GroupMounts


@frozen(kw_only=True)
class Root:
    """A folder whose content may be mounted."""

    path: str
    """Absolute, without links in it."""
    read_write: bool = False
    """May sandboxes change what is in it?"""
    shared: bool = False
    """May those of several agent groups change the same?"""
    submounts: bool = False
    """May other file systems be mounted in it?"""


@frozen(kw_only=True)
class AllowList:
    """The operator's file."""

    roots: tuple[Root, ...] = ()
    names: tuple[str, ...] = ()
    """Patterns of names that are blocked besides the built-in ones."""
    places: tuple[str, ...] = ()
    """Absolute paths that are, too."""
    digest: str = ""


@frozen
class NoAllowList:
    """There is none that can be believed."""

    why: str


@frozen(kw_only=True)
class Allowed:
    """It is mounted. Whoever does so compares `device` and `inode` afterwards."""

    wanted: WantedMount
    source: str
    """Absolute, without links in it."""
    read_write: bool
    device: int
    inode: int
    root: Root
    submounts: tuple[str, ...] = ()
    """Where other file systems are mounted in it."""

    @property
    def mount(self) -> ExtraMount:
        """What a sandbox is given."""
        return ExtraMount(source=self.source, target=self.wanted.target, read_write=self.read_write)

    def __str__(self) -> str:
        asked = self.wanted.read_write and not self.read_write
        return "read-only: its root does not allow more" if asked else "read-write" if self.read_write else "read-only"


Verdict: TypeAlias = Allowed | Refused

CheckMounts: TypeAlias = Callable[[AgentGroupId, Collection[GroupMounts]], tuple[Verdict, ...]]
"""Judges the mounts of one agent group, given everybody's; looks at the disk, and blocks."""


@frozen(kw_only=True)
class Seen:
    """What was found at a place, all of it about one and the same file."""

    real: str
    """Absolute, without links in it."""
    device: int
    inode: int
    folds: bool = False
    """Does its file system take capitals for small letters?"""
    same_as: str | None = None
    """A blocked place that it is, lies in or contains by another name."""
    swappable: str | None = None
    """A folder on the way that somebody else could replace."""
    inside: str | None = None
    """What is in it that is blocked, and why."""
    unsearched: str | None = None
    """Why it could not be looked through."""
    submounts: tuple[str, ...] = ()


@frozen(kw_only=True)
class Writer:
    """A place that the sandboxes of an agent group may change."""

    group: AgentGroupId
    name: str
    """The agent group's."""
    real: str


@frozen(kw_only=True)
class Policy:
    """What holds for every mount."""

    allow_list: AllowList | NoAllowList
    own_places: tuple[str, ...]
    """What the machine, the operator's home folder and this program itself keep from mounts."""

    @property
    def places(self) -> tuple[str, ...]:
        """Absolute paths that no mount may be, lie in or contain."""
        return self.own_places + (self.allow_list.places if isinstance(self.allow_list, AllowList) else ())

    @property
    def names(self) -> tuple[str, ...]:
        """Patterns of names that no mount may have in its path or in itself."""
        return NAMES + (self.allow_list.names if isinstance(self.allow_list, AllowList) else ())


def judge(
    wanted: WantedMount, seen: Seen | Refused, policy: Policy, writers: Collection[Writer], group: AgentGroupId
) -> Verdict:
    """Decide about one mount of *group*.

    Args:
      wanted: What is asked for.
      seen: What was found there.
      policy: What holds for every mount.
      writers: What sandboxes may change by other mounts, of this agent group and of others.
      group: Whose mount it is.
    """
    if isinstance(policy.allow_list, NoAllowList):
        return Refused(wanted.host_path, Reason.NO_ALLOW_LIST, policy.allow_list.why)
    if isinstance(seen, Refused):
        return seen
    found = _objection(seen, policy)
    root = root_of(seen.real, policy.allow_list.roots, folds=seen.folds)
    read_write = root is not None and wanted.read_write and root.read_write
    if found is None and root is not None:
        found = _conflict(seen.real, root, writers, group, read_write=read_write)
        if found is None and seen.submounts and not root.submounts:
            found = Reason.SUBMOUNT, seen.submounts[0]
    if found is not None or root is None:
        reason, evidence = found or (Reason.OUTSIDE, seen.real)
        return Refused(wanted.host_path, reason, evidence)
    return Allowed(
        wanted=wanted,
        source=seen.real,
        read_write=read_write,
        device=seen.device,
        inode=seen.inode,
        root=root,
        submounts=seen.submounts,
    )


def root_of(real: str, roots: Sequence[Root], *, folds: bool) -> Root | None:
    """The root that *real* lies in; the innermost, where several do."""
    around = [root for root in roots if is_inside(real, root.path, folds=folds)]
    return max(around, key=lambda root: len(root.path), default=None)


def _objection(seen: Seen, policy: Policy) -> tuple[Reason, str] | None:
    """What is against the place itself."""
    if (name := blocked_name(seen.real, policy.names)) is not None:
        return Reason.BLOCKED_NAME, f"{seen.real} matches {name}"
    if (place := meets(seen.real, policy.places) or seen.same_as) is not None:
        return Reason.BLOCKED_PLACE, place
    if seen.swappable is not None:
        return Reason.SWAPPABLE, seen.swappable
    if seen.inside is not None:
        return Reason.INSIDE, seen.inside
    if seen.unsearched is not None:
        return Reason.UNSEARCHED, seen.unsearched
    return None


def _conflict(
    real: str, root: Root, writers: Collection[Writer], group: AgentGroupId, *, read_write: bool
) -> tuple[Reason, str] | None:
    """What is against it because of other mounts."""
    for writer in writers:
        inside = is_inside(real, writer.real, folds=True)
        if inside and not is_inside(writer.real, real, folds=True):
            # A sandbox could put a link in its place, which would be followed when the next one is mounted.
            return Reason.NESTED, f"{writer.real} of {writer.name}"
        overlaps = inside or is_inside(writer.real, real, folds=True)
        if read_write and overlaps and writer.group != group and not root.shared:
            return Reason.SHARED, f"{writer.real} of {writer.name}"
    return None
