"""Mounts from the command line: set, shown, judged as the disk is, and taken away."""

from __future__ import annotations

from pathlib import Path

import pytest

from nanoclaw.admin.verb import ConfirmationNeededError
from nanoclaw.composing.extra_mounts import ExtraMounts
from nanoclaw.errors import UsageError
from nanoclaw.store.settings import all_mounts
from tests.support.desk import Desk


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """An operator with an allow-list, and two agents."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for folder in ("projects/app", "music", "config"):
        (tmp_path / folder).mkdir(parents=True)
    allow_list = tmp_path / "config" / "mounts.toml"
    allow_list.write_text('[[roots]]\npath = "~/projects"\nread_write = true\n')
    allow_list.chmod(0o600)
    extra = ExtraMounts(home=tmp_path / "home", allow_list=allow_list, owner_of=lambda _: None)
    desk = Desk(check_mounts=extra.check)
    desk.do("groups create", name="Nano")
    desk.do("groups create", name="Ops")
    return desk


def test_a_mount_is_set_shown_judged_and_taken_away(desk: Desk, tmp_path: Path) -> None:
    said = desk.do("mounts add", group="nano", path="~/projects/app", read_write=True).said
    assert said is not None
    assert "nanoclaw mounts check --group nano" in said
    desk.do("mounts add", group="nano", path="~/music", name="songs")
    assert desk.do("mounts list").rows == (
        {"group": "Nano", "name": "app", "path": "~/projects/app", "read_write": True},
        {"group": "Nano", "name": "songs", "path": "~/music", "read_write": False},
    )
    app, songs = desk.do("mounts check", group="nano").rows
    assert app == {
        "group": "Nano",
        "path": f"{tmp_path}/projects/app",
        "granted": True,
        "place": "/workspace/extra/app",
        "why": "read-write",
    }
    assert (songs["granted"], songs["place"]) == (False, None)
    assert songs["why"] == f"inside no root of the allow-list: {tmp_path}/music"
    with pytest.raises(ConfirmationNeededError):
        desk.ask("mounts remove", {"group": "nano", "name": "app"})
    desk.do("mounts remove", group="nano", name="app")
    assert [row["name"] for row in desk.do("mounts list").rows] == ["songs"]


def test_what_two_agents_want_to_change_is_granted_to_neither(desk: Desk) -> None:
    for group in ("nano", "ops"):
        desk.do("mounts add", group=group, path="~/projects/app", read_write=True)
    for row in desk.do("mounts check").rows:
        assert not row["granted"]
        assert "another agent group may change it too" in str(row["why"])


def test_without_mounts_there_is_a_sentence_that_says_so(desk: Desk) -> None:
    for verb in ("mounts list", "mounts check"):
        assert "mounts add --help" in str(desk.do(verb).said)
        assert desk.do(verb, group="nano").rows == ()


@pytest.mark.parametrize(
    ("verb", "arguments", "why"),
    [
        ("mounts add", {"group": "nano", "path": "projects"}, "projects: not an absolute path"),
        ("mounts add", {"group": "nano", "path": "/srv/a b"}, "not a name in the sandbox.*: a b"),
        ("mounts add", {"group": "nano", "path": "/srv/a", "name": "../b"}, r"not a name in the sandbox.*: \.\./b"),
        ("mounts add", {"group": "nano", "path": "/srv/set"}, "has that name: set; nanoclaw mounts list --group nano"),
        ("mounts add", {"group": "nobody", "path": "/srv/a"}, "there is no agent group"),
        ("mounts remove", {"group": "nano", "name": "gone"}, "Nano has no mount called 'gone': nanoclaw mounts list"),
        ("mounts check", {"group": "nobody"}, "there is no agent group"),
    ],
)
def test_each_wrong_input_gets_a_sentence_and_changes_nothing(
    desk: Desk, verb: str, arguments: dict[str, object], why: str
) -> None:
    desk.do("mounts add", group="nano", path="/srv/set")
    before = all_mounts(desk.world.conn)
    with pytest.raises(UsageError, match=why):
        desk.do(verb, **arguments)
    assert all_mounts(desk.world.conn) == before


def test_settings_that_are_no_mounts_are_listed_as_such(desk: Desk) -> None:
    desk.do("groups update", group="nano", model="opus")
    desk.world.conn.execute("UPDATE container_settings SET additional_mounts = '[1]'")
    assert desk.one("mounts list") == {"group": "Nano", "name": None, "path": "1", "read_write": None}
    assert desk.one("mounts check")["granted"] is False
