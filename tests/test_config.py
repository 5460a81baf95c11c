"""The settings: defaults, the file, and what is refused with its place."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.config import Config, home_folder, load
from nanoclaw.errors import UsageError


def loaded(home: Path, text: str | bytes) -> Config:
    """The settings of a home with that file."""
    (home / "nanoclaw.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return load(home)


def test_without_a_file_everything_has_its_default(tmp_path: Path) -> None:
    config = load(tmp_path)
    assert config == Config(home=tmp_path)
    assert (config.sandbox.engine, config.agent.provider, config.agent.name) == ("auto", "demo", "Nano")
    assert (config.retry.most_tries, config.retry.most_attempts) == (5, 8)
    assert config.patience.keep_warm == timedelta(minutes=30)


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    assert loaded(tmp_path, "") == Config(home=tmp_path)


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        """
        [sandbox]
        engine = "bubblewrap"
        keep_warm_minutes = 2
        [agent]
        timezone = "Europe/Vienna"
        [retry]
        first_pause_seconds = 0.5
        most_tries = 1
        """,
    )
    assert (config.sandbox.engine, config.patience.keep_warm) == ("bubblewrap", timedelta(minutes=2))
    assert (config.agent.timezone, config.agent.name) == ("Europe/Vienna", "Nano")
    assert (config.retry.first_pause_seconds, config.retry.most_tries) == (0.5, 1)
    assert config.retry.most_attempts == 8


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[sandbox", "is not TOML"),
        (b"\xff\xfe", "is not TOML"),
        ("color = 1", "'color' is no setting: there are sandbox, mounts, agent, web, "),
        ("[sandbox]\nengin = 1", "'engin' is no setting: did you mean engine[?] @ .sandbox"),
        ("[mail]\nengin = 1\nx = 2", "'engin' is no setting: there are .*; 'x' is no setting: there are .* @ .mail"),
        ('[onecli]\nurl = "localhost:10254"', "url: has to begin with http"),
        ('[onecli]\nproject = "a b"', "project: not one word"),
        ('[metrics]\naddress = "0.0.0.0"', "'0.0.0.0' is no address that this machine alone reaches"),
        ('[metrics]\naddress = "192.168.1.7"', "no address that this machine alone reaches"),
        ('[metrics]\naddress = "localhost"', "no address that this machine alone reaches"),
        ("sandbox = 3", "@ .sandbox"),
        ("[[sandbox]]\nengine = 'auto'", "@ .sandbox"),
        ("[agent]\nname = 7", "expected str @ .agent.name"),
        ("[sandbox]\nkeep_warm_minutes = '3'", "expected float @ .sandbox.keep_warm_minutes"),
        ("[sandbox]\nkeep_warm_minutes = true", "expected float @ .sandbox.keep_warm_minutes"),
        ("[sandbox]\nkeep_warm_minutes = -1", "'keep_warm_minutes' must be >= 0"),
        ("[sandbox]\nkeep_warm_minutes = nan", "'keep_warm_minutes' must be >= 0"),
        ("[sandbox]\nkeep_warm_minutes = inf", "'keep_warm_minutes' must be <= "),
        ("[retry]\nmost_tries = 0", "'most_tries' must be >= 1: 0 @ .retry"),
        ("[retry]\nmost_tries = 1.0", "expected int @ .retry.most_tries"),
        ("[retry]\nmost_tries = true", "expected int @ .retry.most_tries"),
        ("[retry]\nmost_attempts = 1001", "'most_attempts' must be <= "),
        ("[retry]\nfirst_pause_seconds = 1e300", "'first_pause_seconds' must be <= "),
        ("[retry]\ndelivery_pause_seconds = 0", "'delivery_pause_seconds' must be > 0"),
        ("home = '/elsewhere'", "home cannot be set"),
    ],
)
def test_what_makes_no_sense_is_refused_with_file_and_place(tmp_path: Path, text: str | bytes, why: str) -> None:
    with pytest.raises(UsageError, match=why) as refused:
        loaded(tmp_path, text)
    assert str(tmp_path / "nanoclaw.toml") in str(refused.value)


def test_everything_wrong_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        loaded(tmp_path, "[agent]\nname = 1\nprovider = 2\n[sandbox]\nengine = 3")
    assert all(name in str(refused.value) for name in (".agent.name", ".agent.provider", ".sandbox.engine"))


VALUES = st.sampled_from(["1", "-1", "1e400", "nan", "true", "'x'", "''", "[]", "[1]", "{}", "{a=1}", "1979-05-27"])
KEYS = st.sampled_from(["engine", "keep_warm_minutes", "name", "most_tries", "first_pause_seconds", "x", "home"])
TABLES = st.sampled_from(["[sandbox]", "[agent]", "[retry]", "[home]", "[[retry]]", "[sandbox.engine]", "[x]", ""])
LINES = st.lists(TABLES | st.tuples(KEYS, VALUES).map(" = ".join), max_size=5).map("\n".join)


@given(LINES | st.text(max_size=30))
def test_any_file_is_settings_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    home = tmp_path_factory.getbasetemp() / "any-config"
    home.mkdir(exist_ok=True)
    try:
        config = loaded(home, text.encode("utf-8", "surrogatepass"))
    except UsageError:
        return
    assert config.home == home
    assert config.patience.keep_warm >= timedelta(0)
    assert timedelta(seconds=config.retry.first_pause_seconds) >= timedelta(0)


def test_everything_of_a_home_lies_in_it(tmp_path: Path) -> None:
    config = Config(home=tmp_path)
    places = [config.database, config.run_folder, config.chat_socket, config.admin_socket, config.log_file]
    assert [str(place.relative_to(tmp_path)) for place in places] == [
        "nanoclaw.db",
        "run",
        "run/cli.sock",
        "run/admin.sock",
        "logs/nanoclaw.log",
    ]


def test_the_home_is_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for value, home in [("", ".nanoclaw"), ("~/there", "there"), (str(tmp_path / "a" / ".." / "b"), "b")]:
        monkeypatch.setenv("NANOCLAW_HOME", value)
        assert home_folder() == (tmp_path / home).resolve()
    monkeypatch.delenv("NANOCLAW_HOME")
    assert home_folder() == (tmp_path / ".nanoclaw").resolve()
