"""The host's log, for people: the last lines, by level and by what they are about, from files set aside too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from nanoclaw.cli import host_log
from nanoclaw.cli.main import cli
from nanoclaw.config import Config
from nanoclaw.errors import UsageError


def line(event: str, level: str = "info", **fields: str) -> str:
    return json.dumps({"event": event, "level": level, "timestamp": "2026-04-16T14:37:00.123456Z", **fields}) + "\n"


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NANOCLAW_HOME", str(tmp_path))
    (tmp_path / "logs").mkdir()
    return tmp_path / "logs" / "nanoclaw.log"


def shown(*arguments: str) -> list[str]:
    result = CliRunner(env={"COLUMNS": "300"}).invoke(cli, ["logs", *arguments])
    if result.exception is not None:
        raise result.exception
    return result.stdout.splitlines()


def test_the_last_lines_are_shown_also_of_files_that_were_set_aside(log: Path) -> None:
    log.with_name("nanoclaw.log.2").write_text(line("first"))
    log.with_name("nanoclaw.log.1").write_text(line("second"))
    log.write_text(line("third", "warning", session="ses-1") + '{"event": "half a li')
    assert [one.split()[3] for one in shown()] == ["first", "second", "third"]
    assert shown("--lines", "1") == ["2026-04-16 14:37:00.123 warning third  session=ses-1"]


def test_lines_are_chosen_by_level_and_by_what_they_are_about(log: Path) -> None:
    log.write_text(
        line("one", "debug") + line("two", session="ses-1") + line("three", "error", session="ses-1") + line("four")
    )
    assert [one.split()[3] for one in shown()] == ["two", "three", "four"]
    assert [one.split()[3] for one in shown("--level", "warning")] == ["three"]
    assert [one.split()[3] for one in shown("--about", "ses-1")] == ["two", "three"]
    assert len(shown("--level", "debug")) == 4
    assert [one.split()[3] for one in shown("--session", "ses")] == ["two", "three"]
    assert shown("--session", "es-1") == []


def test_an_exception_is_shown_with_where_it_was_and_nothing_drives_the_terminal(log: Path) -> None:
    log.write_text(line("bad", "error", exception="Traceback:\n  here\x1b[31m") + "no JSON at all\n" + "[1]\n")
    assert shown() == [
        "2026-04-16 14:37:00.123 error   bad",
        "    Traceback:",
        "      here [31m",
        "         no JSON at all",
        "         [1]",
    ]


def test_without_a_log_people_are_told_how_to_get_one(log: Path) -> None:
    assert not log.exists()
    with pytest.raises(UsageError, match="nanoclaw up starts one"):
        shown()


def test_it_is_followed_into_the_next_file(
    log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log.write_text(line("first"))
    looks = 0

    def look(_: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 1:
            with log.open("a") as file:
                file.write(line("second"))
        elif looks == 2:
            log.rename(log.with_name("nanoclaw.log.1"))
        elif looks == 3:
            log.write_text(line("third"))
        elif looks == 5:
            raise KeyboardInterrupt

    monkeypatch.setattr(host_log, "sleep", look)
    host_log.show(Config(home=log.parents[1]), level="info", session=None, about=None, lines=9, follow=True)
    assert [one.split()[3] for one in capsys.readouterr().out.splitlines()] == ["first", "second", "third"]
