"""A backup is made while people chat, and restored: the home of then goes on, and says nothing a second time."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from nanoclaw.backups.archive import read_archive
from nanoclaw.cli import exits
from nanoclaw.core.backups import name_of
from tests.backups.home import tree
from tests.support.central import NOW
from tests.support.host import HostProcess, running_host, until
from tests.support.truth import rows

SETTINGS = '[sandbox]\nengine = "process"\n'
MESSAGES = 8


def test_a_backup_under_load_is_restored_to_a_home_that_says_nothing_twice(home: Path, tmp_path: Path) -> None:
    with running_host(home, SETTINGS) as host:
        assert "“before”" in host.cli("chat", "before").stdout
        with ThreadPoolExecutor() as pool:
            talk = pool.submit(lambda: [host.cli("chat", f"meanwhile {number}") for number in range(MESSAGES)])
            made = host.cli("backup", "create", "--to", str(tmp_path / "elsewhere"))
            assert made.returncode == exits.OK, made.stderr
            assert all(said.returncode == exits.OK for said in talk.result())
        (backup,) = (tmp_path / "elsewhere").glob("nanoclaw-*.tar.gz")
        refused = host.cli("backup", "restore", str(backup), "--yes")
        assert refused.returncode == exits.HOME_IN_USE
        assert "stop that one first" in refused.stderr
        host.stop()

        undecided = _undecided_in(backup, tmp_path)
        restored = host.cli("backup", "restore", str(backup), "--yes")
        assert restored.returncode == exits.OK, restored.stderr
        assert "what was there before is in" in restored.stdout
        assert host.cli("verify").returncode == exits.OK
        host.start()
        after = host.cli("chat", "after")
        assert after.stdout.count("You said") == 1
        assert "“after”" in after.stdout
        verified = host.cli("verify")
        assert verified.returncode == exits.OK, verified.stdout
        shown = json.loads(host.cli("dead", "list", "--json").stdout)
        assert sorted(letter["id"] for letter in shown) == undecided
        until(lambda: not rows(home, "SELECT id FROM ledger WHERE state IN ('pending', 'sending')"))


def _undecided_in(backup: Path, folder: Path) -> list[str]:
    """The messages in and out that were open in a backup."""
    into = folder / "looked-at"
    into.mkdir()
    read_archive(backup, into, lambda _: None)
    found = rows(into, "SELECT id FROM inbound WHERE status = 'pending' AND trigger = 1")
    return sorted(row["id"] for row in [*found, *rows(into, "SELECT id FROM ledger WHERE settled_at IS NULL")])


def test_backups_are_made_listed_and_checked_by_hand(home: Path) -> None:
    host = HostProcess(home)
    nothing = host.cli("backup", "create")
    assert nothing.returncode == exits.REFUSED
    assert "nothing to back up" in nothing.stderr
    assert "no backup yet" in host.cli("backup", "list").stdout
    with running_host(home, SETTINGS) as host:
        host.cli("chat", "hello")
    made = json.loads(host.cli("backup", "create", "--json").stdout)
    listed = json.loads(host.cli("backup", "list", "--json").stdout)
    assert listed["path"] == made["path"]
    assert "is whole" in host.cli("backup", "verify").stdout
    before = tree(home / "groups")
    Path(made["path"]).write_bytes(Path(made["path"]).read_bytes()[:-40])
    for command in (("verify",), ("restore", Path(made["path"]).name, "--yes")):
        damaged = host.cli("backup", *command)
        assert damaged.returncode == exits.REFUSED
        assert "no whole backup" in damaged.stderr
    assert tree(home / "groups") == before
    unknown = host.cli("backup", "restore", name_of(NOW), "--yes")
    assert "nanoclaw backup list shows those there are" in unknown.stderr
    unasked = host.cli("backup", "restore", Path(made["path"]).name)
    assert "add --yes if you mean it" in unasked.stderr
