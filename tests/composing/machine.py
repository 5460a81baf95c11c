"""An operator's machine: a home folder with projects and keys, a home of ours in it, and an allow-list."""

from __future__ import annotations

import json
from pathlib import Path

from attrs import frozen

from nanoclaw.composing.extra_mounts import ExtraMounts
from nanoclaw.core.mounts import Verdict
from nanoclaw.core.wanted_mounts import Reason, Refused
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.model.sandbox import Owner
from nanoclaw.model.settings import GroupMounts

NANO, OTHER = AgentGroupId("agt-nano"), AgentGroupId("agt-other")
ALLOWED = """
blocked = ["customers"]
[[roots]]
path = "~/projects"
read_write = true
[[roots]]
path = "~"
[[roots]]
path = "/"
"""

Others = dict[str, bool]
"""Paths that another agent group has; may it change them?"""


@frozen
class Machine:
    """An operator's home folder, a home of ours in it, and an allow-list."""

    user: Path

    @property
    def projects(self) -> Path:
        """What may be mounted and changed."""
        return self.user / "projects"

    def extra_mounts(self, owner: Owner | None = None) -> ExtraMounts:
        """What is under test."""
        return ExtraMounts(
            home=self.user / ".nanoclaw",
            allow_list=Path("~/.config/nanoclaw/mounts.toml"),
            owner_of=lambda _: owner,
        )

    def check(self, *paths: str | Path, owner: Owner | None = None, others: Others | None = None) -> list[Verdict]:
        """The verdicts about those paths, read-write each, under names of their own."""
        mine = [{"hostPath": str(path), "containerPath": f"m{n}", "readonly": False} for n, path in enumerate(paths)]
        theirs = [
            {"hostPath": path, "containerPath": "m0", "readonly": not write} for path, write in (others or {}).items()
        ]
        mounts = [
            GroupMounts(agent_group_id=OTHER, name="Other", additional_mounts=json.dumps(theirs)),
            GroupMounts(agent_group_id=NANO, name="Nano", additional_mounts=json.dumps(mine)),
        ]
        return list(self.extra_mounts(owner).check(NANO, mounts))

    def one(self, path: str | Path, *, owner: Owner | None = None, others: Others | None = None) -> Verdict:
        """The verdict about one path."""
        (verdict,) = self.check(path, owner=owner, others=others)
        return verdict

    def refused(self, path: str | Path, *, owner: Owner | None = None) -> tuple[Reason, str]:
        """Why a path is refused."""
        verdict = self.one(path, owner=owner)
        assert isinstance(verdict, Refused), verdict
        return verdict.reason, verdict.evidence

    @classmethod
    def make(cls, user: Path) -> Machine:
        """One whose operator's home folder is *user*, with something of everything."""
        folders = "projects/app/src", "projects/data", "music", ".nanoclaw/groups/nano", ".config/nanoclaw", ".ssh"
        for folder in folders:
            (user / folder).mkdir(parents=True)
        (user / ".ssh" / "id_ed25519").write_text("precious")
        (user / "projects" / "app" / "main.py").touch()
        allow_list = user / ".config" / "nanoclaw" / "mounts.toml"
        allow_list.write_text(ALLOWED)
        allow_list.chmod(0o600)
        return cls(user)
