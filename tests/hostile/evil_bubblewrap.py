"""bubblewrap with an evil program in the place of the runner: its walls and mounts are the engine's, unchanged."""

from __future__ import annotations

import shutil
from pathlib import Path

import attrs
from attrs import define, field

from nanoclaw.kit.spawner import Command
from nanoclaw.sandboxes.bubblewrap import BubblewrapEngine
from nanoclaw.sandboxes.child import ChildSandbox

ATTACKS_HERE = Path(__file__).with_name("attacks")
INSIDE = "/opt/evil"


def make_attacks(folder: Path) -> Path:
    """What an evil sandbox sees besides what every one does, in a new *folder*, which is returned."""
    there = folder / "tests" / "hostile" / "attacks"
    shutil.copytree(ATTACKS_HERE, there, ignore=shutil.ignore_patterns("__pycache__"))
    for package in (folder / "tests", folder / "tests" / "hostile"):
        (package / "__init__.py").touch()
    return folder


@define(eq=False)
class EvilBubblewrap(BubblewrapEngine):
    """Starts the dispatcher, which makes the attack and is the runner afterwards."""

    attacks: Path = field(kw_only=True)

    async def _start(self, command: Command, *, engine: str, wrapped: bool) -> ChildSandbox:
        walls, honest = list(command.argv), list(command.argv)
        begins, last = walls.index("--"), walls.index("--remount-ro")
        dispatcher = f"{INSIDE}/tests/hostile/attacks/dispatcher.py"
        evil = [honest[begins + 1], "-I", "-S", "-B", dispatcher, "--", *honest[begins + 1 :]]
        argv = [*walls[:last], "--ro-bind", str(self.attacks), INSIDE, *walls[last : begins + 1], *evil]
        return await super()._start(attrs.evolve(command, argv=argv), engine=engine, wrapped=wrapped)
