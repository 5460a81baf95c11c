"""Makes what an agent group's sandbox sees besides its link: its folder, its model's state, and what it is told.

What the host wrote is below `composed/`, which no sandbox can write. What an agent can write is seeded once and never
read again: nothing there configures anything of the host's.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

import structlog

from nanoclaw.composing import handles
from nanoclaw.composing.ownership import hand_over
from nanoclaw.composing.places import COMPOSED_FRAGMENTS, GroupPlaces, is_plain
from nanoclaw.composing.skills import Skill, find_skills, link_skills, select
from nanoclaw.core.bindings import instructions as instructions_of
from nanoclaw.core.instructions import Instructions, Part, Source, instruct
from nanoclaw.core.told import Told, container_json
from nanoclaw.model.sandbox import Owner
from schema.files import CLAUDE_MD, CONTAINER_JSON, FRAGMENTS, PROGRAMS

log = structlog.get_logger()

MEMORY = "CLAUDE.local.md"
CONVERSATIONS = "conversations"
MODEL_SETTINGS = "settings.json"
NONE: Mapping[str, bytes] = MappingProxyType({})


def compose(
    places: GroupPlaces, told: Told, *, programs: Mapping[str, bytes] = NONE, owner: Owner | None = None
) -> None:
    """Make, or bring up to date, all that a sandbox of one agent group needs.

    Blocks: for a thread. May be repeated, and several sessions of the group may do so at once. The agent may be at work
    in its folders meanwhile; whatever it does there, nothing outside them is touched.

    Args:
      places: The agent group's; the home is there.
      told: What it is told.
      programs: What its MCP servers are started with that the agent could change, by its digest.
      owner: The user its sandboxes run as, to whom what it can write shall belong; None: this process's own.

    Raises:
      OSError: the disk would not, or this process may not give files to *owner*.
    """
    found = select(find_skills(places.skills), told.skills)
    instructions = instruct(_text("base.md"), _parts(told, found.skills), fragments=FRAGMENTS)
    for why in (*told.left_out, *found.left_out, *instructions.left_out):
        log.warning("left_out", agent_group=told.agent_group_id, why=why)
    _publish(places.composed, told, instructions, programs)
    with _agents_folder(places.agent, owner) as agent:
        handles.seed_file(agent, MEMORY, _memory(told).encode(), owner)
        handles.seed_folder(agent, CONVERSATIONS, owner)
    with _agents_folder(places.state, owner) as state:
        handles.seed_file(state, MODEL_SETTINGS, _text("settings.json").encode(), owner)
        link_skills(state, [skill.name for skill in found.skills], owner)


def _publish(folder: Path, told: Told, instructions: Instructions, programs: Mapping[str, bytes]) -> None:
    """Write what the host has to say, where it differs from what is there."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with handles.folder(folder, mode=0o755) as composed:
        # One at a time. No sandbox sees this folder itself, only what is in it, so none can hold its lock.
        fcntl.flock(composed, fcntl.LOCK_EX)
        with handles.folder(COMPOSED_FRAGMENTS, composed, mode=0o755) as fragments:
            os.fchmod(fragments, 0o755)  # whatever the umask: a sandbox may run as somebody else
            for name, text in instructions.fragments.items():
                handles.publish(fragments, name, text.encode())
            handles.publish(composed, CLAUDE_MD, instructions.text.encode())
            handles.publish(composed, CONTAINER_JSON, _json(told).encode())
            handles.remove_others(fragments, set(instructions.fragments))
        with handles.folder(PROGRAMS, composed, mode=0o755) as folder_of_programs:
            os.fchmod(folder_of_programs, 0o755)
            _publish_programs(folder_of_programs, told, programs)
        handles.remove_others(composed, {CLAUDE_MD, CONTAINER_JSON, COMPOSED_FRAGMENTS})


def _publish_programs(folder: int, told: Told, programs: Mapping[str, bytes]) -> None:
    """Copies stay when nobody is told of them any more: a sandbox that runs may still start them."""
    for server in told.mcp_servers.values():
        for copy in server.kept or ():
            digest, _, name = copy.partition("/")
            if digest in programs and is_plain(name):
                with handles.folder(digest, folder, mode=0o755) as alone:
                    os.fchmod(alone, 0o755)
                    handles.publish(alone, name, programs[digest], mode=0o755)


def _json(told: Told) -> str:
    return json.dumps(container_json(told), indent=2, ensure_ascii=False) + "\n"


@contextlib.contextmanager
def _agents_folder(path: Path, owner: Owner | None) -> Iterator[int]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with handles.folder(path) as descriptor:
        if owner is not None:
            hand_over(descriptor, owner)
        yield descriptor


def _memory(told: Told) -> str:
    """What the agent's memory begins with."""
    begins = _text("memory.md")
    return begins if told.first_memory is None else f"{begins.rstrip()}\n\n{told.first_memory.strip()}\n"


def _parts(told: Told, skills: tuple[Skill, ...]) -> Iterator[Part]:
    for skill in skills:
        if skill.instructions is not None:
            yield Part(Source.SKILL, skill.name, skill.instructions)
    for name, text in _tools().items():
        yield Part(Source.TOOL, name, text)
    if told.bindings:
        yield Part(Source.TOOL, "hosts-with-secrets", instructions_of(told.bindings))
    for name, server in told.mcp_servers.items():
        if server.instructions is not None:
            yield Part(Source.MCP, name, server.instructions)


@cache
def _text(name: str) -> str:
    return (files("nanoclaw.composing") / "texts" / name).read_text(encoding="utf-8")


@cache
def _tools() -> dict[str, str]:
    """What the tools of the runner say of themselves, by name: `texts/tool-<name>.md`."""
    texts = [file for file in (files("nanoclaw.composing") / "texts").iterdir() if file.name.startswith("tool-")]
    return {file.name[len("tool-") : -len(".md")]: file.read_text(encoding="utf-8") for file in texts}
