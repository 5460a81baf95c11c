"""A person types, an agent in a sandbox answers: through real processes, under every engine."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from tests.support.engines import walls
from tests.support.host import HostProcess, running_host, until
from tests.support.truth import rows

WAITING = "SELECT 1 FROM ledger WHERE state = 'pending'"
"""Replies that nobody was there for."""
AT_WORK = "SELECT 1 FROM inbound WHERE claimed_epoch IS NOT NULL"


def settings(engine: str) -> str:
    return f"[sandbox]\n{walls(engine)}[retry]\nfirst_pause_seconds = 0.05\n"


def test_hello_is_answered(home: Path, engine: str) -> None:
    with running_host(home, settings(engine)) as host:
        said = host.cli("chat", "hello")
        assert said.returncode == 0, said
        assert "hello" in said.stdout.lower()
        code, printed = host.stop()
        assert code == 0
        assert engine in printed
    assert host.cli("verify").returncode == 0


def test_a_chat_may_get_several_answers_and_later_ones(home: Path) -> None:
    with running_host(home, settings("process")) as host:
        said = host.cli("chat", "say 3 ahoy")
        assert said.returncode == 0, said
        assert said.stdout.lower().count("ahoy") == 3
        assert "help" not in said.stdout
        assert host.cli("chat", "help").stdout.count("\n") > 5


def test_without_a_host_the_chat_says_how_to_start_one(home: Path) -> None:
    said = HostProcess(home).cli("chat", "hello")
    assert said.returncode == 2
    assert "nanoclaw up" in said.stderr


def test_a_reply_that_takes_too_long_is_there_later(home: Path) -> None:
    with running_host(home, settings("process")) as host:
        said = host.cli("chat", "--wait", "0.1", "wait 3")
        assert said.returncode == 3, said
        until(lambda: rows(home, WAITING))
        later = host.cli("chat", "hello")
        assert later.returncode == 0
        assert "(earlier)" in later.stderr


def test_ctrl_c_drains_within_ten_seconds_even_in_mid_turn(home: Path, engine: str) -> None:
    with running_host(home, settings(engine)) as host:
        host.cli("chat", "--wait", "0.1", "wait 60")
        until(lambda: rows(home, AT_WORK))
        start = time.monotonic()
        code, _ = host.stop(signal.SIGINT)
        assert code == 0
        assert time.monotonic() - start < 10
    assert host.cli("verify").returncode == 0
    host.start()
    assert json.loads(host.cli("status", "--json").stdout)["figures"]["waiting"] == 1
    host.stop()


def test_a_host_that_dies_in_mid_turn_answers_after_its_restart(home: Path, engine: str) -> None:
    with running_host(home, settings(engine)) as host:
        host.cli("chat", "--wait", "0.1", "wait 2")
        until(lambda: rows(home, AT_WORK))
        host.kill()
        assert host.cli("verify").returncode == 1, "an epoch is open and nobody owns it"
        host.start()
        until(lambda: rows(home, WAITING))
        said = host.cli("chat", "hello")
        assert said.returncode == 0
        assert said.stderr.count("(earlier)") == 1
        host.stop()
    assert host.cli("verify").returncode == 0


def test_a_message_that_kills_its_sandbox_each_time_fails_and_says_so(home: Path, engine: str) -> None:
    toml = settings(engine) + "most_tries = 2\n"
    with running_host(home, toml) as host:
        said = host.cli("chat", "crash")
        assert said.returncode == 0, said
        assert "could not answer" in said.stdout
        assert host.cli("chat", "hello").returncode == 0, "the session goes on with the next message"
        assert host.cli("verify").returncode == 0


def test_a_provider_that_fails_is_reported_to_the_chat(home: Path) -> None:
    with running_host(home, settings("process")) as host:
        said = host.cli("chat", "fail")
        assert said.returncode == 0, said
        assert "could not answer" in said.stdout


def test_clear_forgets_the_conversation_for_the_next_sandbox_as_well(home: Path) -> None:
    with running_host(home, settings("process")) as host:
        host.cli("chat", "hello")
        assert "This is turn 2" in host.cli("chat", "hello").stdout
        assert "I have forgotten our conversation" in host.cli("chat", "/clear").stdout
        host.stop()
        host.start()
        said = host.cli("chat", "hello")
        assert "I am Nano" in said.stdout
        assert "This is turn" not in said.stdout
    assert host.cli("verify").returncode == 0


def test_tree_and_status_show_what_runs(home: Path) -> None:
    with running_host(home, settings("process")) as host:
        host.cli("chat", "hello")
        tree = host.cli("tree")
        for name in ("store", "customs", "engine", "sessions", "ses-", "delivery", "channels", "terminal"):
            assert name in tree.stdout
        assert "process" in host.cli("status").stdout


def test_a_second_host_on_the_home_ends_with_75_and_says_who_holds_it(home: Path) -> None:
    with running_host(home, settings("process")) as host:
        # What changes meanwhile is the second one's doing.
        os.kill(host.pid, signal.SIGSTOP)
        try:
            before = {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file()}
            second = HostProcess(home).cli("up")
            assert second.returncode == 75
            assert f"process {host.pid}" in second.stderr
            assert before == {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file()}
        finally:
            os.kill(host.pid, signal.SIGCONT)


@pytest.mark.parametrize("text", ["[sandbox]\nengine = 3\n", "[sandbox]\nengin = 'process'\n", "[[["])
def test_settings_that_make_no_sense_are_refused_with_the_place(home: Path, text: str) -> None:
    home.mkdir()
    (home / "nanoclaw.toml").write_text(text)
    said = HostProcess(home).cli("up")
    assert said.returncode == 1
    assert "nanoclaw.toml" in said.stderr
    assert "Traceback" not in said.stderr


def test_run_brings_a_host_of_its_own_also_where_one_was_killed_and_takes_it_away_again(home: Path) -> None:
    with running_host(home, settings("process")) as host:
        host.kill()
    said = host.cli("run", typed="hello\n")
    assert said.returncode == 0, said
    assert "hello" in said.stdout
    assert host.cli("chat", "hello").returncode == 2
    assert host.cli("verify").returncode == 0
