"""A home with one agent group, and what is needed to compose for it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import attrs
import pytest

from nanoclaw.composing.places import GroupPlaces
from nanoclaw.core.told import Told
from nanoclaw.model.sandbox import Owner
from tests.composing.machine import Machine

TOLD = Told(provider="demo", group_name="Nano", assistant_name="Nano", agent_group_id="agt-1", timezone="UTC")
OTHER = Owner(4711, 4712)
"""Somebody else than who runs the tests."""


def told(**changes: Any) -> Told:
    """What the agent group is told, with these changes."""
    return attrs.evolve(TOLD, **changes)


def may_give_files_away() -> bool:
    """Does this process have the right to?"""
    return os.geteuid() == 0


def skill(places: GroupPlaces, name: str, instructions: str | None = None) -> Path:
    """Make a skill in the home."""
    folder = places.skills / name
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text(f"# {name}\n")
    if instructions is not None:
        (folder / "instructions.md").write_text(instructions)
    return folder


@pytest.fixture
def places(tmp_path: Path) -> GroupPlaces:
    """Where the things of the agent group lie."""
    return GroupPlaces(home=tmp_path / "home", folder="nano", group="agt-1")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A file of the host's that an agent would like to have changed."""
    path = tmp_path / "outside" / "secret"
    path.parent.mkdir()
    path.write_text("precious")
    return path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine whose operator runs the tests."""
    user = tmp_path / "ada"
    monkeypatch.setenv("HOME", str(user))
    return Machine.make(user)
