"""`nanoclaw top`: the whole house on one screen, as it goes on, until somebody has seen enough."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import sys
import termios
import tty
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import define, evolve, field
from rich.console import Console
from rich.live import Live

from nanoclaw.cli.client import NotRunningError, ask
from nanoclaw.cli.top_screen import AROUND, screen
from nanoclaw.cli.top_state import State, press, rows_of
from nanoclaw.config import Config
from nanoclaw.errors import UsageError

EVERY_SECONDS = 1.0
MOST_KEYS = 1_024
_KEY = re.compile(rb"\x1b\[[0-9;]*[A-Za-z~]|\x1bO[A-Z]|[\x00-\x7f]|[\xc2-\xf4][\x80-\xbf]+|.", re.DOTALL)
NAMES = {
    b"\x1b[A": "up",
    b"\x1b[B": "down",
    b"\x1b[C": "right",
    b"\x1b[D": "left",
    b"\x1bOA": "up",
    b"\x1bOB": "down",
    b"\x1bOC": "right",
    b"\x1bOD": "left",
    b"\x1b[5~": "pageup",
    b"\x1b[6~": "pagedown",
    b"\x1b[H": "home",
    b"\x1b[F": "end",
    b"\x1b[1~": "home",
    b"\x1b[4~": "end",
    b"\x1b": "escape",
    b"\r": "enter",
    b"\n": "enter",
    b"\t": "tab",
    b"\x7f": "backspace",
    b"\x08": "backspace",
    b"\x03": "ctrl-c",
    b"\x04": "ctrl-d",
}


def run(config: Config) -> None:
    """Show it until `q`.

    Raises:
      NotRunningError: no host runs. One that ends meanwhile is said to on the screen, and asked again.
      UsageError: there is no terminal to show it on.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("nanoclaw top needs a terminal; nanoclaw console sessions prints the same once")
    top = _Top(config)
    top.ask(first=True)
    console = Console(highlight=False)
    with _raw(sys.stdin.fileno()), _woken() as wakes, Live(console=console, screen=True, auto_refresh=False) as live:
        while not top.state.over:
            size = console.size
            top.state = evolve(top.state, page=max(1, size.height - AROUND))
            live.update(screen(top.state, top.overview, top.trouble, size.width, size.height), refresh=True)
            ready, _, _ = select.select([sys.stdin, wakes], [], [], EVERY_SECONDS)
            if wakes in ready and _ended(os.read(wakes, MOST_KEYS)):
                return
            if sys.stdin in ready:
                data = os.read(sys.stdin.fileno(), MOST_KEYS)
                if not data:
                    return
                for key in keys(data):
                    top.state = press(top.state, key, rows_of(top.state, top.overview))
            elif not ready:
                top.ask()


@define(eq=False)
class _Top:
    _config: Config
    state: State = field(factory=State, init=False)
    overview: Mapping[str, Any] = field(factory=dict[str, Any], init=False)
    trouble: str = field(default="", init=False)

    def ask(self, *, first: bool = False) -> None:
        """Look again; what cannot be seen just now is said."""
        try:
            self.overview, self.trouble = ask(self._config.console_socket, "overview"), ""
        except NotRunningError:
            if first:
                raise
            self.trouble = "nanoclaw is not running any more: this is how it was"
        except UsageError as exc:
            if first:
                raise
            self.trouble = str(exc)


def keys(data: bytes) -> Iterator[str]:
    """The keys that a terminal says were pressed."""
    for found in _KEY.findall(data):
        name = NAMES.get(found, "")
        if not name:
            with contextlib.suppress(UnicodeDecodeError):
                name = found.decode()
        if name:
            yield name


@contextlib.contextmanager
def _raw(terminal: int) -> Iterator[None]:
    """Keys come one by one, unseen and without signals; afterwards the terminal is as it was."""
    before = termios.tcgetattr(terminal)
    try:
        tty.setcbreak(terminal)
        now = termios.tcgetattr(terminal)
        now[3] &= ~termios.ISIG
        termios.tcsetattr(terminal, termios.TCSADRAIN, now)
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


@contextlib.contextmanager
def _woken() -> Iterator[int]:
    """A pipe that says the numbers of the signals that come: a new size, or that this is to end."""
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    watched = (signal.SIGWINCH, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)

    def note(number: int, _: object) -> None:
        # A pipe that is full says enough already.
        with contextlib.suppress(BlockingIOError):
            os.write(writes, bytes([number]))

    old = {number: signal.signal(number, note) for number in watched}
    try:
        yield reads
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
        os.close(reads)
        os.close(writes)


def _ended(numbers: bytes) -> bool:
    return any(number != signal.SIGWINCH for number in numbers)
