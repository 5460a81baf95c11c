"""`nanoclaw secrets`: a key comes from standard input, is kept for one place, and is never shown."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
import trio
from click.testing import CliRunner, Result

from nanoclaw.cli import checks_of_parts
from nanoclaw.cli.main import cli
from nanoclaw.config import Config
from nanoclaw.core.model_requests import Key
from nanoclaw.errors import UsageError
from nanoclaw.gateway.secrets_file import SecretsFile
from nanoclaw.kit.ids import mint
from nanoclaw.model.ids import ChannelName, UserId
from nanoclaw.settings import AgentSettings
from nanoclaw.store.db import open_database
from nanoclaw.store.setup import Operator, first_start
from tests.support.central import NOW

KEY = "sk-ant-api03-sesame"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home that is not there yet."""
    monkeypatch.setenv("NANOCLAW_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def run(*arguments: str, typed: str = "") -> Result:
    """The command line; what it refuses is raised."""
    return CliRunner(env={"COLUMNS": "200"}).invoke(cli, ["secrets", *arguments], input=typed, catch_exceptions=False)


def test_a_key_is_set_listed_and_removed_and_never_shown(home: Path) -> None:
    assert "nanoclaw secrets set anthropic" in run("list").output
    said = run("set", "anthropic", typed=f"{KEY}\n")
    assert "the API key of anthropic for https://api.anthropic.com" in said.output
    assert "--provider claude" in said.output
    local = run("set", "anthropic", "--url", "http://localhost:11434/", typed="sk-ant-oat01-sesame")
    assert "--base-url http://localhost:11434" in local.output
    listed = run("list")
    assert "OAuth token" in listed.output
    found = [json.loads(line) for line in run("list", "--json").stdout.splitlines()]
    assert [(one["url"], one["kind"]) for one in found] == [
        ("http://localhost:11434", "OAuth token"),
        ("https://api.anthropic.com", "API key"),
    ]
    removed = run("remove", "anthropic", "--url", "http://localhost:11434")
    assert "forgotten" in removed.output
    assert not [one for one in (said, local, listed, removed) if "sesame" in one.output]
    (kept,) = SecretsFile(home).all()
    assert kept.key.value == KEY


@pytest.mark.parametrize(
    ("arguments", "typed", "why"),
    [
        (("set", "anthropic"), "", "it is empty"),
        (("set", "anthropic"), "two words", "this is no key"),
        (("set", "anthropic", "--url", "localhost"), KEY, "--url: localhost: has to begin with"),
        (("remove", "anthropic"), "", "there is no key"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    home: Path, arguments: tuple[str, ...], typed: str, why: str
) -> None:
    with pytest.raises(UsageError, match=why):
        run(*arguments, typed=typed)
    assert SecretsFile(home).all() == ()


def test_a_key_is_no_argument(home: Path) -> None:
    assert run("set", "anthropic", KEY).exit_code == 2
    with pytest.raises(UsageError, match="openai: anthropic, onecli, or another secret: "):
        run("set", "openai", typed=KEY)
    assert not home.exists()


async def test_doctor_says_who_lacks_a_key(home: Path) -> None:
    config = Config(home=home, agent=AgentSettings(provider="claude"))
    assert checks_of_parts.without_keys(config) == ()
    secrets = SecretsFile(home)
    secrets.set("https://models.example", Key(KEY), now=NOW)
    operator = Operator(user=UserId("terminal:ada"), name="Ada", channel=ChannelName("terminal"), platform_id="local")
    async with open_database(config.database) as store:
        await store.transact(first_start, agent="Nano", operator=operator, mint=mint, now=NOW)
    (said,) = checks_of_parts.without_keys(config)
    assert said == "Nano thinks with claude, and no key is set: nanoclaw secrets set anthropic"
    await trio.to_thread.run_sync(partial(run, "set", "anthropic", typed=KEY))
    assert checks_of_parts.without_keys(config) == ()
    secrets.path.chmod(0o644)
    assert checks_of_parts.without_keys(config) == (), "another check says what is wrong with the file"


def test_the_key_of_onecli_is_kept_apart_and_for_its_own_place(home: Path) -> None:
    with pytest.raises(UsageError, match=r"set url under \[onecli\]"):
        run("set", "onecli", typed=KEY)
    said = run("set", "onecli", "--url", "http://localhost:10254", typed=KEY)
    assert 'url = "http://localhost:10254"' in said.output
    home.mkdir(exist_ok=True)
    (home / "nanoclaw.toml").write_text('[onecli]\nurl = "http://localhost:10254"\n')
    assert "used from now on" in run("set", "onecli", typed=KEY).output
    assert [json.loads(line)["name"] for line in run("list", "--json").stdout.splitlines()] == ["onecli"]
    assert SecretsFile(home).all() == ()
    assert "forgotten" in run("remove", "onecli").output
    assert run("list", "--json").stdout == ""
