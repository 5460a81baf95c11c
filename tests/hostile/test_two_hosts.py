"""Two hosts on one home, two homes on one daemon, signals in a storm."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from nanoclaw.cli.client import is_open
from nanoclaw.core.sandbox_spec import INSTALL_LABEL, SESSION_LABEL
from tests.conftest import Figures
from tests.hostile.conftest import BuildTown
from tests.hostile.residents import Evil
from tests.hostile.town import Town, until
from tests.support.docker_engine import TEST_IMAGE

SECONDS = 10
TRIES = 5
STOP_SECONDS = 10.0
IN_USE = 75


def at_once(pid: int, *numbers: signal.Signals) -> None:
    """Signal it in the same moment: while it deals with one, as fast as it may, the next is there already."""
    for number in (signal.SIGSTOP, *numbers, signal.SIGCONT):
        os.kill(pid, number)


def second_host(there: Town, trace: Path) -> tuple[int, str, str]:
    """Start a second host on the home: its exit code, what it said, and whom it talked to."""
    command = ["strace", "-f", "--seccomp-bpf", "-e", "trace=connect,unlink,rename", "-o", str(trace)]
    done = subprocess.run(
        [*command, sys.executable, "-m", "nanoclaw", "up"],
        env={**os.environ, "NANOCLAW_HOME": str(there.home)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr, trace.read_text()


def test_a_second_host_leaves_the_home_and_its_sandboxes_alone_and_says_whose_it_is(
    build_town: BuildTown, tmp_path: Path, figures: Figures
) -> None:
    """AT-39: also while the first is stopped by a signal. Another install's container is nobody's business."""
    with build_town(rooms=["room"]) as there:
        client = there.client()
        labels = {INSTALL_LABEL: "home-of-somebody-else", SESSION_LABEL: there.neighbours[0].room}
        other = client.containers.run(
            TEST_IMAGE, ["sleep", "1000"], labels=labels, detach=True, network_mode="none", remove=True
        )
        try:
            before = {container.id for container in there.containers()}
            for number in range(TRIES):
                if number == TRIES - 1:
                    for neighbour in there.neighbours:
                        neighbour.excused = True
                    os.kill(there.host.pid, signal.SIGSTOP)
                code, said, trace = second_host(there, tmp_path / str(number))
                assert code == IN_USE, said
                assert f"process {there.host.pid}" in said
                assert "docker.sock" not in trace
                assert str(there.home) not in "".join(line for line in trace.splitlines() if "connect" not in line)
            os.kill(there.host.pid, signal.SIGCONT)
            for neighbour in there.neighbours:
                neighbour.await_calm()
            assert {container.id for container in there.containers()} == before
            there.say("room")
            there.await_answer("room")
            there.restart_host()
            other.reload()
            assert other.status == "running"
        finally:
            other.remove(force=True)
            client.close()
        figures(second_hosts=TRIES)


def test_a_storm_of_signals_ends_the_host_soon_and_the_next_one_clears_up(build_town: BuildTown) -> None:
    """AT-39: busy agents, one of which does not heed SIGTERM. Two signals hurry, a third leaves all as a power cut."""
    with build_town(
        Evil(name="evil", attack="at_21_forged_life", words=("/etc/shadow",), epochs=2), rooms=["room"]
    ) as there:
        for storm in (2, 20):
            there.say("room", storm, text="wait 60")
            there.say("evil", storm)
            there.await_report("evil")
            until(lambda: there.rows("SELECT 1 FROM inbound WHERE claimed_epoch IS NOT NULL"))
            for neighbour in there.neighbours:
                neighbour.excused = True
            begin = time.monotonic()
            os.kill(there.host.pid, signal.SIGTERM)
            until(lambda: not is_open(there.home / "run" / "cli.sock"), what=lambda: "it does not drain")
            if storm > 2:
                at_once(there.host.pid, signal.SIGINT, signal.SIGTERM)
            for _ in range(storm - 2):
                os.kill(there.host.pid, signal.SIGTERM)
                time.sleep(0.05)
            code, _ = there.host.stop(signal.SIGTERM)
            assert time.monotonic() - begin < STOP_SECONDS
            assert code == (0 if storm == 2 else 1)
            (there.home / "groups" / "evil" / "report.json").unlink(missing_ok=True)
            there.host.start()
            for neighbour in there.neighbours:
                neighbour.await_calm()
        # Whoever was left alive by the third signal, the next host has taken over.
        for room in ("evil", "room"):
            assert there.host.cli("groups", "restart", room).returncode == 0
        until(lambda: there.answers("evil", 20) == 1, what=lambda: there.endings("evil"))
