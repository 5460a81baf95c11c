"""The gateway's process is tied to its host before it does anything else, and ends in good order where it can."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from nanoclaw.gateway import life
from nanoclaw.gateway.process import GatewayProcess
from nanoclaw.kit.spawner import Command, Program, Spawner, start_program
from nanoclaw.kit.tree import TreeNode

SECONDS = 30
TIED = (
    "import os, sys; from nanoclaw.gateway.start import confine;"
    "confine(int(sys.argv[1])); print(os.getpid(), flush=True)"
)
HOST = f"""
import os, subprocess, sys
subprocess.run([sys.executable, "-I", "-c", {TIED + "; sys.stdin.read()"!r}, str(os.getpid())])
"""


def test_what_ties_it_to_its_host_imports_nothing_that_takes_long() -> None:
    asked = "import sys, nanoclaw.gateway.start; print(*{name.partition('.')[0] for name in sys.modules})"
    found = subprocess.run([sys.executable, "-I", "-c", asked], capture_output=True, text=True, check=True)
    assert not {"trio", "attr", "attrs", "cattrs", "structlog", "h11", "ssl"} & set(found.stdout.split())


def test_one_that_is_stopped_before_it_has_imported_the_rest_ends_with_a_host_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", HOST], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as host:
        assert host.stdout is not None
        pid = int(host.stdout.readline())
        gone = os.pidfd_open(pid)
        try:
            os.kill(pid, signal.SIGSTOP)
            host.kill()
            assert select.select([gone], [], [], SECONDS)[0], "it outlives its host"
        finally:
            os.close(gone)


def test_one_whose_host_has_gone_already_ends_at_once() -> None:
    words = [sys.executable, "-I", "-c", TIED, str(os.getppid())]
    found = subprocess.run(words, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert (found.returncode, found.stdout, found.stderr) == (1, "", "the host has gone\n")


@pytest.mark.parametrize("hangs", [False, True])
async def test_a_host_that_stops_asks_it_to_end_and_kills_one_that_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hangs: bool
) -> None:
    # On a busy machine one that ends takes its time; one that hangs is not waited for here.
    monkeypatch.setattr(life, "STOP_SECONDS", 0.1 if hangs else SECONDS)
    started: list[Program] = []

    def begin(command: Command) -> Program:
        started.append(start_program(command))
        return started[-1]

    node = TreeNode("gateway")
    async with trio.open_nursery() as nursery:
        await nursery.start(GatewayProcess(tmp_path, node, spawner=Spawner(begin)).run)
        with trio.fail_after(SECONDS):
            while not node.signals().get("process", "").isdecimal():  # noqa: ASYNC110 - of another process
                await trio.sleep(0.01)
        if hangs:
            os.kill(started[0].pid, signal.SIGSTOP)
        nursery.cancel_scope.cancel()
    assert [one.returncode for one in started] == [-signal.SIGKILL if hangs else 0]
