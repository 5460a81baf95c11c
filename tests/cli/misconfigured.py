"""What can be wrong with a home and be mended by typing what `doctor` says."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from nanoclaw.backups import making
from nanoclaw.cli import checks
from nanoclaw.config import Config
from nanoclaw.store import swapping
from schema.sqlite import execute
from schema.times import write_time
from tests.backups.home import opened
from tests.cli.checked_home import Plant
from tests.support.central import NOW


def others_enter(config: Config, _: pytest.MonkeyPatch) -> None:
    config.home.chmod(0o755)


def others_write_the_truth(config: Config, _: pytest.MonkeyPatch) -> None:
    config.database.chmod(0o666)


def others_write_the_settings(config: Config, _: pytest.MonkeyPatch) -> None:
    (config.home / "nanoclaw.toml").chmod(0o622)


def others_read_a_key(config: Config, _: pytest.MonkeyPatch) -> None:
    (config.home / "secrets" / "anthropic.json").chmod(0o644)


def a_key_file_is_broken(config: Config, _: pytest.MonkeyPatch) -> None:
    (config.home / "secrets" / "anthropic.json").write_text("{")


def no_backup_for_long(config: Config, _: pytest.MonkeyPatch) -> None:
    with opened(config.home) as world:
        execute(world.conn, "UPDATE home SET created_at = ?", (write_time(NOW - timedelta(days=30)),))
    making.prune(config.backups_folder, keep=0)


def an_old_backup(config: Config, _: pytest.MonkeyPatch) -> None:
    (old,) = making.there_are(config.backups_folder)
    old.rename(old.with_name("nanoclaw-2026-04-01T00-00-00Z.tar.gz"))


def mounts_that_others_write(config: Config, _: pytest.MonkeyPatch) -> None:
    path = Path(config.mounts.allow_list)
    path.write_text("")
    path.chmod(0o666)


def set_in_file(config: Config, table: str, line: str) -> None:
    """Have the settings say so as well."""
    path = config.home / "nanoclaw.toml"
    path.write_text(f"{path.read_text()}\n[{table}]\n{line}\n")


def no_such_zone(config: Config, _: pytest.MonkeyPatch) -> None:
    (config.home / "nanoclaw.toml").write_text(
        f'[agent]\ntimezone = "Middle/Earth"\n[mounts]\nallow_list = "{config.mounts.allow_list}"\n'
    )


def a_page_for_everybody(config: Config, _: pytest.MonkeyPatch) -> None:
    set_in_file(config, "web", 'address = "0.0.0.0"')


def no_key(config: Config, _: pytest.MonkeyPatch) -> None:
    with opened(config.home) as world:
        execute(
            world.conn,
            "INSERT INTO container_settings (agent_group_id, provider, updated_at) VALUES ('agt-nano', 'claude', ?)",
            (write_time(NOW),),
        )


def many_logs(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = config.home / "logs" / "sandboxes" / "ses-1"
    folder.mkdir(parents=True)
    (folder / "1.log").write_text("much")
    config.log_file.write_text("a")
    monkeypatch.setattr(checks, "MOST_LOGS", 3)


def a_damaged_truth(config: Config, _: pytest.MonkeyPatch) -> None:
    data = bytearray(config.database.read_bytes())
    data[5 * 4096 : 9 * 4096] = bytes(4 * 4096)
    config.database.write_bytes(data)


def no_database_at_all(config: Config, _: pytest.MonkeyPatch) -> None:
    config.database.write_text("my shopping list" * 99)


def a_lost_event(config: Config, _: pytest.MonkeyPatch) -> None:
    with opened(config.home) as world:
        execute(
            world.conn,
            "INSERT INTO events (id, channel, platform_message_id, platform_id, mention, received_at)"
            " VALUES ('evt-9', 'test', '9', 'room', 1, ?)",
            (write_time(NOW),),
        )


def a_stray_folder(config: Config, _: pytest.MonkeyPatch) -> None:
    (config.home / "sessions" / "agt-nano" / "ses-gone").mkdir(parents=True)


def a_broken_off_restore(config: Config, _: pytest.MonkeyPatch) -> None:
    (config.home / swapping.UNFINISHED / "home").mkdir(parents=True)


def a_file_nobody_needs(config: Config, _: pytest.MonkeyPatch) -> None:
    (config.home / "spool" / "file-strange").write_text("what is this")


def a_file_for_a_folder(config: Config, _: pytest.MonkeyPatch) -> None:
    (config.home / "composed").rmdir()
    (config.home / "composed").write_text("")


def a_skill_that_nobody_can_read(config: Config, _: pytest.MonkeyPatch) -> None:
    skill = config.home / "skills" / "cooking"
    skill.mkdir(parents=True)
    (skill / "SKILL.md").write_text("boil it")
    (skill / "SKILL.md").chmod(0o600)


TYPED: dict[str, tuple[Plant, str, str, str]] = {
    "others enter the home": (others_enter, "home", "others can enter", "chmod 700 "),
    "others write the truth": (others_write_the_truth, "home", "nanoclaw.db", "chmod 600 "),
    "others write the settings": (others_write_the_settings, "home", "nanoclaw.toml", "chmod 600 "),
    "others read a key": (others_read_a_key, "secrets", "can be read by others", "chmod 600 "),
    "a file of keys is broken": (a_key_file_is_broken, "secrets", "anthropic.json", "mv "),
    "there was never a backup": (no_backup_for_long, "backups", "there is none", "nanoclaw backup create"),
    "the backup is old": (an_old_backup, "backups", "2026-04-01", "nanoclaw backup create"),
    "others write the list of mounts": (mounts_that_others_write, "mounts", "", "chmod 600 "),
    "there is no such zone": (no_such_zone, "clock", "Middle/Earth", "sed -i "),
    "everybody can read the page": (a_page_for_everybody, "web page", "without encryption", "sed -i "),
    "an agent has no key": (no_key, "keys", "no key is set", "nanoclaw secrets set anthropic"),
    "logs fill the disk": (many_logs, "disk", "of logs in", "rm -r "),
    "the database is damaged": (a_damaged_truth, "database", "", "nanoclaw backup restore nanoclaw-2026-04-16"),
    "there is no database in it": (no_database_at_all, "database", "cannot be read", "nanoclaw backup restore "),
    "an event was lost": (a_lost_event, "database", "neither a message nor", "nanoclaw repair --apply"),
    "a folder is left over": (a_stray_folder, "database", "belongs to no session", "nanoclaw repair --apply"),
    "a restore was broken off": (a_broken_off_restore, "database", "broken off", "nanoclaw repair --apply"),
    "a file is left over": (a_file_nobody_needs, "database", "belongs to no message", "nanoclaw repair --apply"),
    "a file is where a folder was": (a_file_for_a_folder, "folders", "cannot be written to", "mv "),
    "a skill cannot be read": (a_skill_that_nobody_can_read, "skills", "cannot be read", "chmod -R a+rX "),
}
"""What is planted; the check that finds it, what it says, and how what it says to do begins."""
