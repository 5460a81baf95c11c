"""What is blocked stays blocked under another name: bind mounts, made in a namespace of bubblewrap's."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from nanoclaw.core.wanted_mounts import Reason
from tests.composing.machine import Machine
from tests.support.engines import need

ROOT = Path(__file__).resolve().parents[2]
JUDGE = """
import json, sys
from nanoclaw.composing.looking import landmarks, look_at
from nanoclaw.core.blocked import PLACES, places_of
from nanoclaw.core.mounts import AllowList, Policy, Root, judge
from nanoclaw.core.wanted_mounts import Refused, wanted_mount
user, submounts, path = sys.argv[1], sys.argv[2] == "yes", sys.argv[3]
roots = (Root(path=user + "/projects", read_write=True, submounts=submounts),)
policy = Policy(allow_list=AllowList(roots=roots), own_places=(*PLACES, *places_of(user), user + "/.nanoclaw"))
wanted = wanted_mount(path, "x", read_write=True)
found = judge(wanted, look_at(wanted, policy, landmarks(policy.places), None), policy, (), "nano")
print(json.dumps([found.reason.name, found.evidence] if isinstance(found, Refused) else ["", list(found.submounts)]))
"""

pytestmark = pytest.mark.bubblewrap


@pytest.fixture(autouse=True)
def _needs_bubblewrap() -> None:
    need("bubblewrap")


def verdict(machine: Machine, path: Path, *binds: tuple[Path, Path], submounts: bool = False) -> tuple[str, object]:
    """What becomes of *path* where each first place of *binds* is mounted at its second one too."""
    mounts = [word for source, target in binds for word in ("--bind", str(source), str(target))]
    allowed = "yes" if submounts else "no"
    command = ["bwrap", "--dev-bind", "/", "/", *mounts, "--", sys.executable, "-c", JUDGE]
    done = subprocess.run(
        [*command, str(machine.user), allowed, str(path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    reason, evidence = json.loads(done.stdout)
    return reason, evidence


def test_a_blocked_place_mounted_under_another_name_is_refused(machine: Machine) -> None:
    keys = machine.projects / "notes"
    keys.mkdir()
    (machine.user / ".ssh" / "id_ed25519").rename(machine.user / ".ssh" / "innocent")
    (machine.user / ".ssh" / "old").mkdir()
    bind = (machine.user / ".ssh", keys)
    for path in (keys, keys / "old", keys / "innocent"):
        assert verdict(machine, path, bind) == (Reason.BLOCKED_PLACE.name, str(machine.user / ".ssh"))


def test_what_contains_a_blocked_place_mounted_under_another_name_is_refused(machine: Machine) -> None:
    other = machine.projects / "other"
    other.mkdir()
    reason, _ = verdict(machine, other, (machine.user, other))
    assert reason == Reason.BLOCKED_PLACE.name


def test_a_file_system_mounted_inside_is_refused_unless_the_root_allows_it(machine: Machine) -> None:
    inside = machine.projects / "app" / "src"
    bind = (machine.user / "music", inside)
    assert verdict(machine, machine.projects / "app", bind) == (Reason.SUBMOUNT.name, str(inside))
    assert verdict(machine, machine.projects / "app", bind, submounts=True) == ("", [str(inside)])
    # What is mounted beside it, or is it itself, is nothing inside it.
    assert verdict(machine, inside, bind) == ("", [])
    assert verdict(machine, machine.projects / "data", bind) == ("", [])


def test_keys_mounted_inside_are_found_even_where_the_root_allows_other_file_systems(machine: Machine) -> None:
    bind = (machine.user / ".ssh", machine.projects / "app" / "src")
    reason, evidence = verdict(machine, machine.projects / "app", bind, submounts=True)
    assert reason == Reason.INSIDE.name
    assert "id_ed25519" in str(evidence)


def test_the_socket_of_an_engine_mounted_under_another_name_is_refused(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(machine.user)
    notes = machine.projects / "app" / "notes.txt"
    notes.touch()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("docker.sock")
        bind = (machine.user / "docker.sock", notes)
        assert verdict(machine, notes, bind)[0] == Reason.KIND.name
        assert verdict(machine, machine.projects / "app", bind, submounts=True)[0] == Reason.INSIDE.name
