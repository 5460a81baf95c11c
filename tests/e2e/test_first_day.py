"""What docs/operations.md has a newcomer type on a first day comes to what it says, typed in two real terminals."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import define

ROOT = Path(__file__).parents[2]
PROMPT = "typed> "
SECONDS = 60.0
BLOCK = re.compile(r"^```sh( first)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
CTRL_C = "Press Ctrl-C in the first terminal."
SHOWN = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b\][^\x07]*\x07")


@define(eq=False)
class Terminal:
    """A shell in a terminal of its own."""

    _pid: int
    _fd: int

    def type(self, line: str, until: str = PROMPT) -> str:
        """Type a line; returns what is shown up to *until*."""
        os.write(self._fd, f"{line}\n".encode())
        return self.read(until)

    def read(self, until: str) -> str:
        """All that is shown until that is."""
        shown, end = "", time.monotonic() + SECONDS
        while time.monotonic() < end:
            words = " ".join(SHOWN.sub("", shown).split())
            if until.strip() in words:
                return words
            if select.select([self._fd], [], [], 0.2)[0]:
                shown += os.read(self._fd, 65_536).decode(errors="replace")
        raise AssertionError(f"{until!r} was not shown: {shown}")

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        os.write(self._fd, b"\x03")


@contextmanager
def terminal(home: Path) -> Iterator[Terminal]:
    """A shell in the repository, whose user's home is *home*."""
    bare = {
        "HOME": str(home),
        "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
    }
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.execve("/bin/bash", ["bash", "--norc", "--noediting", "-i"], bare)  # noqa: S606 - a shell is what is meant
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
    shell = Terminal(pid, fd)
    try:
        # Not spelt as it will be shown: what is typed is shown as well.
        shell.type('PS1=typed; PS1="$PS1> "')
        yield shell
    finally:
        os.write(fd, b"\x03\x04exit\n")
        os.close(fd)
        os.waitpid(pid, 0)


def section() -> str:
    """The first day, as the page has it."""
    text = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    return text.partition("## A first day\n")[2].partition("\n## ")[0]


def steps() -> Iterator[tuple[bool, str, str | None]]:
    """Whether it is the first terminal, the line, and what is to be shown; an empty line is Ctrl-C."""
    text = section()
    pressed = text.index(CTRL_C)
    for block in BLOCK.finditer(text):
        if block.start() > pressed:
            pressed = len(text)
            yield True, "", "nothing is lost"
        lines = block[2].splitlines()
        for line, after in zip(lines, [*lines[1:], ""], strict=True):
            if not line.startswith("# →"):
                yield block[1] is not None, line, after.removeprefix("# → ") if after.startswith("# →") else None


def test_the_page_is_read_as_it_is_meant() -> None:
    found = list(steps())
    assert found[0] == (False, "make setup", None)
    assert sum(shown is not None for _, _, shown in found) > 15
    assert ("", "nothing is lost") in {(line, shown) for _, line, shown in found}


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_a_first_day_goes_as_the_page_says(tmp_path: Path) -> None:
    home = tmp_path / "h"
    home.mkdir()
    with terminal(home) as first, terminal(home) as second:
        for is_first, line, shown in steps():
            if line == "make setup":
                continue
            if line.startswith("export "):
                first.type(line)
            shell = first if is_first else second
            if not line:
                shell.interrupt()
                said = shell.read(str(shown))
            else:
                said = shell.type(line, until=PROMPT if not is_first else str(shown))
            assert shown is None or " ".join(shown.split()) in said, line
        first.interrupt()
        first.read("nothing is lost")
