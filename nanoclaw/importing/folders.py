"""Copies what agents keep in files: their group folders and their model's state. Links and devices stay behind.

A folder appears whole or not at all: it is copied beside its place and renamed into it. One that is there already is
left as it is.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Collection
from pathlib import Path

from attrs import frozen

from nanoclaw.importing.old import LeftBehind, OldHome
from nanoclaw.model.ids import AgentGroupId

GENERATED = frozenset({"container.json", ".claude-shared.md", ".claude-global.md", ".claude-fragments"})
"""What the old host made in a group's folder; ours makes its own, elsewhere."""
MEMORY = "CLAUDE.local.md"
INSTRUCTIONS = "CLAUDE.md"
UNFINISHED = ".importing-"


@frozen
class Copy:
    """A folder to be copied."""

    what: str
    source: Path
    target: Path
    is_group: bool


def copies(old: OldHome, home: Path, groups: Collection[AgentGroupId]) -> list[Copy]:
    """The folders of the agent groups of those ids that are there and not yet here."""
    found = []
    for group in old.agent_groups:
        if group.id not in groups:
            continue
        folder, state = Path("groups", group.folder), Path("data", "v2-sessions", group.id, ".claude-shared")
        both = (
            Copy(f"the folder of {group.name}", old.folder / folder, home / folder, is_group=True),
            Copy(f"the model's state of {group.name}", old.folder / state, home / "state" / group.id, is_group=False),
        )
        found += [one for one in both if _has_something(one) and not _is_used(one.target)]
    return found


def copy(one: Copy) -> list[LeftBehind]:
    """Copy a folder into place; returns what of it stays behind. May be repeated after a crash. Raises `OSError`."""
    unfinished = one.target.with_name(UNFINISHED + one.target.name)
    shutil.rmtree(unfinished, ignore_errors=True)
    left: list[LeftBehind] = []
    _copy_folder(one, unfinished, _names(one), left)
    if one.target.exists():
        one.target.rmdir()  # it is empty, or it would not be copied
    one.target.parent.mkdir(parents=True, exist_ok=True)
    unfinished.rename(one.target)
    return left


def _copy_folder(one: Copy, target: Path, named: Callable[[str], str | None], left: list[LeftBehind]) -> None:
    """Folder by folder, without recursion: an agent may have nested its own as deep as it liked."""
    waiting = [(Path(), target)]
    while waiting:
        here, there = waiting.pop()
        there.mkdir(mode=0o700, parents=True)
        for entry in sorted(os.scandir(one.source / here), key=lambda it: it.name):
            name = named(entry.name) if here == Path() else entry.name
            if name is None:
                continue
            kind = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISDIR(kind):
                waiting.append((here / entry.name, there / name))
            elif stat.S_ISREG(kind):
                shutil.copy2(entry.path, there / name, follow_symlinks=False)
            else:
                left.append(LeftBehind(f"{here / entry.name} in {one.what}", "it is a link, or no file at all"))


def _group_name(source: Path) -> Callable[[str], str | None]:
    """What each name in a group's folder becomes; None stays behind.

    In homes of before CLAUDE.local.md, the agent's memory is CLAUDE.md; later, that one was made by the host.
    """
    has_memory = (source / MEMORY).exists()

    def named(name: str) -> str | None:
        if name in GENERATED:
            return None
        if name == INSTRUCTIONS:
            return None if has_memory else MEMORY
        return name

    return named


def _state_name(name: str) -> str | None:
    """The same for a model's state: its skills were links that the old host made."""
    return None if name == "skills" else name


def _names(one: Copy) -> Callable[[str], str | None]:
    return _group_name(one.source) if one.is_group else _state_name


def _has_something(one: Copy) -> bool:
    if not one.source.is_dir() or one.source.is_symlink():
        return False
    named = _names(one)
    return any(named(path.name) is not None for path in one.source.iterdir())


def _is_used(path: Path) -> bool:
    return path.is_dir() and any(path.iterdir())
