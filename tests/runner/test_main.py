"""How the program starts, up to where the rest is imported."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.__main__ import UsageError, look, main, read_arguments
from schema import LINK_VERSION, sqlite
from schema.files import HEARTBEAT, INBOUND
from schema.sqlite import Journal, Synchronous, execute
from tests.runner.link import Link

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def this_process_stays_as_it_was(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """`main` changes the working directory and what SIGTERM does."""
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def arguments(link: Link, *more: str) -> list[str]:
    return ["--in", str(link.inside), "--out", str(link.out), "--agent", str(link.folder), *more]


def test_arguments_are_read_by_name() -> None:
    given = ["--in", "a", "--out", "b", "--agent", "c"]
    assert read_arguments(given) == {"--in": "a", "--out": "b", "--agent": "c"}
    more = ["--parent-pipe", *given, "--provider", "demo", "--container-json", "d"]
    assert read_arguments(more) == {
        **read_arguments(given),
        "--provider": "demo",
        "--container-json": "d",
        "--parent-pipe": "",
    }


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ([], "--in, --out, --agent must be given"),
        (["--in", "a", "--out", "b"], "--agent must be given"),
        (["--in"], "what is '--in'"),
        (["--inn", "a"], "what is '--inn'"),
        (["stray"], "what is 'stray'"),
    ],
)
def test_arguments_that_make_no_sense_are_refused_with_the_usage(given: list[str], why: str) -> None:
    with pytest.raises(UsageError, match=why) as refused:
        read_arguments(given)
    assert "usage: runner" in str(refused.value)


def test_the_first_look_is_stamped_before_anything_can_go_wrong_with_the_rest(
    link: Link, capsys: pytest.CaptureFixture[str]
) -> None:
    os.utime(link.out / HEARTBEAT, (1, 1))
    assert main(arguments(link, "--provider", "nobody", "--parent-pipe")) == 2
    assert (link.out / HEARTBEAT).stat().st_mtime > 1
    assert "no provider 'nobody'" in capsys.readouterr().err
    assert Path.cwd() == link.folder


def test_named_settings_are_read(link: Link, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments(link, "--container-json", str(link.folder / "missing.json"))) == 2
    assert "missing.json" in capsys.readouterr().err


def test_without_an_inbox_nothing_is_stamped(link: Link, capsys: pytest.CaptureFixture[str]) -> None:
    os.utime(link.out / HEARTBEAT, (1, 1))
    (link.inside / INBOUND).unlink()
    assert main(arguments(link)) == 2
    assert capsys.readouterr().err.startswith("runner: ")
    assert (link.out / HEARTBEAT).stat().st_mtime == 1


def test_the_arguments_of_the_process_are_those_that_count(
    link: Link, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["runner", *arguments(link, "--provider", "nobody")])
    assert main() == 2
    assert "nobody" in capsys.readouterr().err


def test_an_inbox_of_another_version_is_refused(tmp_path: Path) -> None:
    conn = sqlite.open_read_write(tmp_path / INBOUND, Journal.DELETE, Synchronous.OFF)
    execute(conn, f"PRAGMA user_version = {LINK_VERSION + 1}")
    conn.close()
    with pytest.raises(UsageError, match=f"version {LINK_VERSION + 1}"):
        look(tmp_path / INBOUND)


def test_the_first_look_waits_for_nothing_slow_to_import() -> None:
    program = "import sys, runner.__main__; print(*sys.modules, sep='\\n')"
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    slow = {"trio", "attr", "attrs", "cattrs", "json", "argparse", "logging", "asyncio", "schema.rows", "runner.model"}
    assert not slow & set(found.stdout.split())
