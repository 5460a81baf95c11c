"""A home with nothing wrong, for tests that plant something in it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import pytest

from nanoclaw.backups import making
from nanoclaw.cli import checks
from nanoclaw.cli.finding import Finding
from nanoclaw.config import Config
from nanoclaw.model.ids import InboundId
from nanoclaw.model.messages import EpochEnding
from nanoclaw.settings import MountsSettings
from nanoclaw.store import epochs, inbound
from tests.backups.home import filled, opened
from tests.support.central import NOW

Plant: TypeAlias = Callable[[Config, pytest.MonkeyPatch], Config | None]
"""Makes something wrong, in the home or in the settings."""


def healthy(folder: Path) -> Config:
    """A home below *folder* with nothing wrong in it."""
    home = folder / "home"
    shutil.copytree(Path(_made_once().name, "home"), home, symlinks=True)
    return Config(home=home, mounts=MountsSettings(allow_list=str(folder / "mounts.toml")))


@cache
def _made_once() -> TemporaryDirectory[str]:
    """The same, made once: it takes longer than most of what is tested in it."""
    made = TemporaryDirectory(prefix="healthy-")
    home = filled(Path(made.name, "home"))
    with opened(home) as world:
        inbound.settle(world.conn, InboundId("m"), error=None, now=NOW)
        (epoch,) = epochs.all_live(world.conn)
        epochs.end(world.conn, epoch.session_id, epoch.number, EpochEnding.STOPPED, "", now=NOW)
    home.chmod(0o700)
    (home / "secrets" / "anthropic.json").write_text("{}")
    for path in (home / "secrets" / "anthropic.json", home / "nanoclaw.db"):
        path.chmod(0o600)
    making.make(home, home / "backups", now=NOW)
    return made


def wrong(config: Config, *, now: datetime = NOW) -> list[Finding]:
    """What is found to be wrong."""
    return [finding for finding in checks.examine(config, now=now).findings if finding.is_bad]
