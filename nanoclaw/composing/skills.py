"""The skills of a home: which there are, and which of them an agent group sees.

A skill is a folder in `<home>/skills/` with a SKILL.md; an `instructions.md` beside it becomes a part of the
instructions of every agent group that has the skill. The whole folder is mounted at `/app/skills`; an agent group has a
skill if its model's state has a link there.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Collection, Iterable
from pathlib import Path

from attrs import frozen

from nanoclaw.composing import handles
from nanoclaw.core.instructions import MOST_PART, is_name
from nanoclaw.model.sandbox import Owner
from schema.files import SANDBOX_SKILLS

SKILL = "SKILL.md"
INSTRUCTIONS = "instructions.md"
LINKS = "skills"
"""The folder in a model's state where it looks for skills."""
MOST_BYTES = 4 * MOST_PART
MOST_ENTRIES = 1_000
"""How many names in an agent's folder are looked at."""


@frozen
class Skill:
    """A skill, and what it says to agents that have it."""

    name: str
    instructions: str | None


@frozen
class Found:
    """The skills of a home, and a sentence for each folder that is none."""

    skills: tuple[Skill, ...]
    left_out: tuple[str, ...]


def find_skills(folder: Path) -> Found:
    """The skills in *folder*, by name. A link is none: what it leads to is not there in a sandbox. Blocks."""
    skills: list[Skill] = []
    left: list[str] = []
    if not folder.is_dir():
        return Found((), ())
    # The operator may keep them elsewhere and have a link here; in a sandbox they are all in one place.
    with handles.folder(folder.resolve(), mode=0o755) as top:
        for name in sorted(name for name in handles.names(top) if not name.startswith(".")):
            try:
                found = _skill(top, name)
            except (OSError, UnicodeDecodeError) as exc:
                left.append(f"skills/{name!a}: cannot be read: {exc}")
                continue
            if isinstance(found, str):
                left.append(f"skills/{name!a}: {found}")
            else:
                skills.append(found)
    return Found(tuple(skills), tuple(left))


def select(found: Found, wanted: Collection[str] | None) -> Found:
    """Those of the skills that are *wanted*; None for all."""
    if wanted is None:
        return found
    names = {skill.name for skill in found.skills}
    missing = tuple(f"skills: there is none called {name!a}" for name in sorted(set(wanted) - names))
    return Found(tuple(skill for skill in found.skills if skill.name in wanted), missing)


def link_skills(state: int, names: Iterable[str], owner: Owner | None) -> None:
    """Let the model's state have links to these skills and to no others.

    Whatever else an agent keeps among them stays: a folder that it made, or a link to one, is a skill of its own. A
    folder does so also under a name of ours. Raises `OSError`.
    """
    wanted = {name: f"{SANDBOX_SKILLS}/{name}" for name in names}
    handles.seed_folder(state, LINKS, owner)
    with contextlib.ExitStack() as stack:
        try:
            links = stack.enter_context(handles.folder(LINKS, state))
        except OSError as exc:
            if exc.errno not in {errno.ENOTDIR, errno.ELOOP}:
                raise
            # A file, or a link to somewhere else: the agent's doing, and in the way.
            handles.move_aside(state, LINKS)
            handles.seed_folder(state, LINKS, owner)
            links = stack.enter_context(handles.folder(LINKS, state))
        for name, target in _links(links).items():
            is_ours = name in wanted or target.startswith(f"{SANDBOX_SKILLS}/")
            if is_ours and wanted.get(name) != target:
                with contextlib.suppress(FileNotFoundError, IsADirectoryError):
                    os.unlink(name, dir_fd=links)
        for name, target in wanted.items():
            with contextlib.suppress(FileExistsError, FileNotFoundError):
                os.symlink(target, name, dir_fd=links)
                if owner is not None:
                    os.chown(name, owner.uid, owner.gid, dir_fd=links, follow_symlinks=False)


def _skill(top: int, name: str) -> Skill | str:
    """The skill in the folder of that name, or why it is none."""
    if not stat.S_ISDIR(os.stat(name, dir_fd=top, follow_symlinks=False).st_mode):
        return "not a folder"
    if not is_name(name):
        return "not a name for a skill: letters, digits, - and _"
    with handles.folder(name, top) as inside:
        if handles.read_file(inside, SKILL, most=MOST_BYTES) is None:
            return f"there is no {SKILL} in it, or one that is too large"
        said = handles.read_file(inside, INSTRUCTIONS, most=MOST_BYTES)
        return Skill(name, None if said is None else said.decode("utf-8"))


def _links(folder: int) -> dict[str, str]:
    """Where the links in an agent's folder lead, by name, as far as they are looked at."""
    found = {}
    for name in handles.names(folder, MOST_ENTRIES):
        with contextlib.suppress(OSError):
            found[name] = os.readlink(name, dir_fd=folder)
    return found
