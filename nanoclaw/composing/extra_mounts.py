"""Folders of the machine in sandboxes: which of those that are set are granted, and why the others are not."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterator
from importlib.util import find_spec
from pathlib import Path

import structlog
from attrs import frozen

from nanoclaw.composing.allow_list import read_allow_list
from nanoclaw.composing.looking import landmarks, look_at
from nanoclaw.core.blocked import PLACES, places_of
from nanoclaw.core.mounts import Allowed, AllowList, Policy, Verdict, Writer, judge, root_of
from nanoclaw.core.wanted_mounts import Refused, WantedMount, read_mounts
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.model.sandbox import Owner
from nanoclaw.model.settings import GroupMounts

log = structlog.get_logger()

SEEN_BY_SANDBOXES = ("groups", "state", "composed", "sessions", "skills")
"""Folders of the home in which sandboxes see something."""


@frozen(kw_only=True)
class ExtraMounts:
    """Judges the mounts that operators set for agent groups. Everything is read anew each time."""

    home: Path
    allow_list: Path
    """The operator's file; may begin with `~`."""
    owner_of: Callable[[AgentGroupId], Owner | None]
    """The user that an agent group's sandboxes run as; None: this process's own."""
    more_places: tuple[Path, ...] = ()
    """What no sandbox may see besides what is known here, such as where an engine keeps its images."""

    def check(self, group: AgentGroupId, mounts: Collection[GroupMounts]) -> tuple[Verdict, ...]:
        """A verdict for each mount of *group*, in the order they are set. Logged, with what the allow-list was.

        Blocks while folders are looked through: for a thread.

        Args:
          group: Whose sandbox is to be started.
          mounts: What is set for it and for all the others.
        """
        policy = self.policy()
        known = landmarks(policy.places)
        digest = policy.allow_list.digest if isinstance(policy.allow_list, AllowList) else ""
        writers = list(_writers(mounts, policy))
        verdicts: list[Verdict] = []
        for one in mounts:
            for wanted in read_mounts(one.additional_mounts) if one.agent_group_id == group else ():
                if isinstance(wanted, Refused):
                    verdicts.append(wanted)
                else:
                    others = [writer for mount, writer in writers if (writer.group, mount) != (group, wanted)]
                    seen = look_at(wanted, policy, known, self.owner_of(group))
                    verdicts.append(judge(wanted, seen, policy, others, group))
        for verdict in verdicts:
            match verdict:
                case Allowed(source=source, wanted=mount):
                    log.info("mount_allowed", agent_group=group, source=source, target=mount.target, how=str(verdict))
                case Refused(what=what):
                    log.warning("mount_refused", agent_group=group, path=what, why=str(verdict), allow_list=digest)
        return tuple(verdicts)

    def policy(self) -> Policy:
        """What holds for every mount, as the disk says it now. Blocks."""
        mounted = [self.home / name for name in SEEN_BY_SANDBOXES]
        places = [*self._own(), *map(Path, PLACES), *map(Path, places_of(str(Path.home())))]
        spelt = (spelling for place in places for spelling in (str(place), os.path.realpath(place)))
        return Policy(
            allow_list=read_allow_list(self.allow_list, mounted=mounted),
            own_places=tuple(dict.fromkeys(spelt)),
        )

    def _own(self) -> Iterator[Path]:
        """This program: its home, its settings, its code, what runs it."""
        yield self.home
        yield self.allow_list.expanduser().parent
        for package in ("nanoclaw", "runner", "schema"):
            found = find_spec(package)
            assert found is not None
            assert found.origin is not None
            yield Path(found.origin).parents[1]
        yield Path(sys.prefix)
        yield Path(sys.base_prefix)
        yield from self.more_places


def _writers(mounts: Collection[GroupMounts], policy: Policy) -> Iterator[tuple[WantedMount, Writer]]:
    """What sandboxes of any agent group may change, as far as the allow-list goes."""
    if not isinstance(policy.allow_list, AllowList):
        return
    for one in mounts:
        for wanted in read_mounts(one.additional_mounts):
            if isinstance(wanted, Refused) or not wanted.read_write:
                continue
            real = os.path.realpath(Path(wanted.host_path).expanduser())
            root = root_of(real, policy.allow_list.roots, folds=False)
            if root is not None and root.read_write:
                yield wanted, Writer(group=one.agent_group_id, name=one.name, real=real)
