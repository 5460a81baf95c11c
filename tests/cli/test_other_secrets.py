"""`nanoclaw secrets` for hosts that agents ask: typed, listed with where it goes, tried there, and never shown."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nanoclaw.cli.main import cli
from nanoclaw.errors import UsageError
from nanoclaw.gateway import dial
from nanoclaw.gateway.other_secrets import OtherSecrets
from nanoclaw.model.bindings import Asks, Binding
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.store import bindings
from tests.backups.home import opened
from tests.cli.checked_home import healthy
from tests.support.central import NOW
from tests.support.tls_server import NEAR, tls_server

VALUE = "sesame-of-the-api"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with an agent."""
    monkeypatch.setenv("NANOCLAW_HOME", str(tmp_path / "home"))
    healthy(tmp_path)
    return tmp_path / "home"


@pytest.fixture
def port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Of a host that this machine trusts."""
    with tls_server() as (port, ca):
        (tmp_path / "ca.pem").write_text(ca)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        dial._trusted.cache_clear()
        yield port
    dial._trusted.cache_clear()


def run(*arguments: str, typed: str = "") -> Result:
    """The command line; what it refuses is raised."""
    return CliRunner(env={"COLUMNS": "200"}).invoke(cli, ["secrets", *arguments], input=typed, catch_exceptions=False)


def bind(home: Path, place: str) -> None:
    with opened(home) as world:
        made = Binding(
            agent_group_id=AgentGroupId("agt-nano"),
            name="api",
            secret="API_TOKEN",  # noqa: S106 - its name
            place=place,
            header="X-Key",
            template="{}",
            asks=Asks.NEVER,
            near=True,
            added_at=NOW,
        )
        bindings.bind(world.conn, made)


def test_a_secret_is_typed_listed_tried_and_forgotten_and_never_shown(home: Path, port: int) -> None:
    kept = run("set", "API_TOKEN", typed=f"{VALUE}\n")
    assert "nanoclaw secrets bind API_TOKEN" in kept.output
    assert stat.S_IMODE(OtherSecrets(home).path.stat().st_mode) == 0o600
    assert OtherSecrets(home).value_of("API_TOKEN") == VALUE
    assert "nothing yet" in run("list").output
    bind(home, f"{NEAR}:{port}")
    listed = run("list")
    assert f"{NEAR}:{port}" in listed.output
    tried = run("test", "API_TOKEN")
    assert (tried.exit_code, f"✓ {NEAR}:{port}" in tried.output) == (0, True), tried.output
    bind(home, "127.0.0.9:1")
    failed = run("test", "API_TOKEN")
    assert (failed.exit_code, "it cannot be reached: nobody takes" in failed.output) == (1, True), failed.output
    gone = run("remove", "API_TOKEN")
    assert "refused until it is set again" in gone.output
    assert not [one for one in (kept, listed, tried, failed, gone) if VALUE in one.output]


def test_what_is_no_secret_changes_nothing(home: Path) -> None:
    for typed in ("", "two\nlines", "é"):
        with pytest.raises(UsageError, match="no secret for a header"):
            run("set", "API_TOKEN", typed=typed)
    with pytest.raises(UsageError, match="--url is for anthropic and onecli"):
        run("set", "API_TOKEN", "--url", "https://x.example", typed=VALUE)
    assert run("set", "API_TOKEN", VALUE).exit_code == 2
    for action in ("test", "remove"):
        with pytest.raises(UsageError, match="there is no secret API_TOKEN"):
            run(action, "API_TOKEN")
    assert not OtherSecrets(home).path.exists()


def test_a_path_that_cannot_be_asked_for_and_a_file_that_cannot_be_written_are_said_to_be(home: Path) -> None:
    run("set", "API_TOKEN", typed=VALUE)
    bind(home, "127.0.0.9:1")
    for path in ("user", "/a b", "", "/\u00e9"):
        with pytest.raises(UsageError, match=r"--path: .*a path begins with /"):
            run("test", "API_TOKEN", "--path", path)
    OtherSecrets(home).path.with_suffix(".new").mkdir()
    with pytest.raises(UsageError, match=r"others\.json cannot be written"):
        run("remove", "API_TOKEN")
    assert OtherSecrets(home).value_of("API_TOKEN") == VALUE
