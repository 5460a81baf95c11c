"""A folder of the machine in a sandbox: there if the allow-list grants it, and as it grants it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.test_walls import runner_of
from tests.support.host import running_host


@pytest.mark.bubblewrap
@pytest.mark.parametrize("engine", ["bubblewrap"], indirect=True)
def test_a_sandbox_sees_what_was_granted_and_its_agent_is_told_where(home: Path, tmp_path: Path, engine: str) -> None:
    for folder in ("projects/app", "projects/web", "projects/keys/.ssh"):
        (tmp_path / folder).mkdir(parents=True)
    allow_list = tmp_path / "allow" / "mounts.toml"
    allow_list.parent.mkdir(mode=0o700)
    allow_list.write_text(f'[[roots]]\npath = "{tmp_path}/projects"\nread_write = true\n')
    allow_list.chmod(0o600)
    settings = f'[sandbox]\nengine = "{engine}"\n[mounts]\nallow_list = "{allow_list}"\n'
    with running_host(home, settings) as host:
        for name, more in (("app", []), ("web", ["--read-write"]), ("keys", [])):
            added = host.cli("mounts", "add", "nano", f"{tmp_path}/projects/{name}", *more)
            assert added.returncode == 0, added.stderr
        rows = json.loads(host.cli("mounts", "check", "--json").stdout)
        assert [(row["place"], row["granted"]) for row in rows] == [
            ("/workspace/extra/app", True),
            ("/workspace/extra/web", True),
            (None, False),
        ]
        assert host.cli("chat", "hello").returncode == 0
        mounts = {
            fields[4]: fields[5].split(",")[0]
            for fields in (line.split() for line in Path(f"/proc/{runner_of(home)}/mountinfo").read_text().splitlines())
        }
        extra = {place: mode for place, mode in mounts.items() if place.startswith("/workspace/extra")}
        assert extra == {"/workspace/extra/app": "ro", "/workspace/extra/web": "rw"}
        (told,) = home.glob("composed/*/container.json")
        assert json.loads(told.read_text())["additionalMounts"] == [
            {"containerPath": "/workspace/extra/app", "readonly": True},
            {"containerPath": "/workspace/extra/web", "readonly": False},
        ]
        assert str(tmp_path) not in told.read_text()
    assert "mount_refused" in (home / "logs" / "nanoclaw.log").read_text()
    assert list((tmp_path / "projects" / "app").iterdir()) == []
