"""A real host in a process of its own, and the command line against it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from attrs import define, field

from nanoclaw.cli.client import is_open
from tests.support.warm import warm_process

START_SECONDS = 60.0
LOOK_SECONDS = 0.02
UNTIL_SECONDS = 120.0
"""Against what never comes; a test whose own time is over before fails by that."""
WIDTH = "1000"
"""Columns of a terminal so wide that no cell of a table is folded: what a test looks for is never in two lines."""
NO_PAGE = "\n[web]\nenabled = false\n"
"""What most homes of tests say at the end of their settings: a server for a page takes its time to start."""


@define(eq=False)
class HostProcess:
    """`nanoclaw up` on *home*."""

    home: Path
    cold: bool = field(default=False, kw_only=True)
    """Start everything as a user does, from an interpreter that has imported nothing."""
    _process: subprocess.Popen[str] | None = field(default=None, init=False)

    @property
    def pid(self) -> int:
        """The host's process id."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it takes chats."""
        self._process = self._command("up")
        end = time.monotonic() + START_SECONDS
        while not is_open(self.home / "run" / "cli.sock"):
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the host did not start: {self._process.communicate()}")
            time.sleep(LOOK_SECONDS)

    def stop(self, number: signal.Signals = signal.SIGINT, seconds: float = 60.0) -> tuple[int, str]:
        """Signal it and wait for its end; its exit code and what it printed."""
        assert self._process is not None
        self._process.send_signal(number)
        try:
            said, _ = self._process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            raise
        return self._process.returncode, said

    def kill(self) -> None:
        """End it as a power cut would; its sockets stay behind."""
        self.stop(signal.SIGKILL)

    def end(self) -> None:
        """End it if it still runs, whatever has gone wrong; in good order if it can, so that it leaves no sandbox."""
        if self._is_alive():
            with suppress(subprocess.TimeoutExpired):
                self.stop(signal.SIGTERM)

    def cli(
        self, *arguments: str, typed: str = "", seconds: float = 60.0, folder: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the command line against this home, with *typed* on its standard input; in *folder*, if there is one."""
        process = self._command(*arguments, folder=folder)
        try:
            out, err = process.communicate(typed, timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def _command(self, *arguments: str, folder: Path | None = None) -> subprocess.Popen[str]:
        environment = {**os.environ, "NANOCLAW_HOME": str(self.home), "COLUMNS": WIDTH, **self._variables()}
        words = self._words(arguments)
        if words is None:
            return warm_process(arguments, environment, folder)
        pipe = subprocess.PIPE
        return subprocess.Popen(words, env=environment, cwd=folder, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def _words(self, arguments: Sequence[str]) -> list[str] | None:
        """The program that stands in the place of `nanoclaw`, and all its words; None is `nanoclaw`, already warm."""
        return [sys.executable, "-m", "nanoclaw", *arguments] if self.cold else None

    def _variables(self) -> Mapping[str, str]:
        """More of its environment."""
        return {}

    def _is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None


@contextmanager
def running_host(home: Path, settings: str = "") -> Iterator[HostProcess]:
    """A started host, stopped at the end of the block if the test has not."""
    home.mkdir(exist_ok=True)
    if settings or not (home / "nanoclaw.toml").exists():
        (home / "nanoclaw.toml").write_text(settings if "[web]" in settings else f"{settings}{NO_PAGE}")
    host = HostProcess(home)
    host.start()
    try:
        yield host
    finally:
        if host._is_alive():
            host.stop()


def signal_each(pids: Iterable[int], number: signal.Signals) -> None:
    """Signal processes, of which some may end with those before them."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def until(true: Callable[[], object]) -> None:
    """Wait for what another process does."""
    end = time.monotonic() + UNTIL_SECONDS
    while not true():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(LOOK_SECONDS)
