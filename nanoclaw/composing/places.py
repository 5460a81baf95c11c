"""Where the things of one agent group lie in the home, and who may write there.

```
<home>/groups/<folder>/          the agent writes: its work and its memory
<home>/state/<agent group>/      the agent writes: its model's state
<home>/composed/<agent group>/   the host writes, the sandbox sees it read-only
<home>/skills/                   the operator writes, every sandbox sees it read-only
```
"""

from __future__ import annotations

from pathlib import Path

from attrs import field, frozen

from schema.files import CLAUDE_MD, CONTAINER_JSON, PROGRAMS

COMPOSED_FRAGMENTS = "fragments"


def is_plain(name: str) -> bool:
    """Can *name* be that of something in a folder?"""
    return bool(name) and "/" not in name and "\0" not in name and name not in {".", ".."}


def _is_plain(_: object, __: object, name: str) -> None:
    if not is_plain(name):
        raise ValueError(f"not the name of a folder: {name!r}")


@frozen(kw_only=True)
class GroupPlaces:
    """The paths of one agent group. They are for mounts: what an agent can write is never reached by them."""

    home: Path
    folder: str = field(validator=_is_plain)
    group: str = field(validator=_is_plain)

    @property
    def agent(self) -> Path:
        """The agent's own folder."""
        return self.home / "groups" / self.folder

    @property
    def state(self) -> Path:
        """Its model's state."""
        return self.home / "state" / self.group

    @property
    def composed(self) -> Path:
        """What the host makes for it."""
        return self.home / "composed" / self.group

    @property
    def container_json(self) -> Path:
        """What its runners are told."""
        return self.composed / CONTAINER_JSON

    @property
    def instructions(self) -> Path:
        """What its model is told."""
        return self.composed / CLAUDE_MD

    @property
    def fragments(self) -> Path:
        """The parts of its instructions that are too long to be read every time."""
        return self.composed / COMPOSED_FRAGMENTS

    @property
    def programs(self) -> Path:
        """Copies of what its MCP servers are started with, as far as the agent could change it."""
        return self.composed / PROGRAMS

    @property
    def skills(self) -> Path:
        """The skills of the whole home."""
        return self.home / "skills"


def names_in(folder: Path) -> frozenset[str]:
    """What is in *folder*, which need not be there. Blocks."""
    try:
        return frozenset(path.name for path in folder.iterdir())
    except FileNotFoundError:
        return frozenset()
