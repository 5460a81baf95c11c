"""Mounts against a real disk: what is blocked, by whatever name, is refused, and so is what could be swapped."""

from __future__ import annotations

import json
import os
import socket
import sys
import unicodedata
from pathlib import Path

import pytest
from structlog.testing import capture_logs

import nanoclaw
from nanoclaw.composing.looking import MOUNTINFO, landmarks, look_at, mount_points
from nanoclaw.core.mounts import Allowed, Seen, judge
from nanoclaw.core.wanted_mounts import Reason, Refused, WantedMount
from nanoclaw.model.sandbox import Owner
from nanoclaw.model.settings import GroupMounts
from tests.composing.machine import ALLOWED, NANO, Machine


def test_a_folder_and_a_file_inside_a_root_are_granted_with_what_they_are(machine: Machine) -> None:
    for path in (machine.projects / "app", machine.projects / "app" / "main.py"):
        found = machine.one(path)
        assert isinstance(found, Allowed)
        status = path.stat()
        assert (found.source, found.read_write) == (str(path), True)
        assert (found.device, found.inode) == (status.st_dev, status.st_ino)
    music = machine.one("~/music")
    assert isinstance(music, Allowed)
    assert not music.read_write


def test_a_link_is_granted_as_what_it_leads_to_and_judged_by_it(machine: Machine) -> None:
    (machine.projects / "good").symlink_to("app")
    (machine.projects / "bad").symlink_to(machine.user / ".ssh")
    (machine.projects / "worse").symlink_to("/etc")
    good = machine.one(machine.projects / "good")
    assert isinstance(good, Allowed)
    assert good.source == str(machine.projects / "app")
    assert machine.refused(machine.projects / "bad")[0] is Reason.BLOCKED_NAME
    assert machine.refused(machine.projects / "worse") == (Reason.BLOCKED_PLACE, "/etc")
    assert machine.refused("~/projects/app/../../.ssh")[0] is Reason.BLOCKED_NAME


def test_links_inside_a_folder_are_no_concern_because_they_lead_nowhere_in_a_sandbox(machine: Machine) -> None:
    (machine.projects / "app" / "out").symlink_to(machine.user / ".ssh")
    assert isinstance(machine.one("~/projects/app"), Allowed)


@pytest.mark.parametrize("path", ["/", "/etc", "/proc/self", "/sys", "/dev", "/root", "/run", "/var"])
def test_places_of_the_machine_and_what_contains_them_are_refused(machine: Machine, path: str) -> None:
    assert machine.refused(path)[0] is Reason.BLOCKED_PLACE


def test_what_is_not_there_is_refused(machine: Machine) -> None:
    assert machine.refused("~/projects/nothing")[0] is Reason.NOT_THERE
    (machine.projects / "loop").symlink_to("loop")
    assert machine.refused("~/projects/loop")[0] is Reason.NOT_THERE


def test_our_own_home_settings_code_and_interpreter_are_refused(machine: Machine) -> None:
    for path in (
        "~/.nanoclaw",
        "~/.nanoclaw/groups/nano",
        "~/.config/nanoclaw",
        "~/.config/nanoclaw/mounts.toml",
        "~/.config",
        "~",
        Path(nanoclaw.__path__[0]),
        Path(nanoclaw.__path__[0]).parent,
        sys.prefix,
        sys.base_prefix,
    ):
        assert machine.refused(path)[0] in {Reason.BLOCKED_PLACE, Reason.BLOCKED_NAME}, path


@pytest.mark.parametrize(
    "name", [".ssh", ".AWS", ".env.local", "id_rsa", "server.PEM", "Credentials.json", "customers"]
)
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_folder_in_which_something_is_blocked_is_refused_up_to_three_levels_deep(
    machine: Machine, name: str, depth: int
) -> None:
    path = machine.projects.joinpath("app", *["sub"] * (depth - 1), name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    reason, evidence = machine.refused("~/projects/app")
    assert reason is Reason.INSIDE
    assert str(path) in evidence
    assert machine.refused(path)[0] is Reason.BLOCKED_NAME


def test_names_of_accents_are_blocked_however_they_are_written(machine: Machine) -> None:
    allow_list = machine.user / ".config" / "nanoclaw" / "mounts.toml"
    allow_list.write_text(ALLOWED.replace("customers", unicodedata.normalize("NFC", "Küche")))
    (machine.projects / "app" / unicodedata.normalize("NFD", "KÜCHE")).mkdir()
    assert machine.refused("~/projects/app")[0] is Reason.INSIDE


def test_a_socket_is_refused_by_whatever_name_it_is_called(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(machine.projects / "app")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("notes.txt")
        assert machine.refused("~/projects/app/notes.txt")[0] is Reason.KIND
        reason, evidence = machine.refused("~/projects/app")
    assert reason is Reason.INSIDE
    assert "is a socket" in evidence
    os.mkfifo("fifo")
    assert machine.refused("~/projects/app/fifo")[0] is Reason.KIND


def test_a_folder_on_the_way_that_others_may_write_is_refused(machine: Machine) -> None:
    assert isinstance(machine.one("~/projects/app"), Allowed)
    machine.projects.chmod(0o777)
    assert machine.refused("~/projects/app") == (Reason.SWAPPABLE, str(machine.projects))
    # What is in a sticky folder belongs to whoever made it.
    machine.projects.chmod(0o1777)
    assert isinstance(machine.one("~/projects/app"), Allowed)
    # The folder itself may be anybody's: what is in it is what is mounted.
    machine.projects.chmod(0o755)
    (machine.projects / "app").chmod(0o777)
    assert isinstance(machine.one("~/projects/app"), Allowed)


def test_a_folder_on_the_way_that_the_sandboxes_user_may_write_is_refused(machine: Machine) -> None:
    if os.geteuid() != 0:
        return
    sandbox = Owner(4711, 4712)
    assert isinstance(machine.one("~/projects/app", owner=sandbox), Allowed)
    os.chown(machine.projects, sandbox.uid, 0)
    assert machine.refused("~/projects/app", owner=sandbox) == (Reason.SWAPPABLE, str(machine.projects))
    os.chown(machine.projects, 0, sandbox.gid)
    assert isinstance(machine.one("~/projects/app", owner=sandbox), Allowed)
    machine.projects.chmod(0o775)
    assert machine.refused("~/projects/app", owner=sandbox)[0] is Reason.SWAPPABLE
    machine.projects.chmod(0o1777)
    os.chown(machine.projects / "app", sandbox.uid, 0)
    assert machine.refused("~/projects/app", owner=sandbox)[0] is Reason.SWAPPABLE


def test_a_folder_with_more_than_can_be_looked_through_is_refused(machine: Machine) -> None:
    for number in range(4):
        (machine.projects / "app" / "src" / f"{number}").touch()
    wanted = WantedMount(host_path=str(machine.projects / "app"), name="app")
    policy = machine.extra_mounts().policy()
    for most, refused in ((6, False), (5, True)):
        found = look_at(wanted, policy, landmarks(policy.places), None, most=most)
        assert isinstance(found, Seen)
        assert (found.unsearched is not None) is refused
        verdict = judge(wanted, found, policy, (), NANO)
        assert (isinstance(verdict, Refused) and verdict.reason is Reason.UNSEARCHED) is refused


def test_one_folder_is_changed_by_one_agent_group_only(machine: Machine) -> None:
    app = str(machine.projects / "app")
    both = machine.one(app, others={app: True})
    assert isinstance(both, Refused)
    assert (both.reason, both.evidence) == (Reason.SHARED, f"{app} of Other")
    assert isinstance(machine.one(app, others={app: False}), Allowed)
    (machine.projects / "link").symlink_to("app")
    assert isinstance(machine.one(app, others={str(machine.projects / "link"): True}), Refused)
    inner = machine.one(f"{app}/src", others={app: True})
    assert isinstance(inner, Refused)
    assert inner.reason is Reason.NESTED


def test_an_agent_group_cannot_swap_what_lies_in_its_own_mount(machine: Machine) -> None:
    outer, inner = machine.check("~/projects/app", "~/projects/app/src")
    assert isinstance(outer, Allowed)
    assert isinstance(inner, Refused)
    assert inner.reason is Reason.NESTED


@pytest.mark.parametrize("target", ["..", "../x", "/etc", "a:rw", "a/b", ""])
def test_a_place_in_the_sandbox_is_one_plain_name(machine: Machine, target: str) -> None:
    mounts = [
        GroupMounts(
            agent_group_id=NANO,
            name="Nano",
            additional_mounts=json.dumps([{"hostPath": "~/projects/app", "containerPath": target}]),
        )
    ]
    (found,) = machine.extra_mounts().check(NANO, mounts)
    assert isinstance(found, Refused)
    assert found.reason is Reason.BAD_NAME


def test_every_decision_is_logged_with_its_reason_and_the_allow_list_it_was_made_by(machine: Machine) -> None:
    with capture_logs() as logs:
        machine.check("~/projects/app", "~/.ssh", "~/nothing")
    events = [(line["event"], line["log_level"]) for line in logs]
    assert events == [("mount_allowed", "info"), ("mount_refused", "warning"), ("mount_refused", "warning")]
    assert "blocked" in logs[1]["why"]
    assert len(logs[1]["allow_list"]) == 64


def test_without_an_allow_list_nothing_is_granted(machine: Machine) -> None:
    (machine.user / ".config" / "nanoclaw" / "mounts.toml").unlink()
    reason, evidence = machine.refused("~/projects/app")
    assert reason is Reason.NO_ALLOW_LIST
    assert "mounts.toml" in evidence


def test_where_file_systems_are_mounted_is_read_with_blanks_in_their_names() -> None:
    text = "22 1 8:1 / / rw - ext4 /dev/sda rw\n30 22 0:5 / /mnt/a\\040b rw,nosuid shared:1 - tmpfs tmpfs rw\n"
    assert mount_points(text) == ["/", "/mnt/a b"]
    assert "/" in mount_points(MOUNTINFO.read_text())
