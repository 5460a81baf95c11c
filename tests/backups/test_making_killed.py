"""A backup that is killed at any step leaves what there was, and the next one is made."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from nanoclaw.backups import making
from tests.backups.dying_process import DyingProcess
from tests.backups.home import filled, names, tree
from tests.support.central import NOW

TOMORROW = NOW + timedelta(days=1)


def test_killed_at_any_step_a_backup_is_whole_under_its_name_or_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = filled(tmp_path / "home")
    first = making.make(home, home / "backups", now=NOW).path
    before = {part: tree(home / part) for part in ("groups", "state", "spool")}
    process = DyingProcess(monkeypatch)
    seen = []
    for step in count(1):
        if not process.dies_at(step, lambda: making.make(home, home / "backups", now=TOMORROW)):
            break
        new = [path for path in making.there_are(home / "backups") if path != first]
        for path in new:
            making.check(path)
            path.unlink()
        seen.append(len(new))
        assert first.exists()
        assert {part: tree(home / part) for part in before} == before
        assert names(home) == ["nano"]
    assert len(seen) > 10
    assert seen == sorted(seen), "from one moment on it is there"
    assert seen[-1] == 1
    assert len(making.there_are(home / "backups")) == 2
    assert {path.name for path in (home / "backups").iterdir() if path.name.startswith(".")} <= {making.LOCK}
