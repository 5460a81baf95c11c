"""`doctor` names what is wrong with a home, its machine and its settings, and what to do about it."""

from __future__ import annotations

import errno
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from attrs import evolve

from nanoclaw.cli import checks
from nanoclaw.config import Config
from nanoclaw.settings import BackupSettings
from schema import files
from schema.commit_watch import CommitWatch
from schema.sqlite import execute
from schema.times import write_time
from tests.backups.home import opened
from tests.cli.checked_home import Plant, healthy, wrong
from tests.support.central import NOW


def little_room(_: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "LEAST_FREE", 1 << 60)


def no_inotify(_: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> CommitWatch:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(checks, "open_watch", refuse)


def a_newer_truth(config: Config, _: pytest.MonkeyPatch) -> None:
    with opened(config.home) as world:
        execute(world.conn, f"PRAGMA user_version = {len(files.central_ddl()) + 1}")


def somebody_elses(config: Config, _: pytest.MonkeyPatch) -> None:
    with opened(config.home) as world:
        execute(world.conn, "PRAGMA application_id = 1")


def a_message_to_come(config: Config, _: pytest.MonkeyPatch) -> None:
    with opened(config.home) as world:
        execute(
            world.conn,
            "INSERT INTO events (id, channel, platform_message_id, platform_id, mention, received_at)"
            " VALUES ('evt-8', 'test', '8', 'room', 1, :late);"
            "INSERT INTO drops (key, kind, event_id, reference, reason, detail, digest, dropped_at)"
            " VALUES ('k', 'event', 'evt-8', 'r', 'not-wired', '', '', :late)",
            {"late": write_time(NOW + timedelta(days=9))},
        )


def a_dead_letter(config: Config, _: pytest.MonkeyPatch) -> None:
    with opened(config.home) as world:
        execute(world.conn, "UPDATE inbound SET status = 'failed', error = 'x'")


def an_open_network(config: Config, _: pytest.MonkeyPatch) -> None:
    with opened(config.home) as world:
        execute(
            world.conn,
            "INSERT INTO container_settings (agent_group_id, network, updated_at) VALUES ('agt-nano', 'open', ?)",
            (write_time(NOW),),
        )


def nobody_hears(config: Config, _: pytest.MonkeyPatch) -> None:
    with opened(config.home) as world:
        execute(world.conn, "DELETE FROM destinations")
        execute(world.conn, "DELETE FROM wirings")


PLANTED: dict[str, tuple[Plant, str, str, str]] = {
    "little room": (little_room, "disk", "MiB free", "nanoclaw backup list"),
    "no inotify": (no_inotify, "watch", "polling: inotify cannot be opened", "sysctl fs.inotify.max_user_instances"),
    "a newer database": (a_newer_truth, "database", "knows only", "install the newer nanoclaw"),
    "somebody else's database": (somebody_elses, "database", "some other program's", "choose another NANOCLAW_HOME"),
    "a message to come": (a_message_to_come, "clock", "2026-04-25", "timedatectl set-ntp true"),
    "a dead letter": (a_dead_letter, "messages", "1 failed", "nanoclaw dead list"),
    "an open network": (an_open_network, "network", "nano reach", "nanoclaw groups update nano --network none"),
    "nobody hears anything": (nobody_hears, "wirings", "no agent hears", "nanoclaw wirings create test/room nano"),
}
"""What is planted; the check that finds it, what it says, and what it says to do."""


@pytest.mark.parametrize(("plant", "check", "words", "mend"), PLANTED.values(), ids=PLANTED)
def test_it_is_found_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plant: Plant, check: str, words: str, mend: str
) -> None:
    config = healthy(tmp_path)
    (found,) = wrong(plant(config, monkeypatch) or config)
    assert found.check == check
    assert words in found.words
    assert mend in found.mend


def test_a_clock_of_years_ago_is_wrong(tmp_path: Path) -> None:
    config = healthy(tmp_path)
    found = wrong(config, now=datetime.fromisoformat("1970-01-01T00:00:00+00:00"))
    assert any(one.check == "clock" and "1970-01-01" in one.words for one in found)


def test_where_no_backups_are_wanted_their_age_is_no_fault(tmp_path: Path) -> None:
    config = evolve(healthy(tmp_path), backup=BackupSettings(every_hours=0))
    assert wrong(config, now=NOW + timedelta(days=400)) == []


def test_a_check_that_cannot_look_keeps_no_other_from_looking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = healthy(tmp_path)

    def broken(*_: object) -> None:
        raise PermissionError("no")

    monkeypatch.setitem(checks.CHECKS, "disk", broken)
    (found,) = wrong(config)
    assert found.words.startswith("it cannot be looked at")
