"""What sandboxes said, from the files that are kept: by the beginning of an id, without a host, and harmless."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from nanoclaw.cli.main import cli
from nanoclaw.errors import UsageError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NANOCLAW_HOME", str(tmp_path))
    for session, epoch, text in (("ses-ab", 1, "first"), ("ses-ab", 10, "tenth\x1b[31m"), ("ses-ax", 2, "other")):
        folder = tmp_path / "logs" / "sandboxes" / session
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{epoch}.log").write_text(f"{text}\n")
    return tmp_path


def logs(*arguments: str) -> str:
    result = CliRunner().invoke(cli, ["logs", *arguments])
    if result.exception is not None:
        raise result.exception
    return result.output


@pytest.mark.usefixtures("home")
def test_the_last_life_is_shown_unless_another_is_asked_for_and_commands_to_the_terminal_are_spelt_out() -> None:
    assert logs("ses-ab") == "tenth\\x1b[31m\n"
    assert logs("ses-ab", "--epoch", "1") == "first\n"
    assert logs("ses-ax") == "other\n"


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["ses-a"], "ses-a could be any of ses-ab, ses-ax"),
        (["ses-b"], "there is no session 'ses-b': there are ses-ab, ses-ax"),
        ([""], "there is no session ''"),
        (["ses-ab", "--epoch", "3"], "ses-ab has no log of epoch 3: there are 1, 10"),
    ],
)
def test_what_cannot_be_shown_says_what_can(arguments: list[str], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        logs(*arguments)
