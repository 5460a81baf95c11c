"""`nanoclaw top` on a real terminal: keys, a new size, its end, and what it leaves behind."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import define, field

from nanoclaw.cli import exits
from tests.support.host import running_host

SETTINGS = '[sandbox]\nengine = "process"\n'
SECONDS = 60.0
LEFT = "\x1b[?1049l"
"""What a terminal is told when the screen of before is wanted back."""


@define(eq=False)
class Screen:
    """A terminal with `nanoclaw top` in it."""

    process: subprocess.Popen[bytes]
    terminal: int
    said: str = field(default="", init=False)
    all: str = field(default="", init=False)

    def sees(self, text: str) -> None:
        """Wait for *text* among what is printed from now on."""
        end, self.said = time.monotonic() + SECONDS, ""
        while text not in self.said:
            left = end - time.monotonic()
            assert left > 0, (text, self.said)
            if select.select([self.terminal], [], [], left)[0]:
                more = os.read(self.terminal, 65_536).decode(errors="replace")
                self.said += more
                self.all += more

    def press(self, keys: str) -> None:
        """Press them."""
        os.write(self.terminal, keys.encode())

    def ends(self) -> int:
        """Its exit code, once it has left the terminal as it was."""
        self.sees(LEFT)
        assert "Warning" not in self.all, self.all
        return self.process.wait(SECONDS)


@contextmanager
def top(home: Path) -> Iterator[Screen]:
    """One, 30 lines by 120."""
    terminal, inside = pty.openpty()
    termios.tcsetwinsize(terminal, (30, 120))
    before = termios.tcgetattr(inside)
    environment = {**os.environ, "NANOCLAW_HOME": str(home), "TERM": "xterm-256color"}
    environment.pop("COLUMNS", None)
    command = [sys.executable, "-m", "nanoclaw", "top"]
    process = subprocess.Popen(
        command, env=environment, stdin=inside, stdout=inside, stderr=inside, start_new_session=True
    )
    try:
        yield Screen(process, terminal)
        assert termios.tcgetattr(inside) == before
    finally:
        process.kill()
        process.wait()
        os.close(inside)
        os.close(terminal)


def test_the_house_is_seen_on_a_terminal_that_is_left_whole(home: Path) -> None:
    with running_host(home, SETTINGS) as host:
        host.cli("chat", "--wait", "0.1", "wait 30")
        with top(home) as screen:
            screen.sees("1 sessions 1")
            screen.press("2")
            screen.sees("message")
            screen.press("1\r")
            screen.sees("progress")
            termios.tcsetwinsize(screen.terminal, (20, 70))
            screen.process.send_signal(signal.SIGWINCH)
            screen.sees("─" * 60 + "╮")
            assert "─" * 80 not in screen.said
            screen.press("\x1b4")
            screen.sees("terminal")
            host.kill()
            screen.sees("not running any more")
            assert "Warning" not in screen.all
            screen.press("q")
            assert screen.ends() == exits.OK
    with running_host(home) as host, top(home) as screen:
        screen.sees("1 sessions")
        screen.process.send_signal(signal.SIGTERM)
        assert screen.ends() == exits.OK
        without = host.cli("top")
        assert without.returncode == exits.REFUSED
        assert "needs a terminal; nanoclaw console sessions prints the same once" in without.stderr
