"""Keys are kept for one place each, in a file that is the operator's alone or is not used."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from nanoclaw.core.endpoints import ANTHROPIC
from nanoclaw.core.model_requests import Key
from nanoclaw.errors import UsageError
from nanoclaw.gateway.secrets_file import SecretsFile
from tests.support.central import NOW

LOCAL = "http://localhost:11434"
KEY, OTHER = Key("sk-ant-api03-sesame"), Key("sk-ant-oat01-sesame")


@pytest.fixture
def secrets(tmp_path: Path) -> SecretsFile:
    """Those of an empty home."""
    return SecretsFile(tmp_path)


def test_a_key_is_found_by_its_place_and_by_no_other(secrets: SecretsFile) -> None:
    assert secrets.all() == ()
    assert secrets.key_for(ANTHROPIC) is None
    secrets.set(ANTHROPIC, KEY, now=NOW)
    secrets.set(LOCAL, KEY, now=NOW)
    secrets.set(LOCAL, OTHER, now=NOW)
    assert (secrets.key_for(ANTHROPIC), secrets.key_for(LOCAL)) == (KEY, OTHER)
    assert secrets.key_for("https://models.example") is None
    assert [(one.origin, one.set_at) for one in secrets.all()] == [(LOCAL, NOW), (ANTHROPIC, NOW)]
    assert secrets.remove(LOCAL)
    assert not secrets.remove(LOCAL)
    assert secrets.key_for(LOCAL) is None


def test_nobody_else_can_read_them_and_nothing_is_left_of_writing_them(secrets: SecretsFile) -> None:
    before = os.umask(0)
    try:
        secrets.set(ANTHROPIC, KEY, now=NOW)
    finally:
        os.umask(before)
    assert stat.S_IMODE(secrets.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(secrets.path.parent.stat().st_mode) == 0o700
    assert [path.name for path in secrets.path.parent.iterdir()] == [secrets.path.name]


def test_a_file_that_others_can_read_is_not_used(secrets: SecretsFile) -> None:
    secrets.set(ANTHROPIC, KEY, now=NOW)
    secrets.path.chmod(0o640)
    for use in (secrets.all, lambda: secrets.key_for(ANTHROPIC), lambda: secrets.set(LOCAL, KEY, now=NOW)):
        with pytest.raises(UsageError, match="chmod 600"):
            use()


def test_what_is_no_plain_file_is_not_used(secrets: SecretsFile, tmp_path: Path) -> None:
    secrets.path.parent.mkdir()
    (tmp_path / "elsewhere").write_text("{}")
    secrets.path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="cannot be read"):
        secrets.all()
    secrets.path.unlink()
    os.mkfifo(secrets.path, 0o600)
    with pytest.raises(UsageError, match="not a file of yours"):
        secrets.all()


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "\xff",
        '{"https://api.anthropic.com": "sesame"}',
        '{"https://api.anthropic.com": {"key": "sesame"}}',
        '{"https://api.anthropic.com": {"key": "ses ame", "set_at": "2026-01-01T00:00:00.000Z"}}',
        '{"https://api.anthropic.com": {"key": "sesame", "set_at": "yesterday"}}',
        '{"anthropic": {"key": "sesame", "set_at": "2026-01-01T00:00:00.000Z"}}',
    ],
)
def test_what_makes_no_sense_is_refused_and_not_shown(secrets: SecretsFile, text: str) -> None:
    secrets.path.parent.mkdir()
    secrets.path.write_text(text, encoding="latin-1")
    secrets.path.chmod(0o600)
    with pytest.raises(UsageError, match=str(secrets.path)) as refused:
        secrets.all()
    assert "sesame" not in str(refused.value)
