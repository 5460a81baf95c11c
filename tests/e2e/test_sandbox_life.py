"""A sandbox's life under every engine: paused and resumed, restarted with a word, killed in mid-turn."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import docker
import pytest

from nanoclaw.core.sandbox_spec import INSTALL_LABEL
from nanoclaw.sandboxes.child import children_of, processes_of
from schema import sqlite
from schema.sqlite import Journal, Synchronous
from tests.support.engines import walls
from tests.support.host import HostProcess, running_host, signal_each, until
from tests.support.truth import rows


def settings(engine: str, more: str = "") -> str:
    return f"[sandbox]\n{walls(engine)}{more}[retry]\nfirst_pause_seconds = 0.05\n"


def epochs(home: Path) -> list[tuple[int, str | None, str | None]]:
    """The number of each epoch, how it ended, and why."""
    found = rows(home, "SELECT number, ending, detail FROM epochs ORDER BY number")
    return [(int(str(row["number"])), _text(row["ending"]), _text(row["detail"])) for row in found]


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def signal_the_agent(home: Path, engine: str, number: signal.Signals) -> None:
    """Signal the agent's own processes from outside, as the kernel does when memory runs out."""
    signal_each(agent_pids(home, engine), number)


def agent_pids(home: Path, engine: str) -> list[int]:
    """The processes of the one sandbox, on this machine: what the engine started, and all below it."""
    if engine == "docker":
        (install,) = rows(home, "SELECT install_id FROM home")
        client = docker.from_env()
        ours: dict[str, str | list[str] | bool] = {"label": f"{INSTALL_LABEL}={install['install_id']}"}
        until(lambda: client.containers.list(filters=ours))
        (container,) = client.containers.list(filters=ours)
        container.reload()
        found = [int(container.attrs["State"]["Pid"])]
        client.close()
    else:
        (out,) = home.glob("sessions/*/*/out/*")
        found = processes_of(out)
    for pid in found:
        found += [child for child in children_of(pid) if child not in found]
    return found


def is_paused(host: HostProcess) -> bool:
    return "0 claimed, paused" in " ".join(host.cli("tree").stdout.split())


def test_an_idle_sandbox_is_paused_and_a_message_lets_it_go_on(home: Path, engine: str) -> None:
    with running_host(home, settings(engine, "pause_after_minutes = 0.01\n")) as host:
        assert host.cli("chat", "hello").returncode == 0
        until(lambda: is_paused(host))
        assert "process: paused" in host.cli("tree").stdout
        assert "1 paused" in host.cli("status").stdout
        again = host.cli("chat", "hello")
        assert again.returncode == 0, again
        assert "turn 2" in again.stdout, "it is the same agent, which was never away"
        until(lambda: is_paused(host))
        assert [number for number, _, _ in epochs(home)] == [1]
        assert host.stop()[0] == 0
    assert [ending for _, ending, _ in epochs(home)] == ["stopped"]
    assert host.cli("verify").returncode == 0


def test_a_restarted_agent_is_told_why_and_what_it_was_at_is_taken_up(home: Path, engine: str) -> None:
    with running_host(home, settings(engine)) as host:
        assert host.cli("chat", "hello").returncode == 0
        said = host.cli("groups", "restart", "Nano", "--message", "there is a new tool")
        assert said.returncode == 0, said
        assert "restarting Nano: its sandbox ends" in said.stdout
        until(lambda: rows(home, "SELECT 1 FROM inbound WHERE from_epoch = 2 AND status = 'completed'"))
        heard = host.cli("chat", "hello")
        assert "I have been restarted, and was told: “there is a new tool”." in heard.stderr
        host.cli("chat", "--wait", "0.2", "wait 8")
        until(lambda: rows(home, "SELECT 1 FROM inbound WHERE claimed_epoch = 2"))
        assert host.cli("groups", "restart", "Nano").returncode == 0
        until(lambda: len(epochs(home)) == 3)
        last = host.cli("chat", "hello")
        assert last.returncode == 0
        assert (last.stderr + last.stdout).count("I waited 8 s") == 1, "what was cut short was taken again, once"
        assert epochs(home)[:2] == [(n, "stopped", "its agent group was told to restart") for n in (1, 2)]
    assert host.cli("verify").returncode == 0


def test_a_message_whose_sandbox_was_killed_in_mid_turn_is_answered_by_the_next(home: Path, engine: str) -> None:
    with running_host(home, settings(engine)) as host:
        host.cli("chat", "--wait", "0.2", "wait 8")
        until(lambda: rows(home, "SELECT 1 FROM inbound WHERE claimed_epoch = 1"))
        signal_the_agent(home, engine, signal.SIGKILL)
        until(lambda: epochs(home)[0][1] == "exited")
        answered = host.cli("chat", "hello")
        assert answered.returncode == 0
        assert (answered.stderr + answered.stdout).count("I waited 8 s") == 1
        assert epochs(home)[0] == (1, "exited", "signal 9")
    assert host.cli("verify").returncode == 0


@pytest.mark.timeout(150)
def test_a_sandbox_that_stands_still_in_mid_turn_is_ended_and_its_message_is_answered(home: Path, engine: str) -> None:
    # Fewer than the tool declares: what is honest has so long to show life, on a machine that is busy with others.
    patience = "[supervision]\nclaim_seconds = 7\nsilence_minutes = 0.115\n"
    with running_host(home, settings(engine) + patience) as host:
        host.cli("chat", "--wait", "0.2", "wait 8")
        until(lambda: "tool wait (says it needs 8 s)" in " ".join(host.cli("tree").stdout.split()))
        signal_the_agent(home, engine, signal.SIGSTOP)
        until(lambda: epochs(home)[0][1] == "killed")
        assert "(8 s allowed)" in str(epochs(home)[0][2]), "the tool declared as much"
        until(lambda: "I waited 8 s" in host.cli("chat", "hello").stderr)
        assert len(epochs(home)) == 2, "the second one, which worked as long, was left alone"
    assert host.cli("verify").returncode == 0


@pytest.mark.docker
@pytest.mark.parametrize("engine", ["docker"], indirect=True)
def test_a_sandbox_that_outlives_its_host_is_taken_over_by_the_next(home: Path, engine: str) -> None:
    with running_host(home, settings(engine)) as host:
        assert host.cli("chat", "hello").returncode == 0
        host.cli("chat", "--wait", "0.2", "wait 8")
        until(lambda: rows(home, "SELECT 1 FROM inbound WHERE claimed_epoch = 1"))
        host.kill()
        host.start()
        until(lambda: "I waited 8 s" in host.cli("chat", "hello").stderr)
        assert [(number, ending) for number, ending, _ in epochs(home)] == [(1, None)], "one life, two hosts"
    assert host.cli("verify").returncode == 0


@pytest.mark.docker
@pytest.mark.parametrize("engine", ["docker"], indirect=True)
def test_a_host_that_dies_while_it_shows_something_takes_no_sandbox_with_it(home: Path, engine: str) -> None:
    with running_host(home, settings(engine)) as host:
        assert host.cli("chat", "hello").returncode == 0
        host.kill()
        (inbound,) = home.glob("sessions/*/*/in/inbound.db")
        (heartbeat,) = home.glob("sessions/*/*/out/1/heartbeat")
        leave_half_a_commit(inbound)
        # It beats once a second, unless it has seen what was left.
        until(lambda: time.time() - heartbeat.stat().st_mtime > 2)
        host.start()
        assert "turn 2" in host.cli("chat", "hello").stdout
        assert [(number, ending) for number, ending, _ in epochs(home)] == [(1, None)]
    assert host.cli("verify").returncode == 0


def leave_half_a_commit(inbound: Path) -> None:
    """Have beside *inbound* what SQLite leaves there if its process is killed in the middle of a commit."""
    journal = inbound.with_name(f"{inbound.name}-journal")
    conn = sqlite.open_read_write(inbound, Journal.DELETE, Synchronous.OFF)
    sqlite.execute(conn, "BEGIN IMMEDIATE; UPDATE meta SET seq_floor = seq_floor + 1")
    left = journal.read_bytes()
    sqlite.execute(conn, "ROLLBACK")
    conn.close()
    journal.write_bytes(left)
