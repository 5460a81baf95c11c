"""The recording of the documentation: `tree`, `top` and `why` at a host in which sessions are stuck.

`python -m tests.bench.recording FOLDER` writes `stuck.cast`, which asciinema plays, and `top.svg`, a picture.
"""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

from rich.console import Console

from nanoclaw.cli.client import ask
from nanoclaw.cli.top_screen import screen
from nanoclaw.cli.top_state import State
from tests.support.host import HostProcess
from tests.support.stuck_host import stuck_host

COLUMNS, LINES = 110, 30
PROMPT = "\x1b[1;32m$\x1b[0m "
Said = tuple[float, str]
"""When, in seconds, and what the terminal was told."""


def record(host: HostProcess, words: Sequence[str], keys: Sequence[tuple[float, str]]) -> list[Said]:
    """Run a command on a terminal, press *keys* after as many seconds each, and keep what it prints."""
    terminal, inside = pty.openpty()
    termios.tcsetwinsize(terminal, (LINES, COLUMNS))
    environment = {**os.environ, "NANOCLAW_HOME": str(host.home), "TERM": "xterm-256color", "COLUMNS": str(COLUMNS)}
    command = [sys.executable, "-m", "nanoclaw", *words]
    process = subprocess.Popen(command, env=environment, stdin=inside, stdout=inside, stderr=inside)
    os.close(inside)
    began, said = time.monotonic(), [(0.0, f"{PROMPT}nanoclaw {' '.join(words)}\r\n")]
    waiting = list(keys)
    while True:
        now = time.monotonic() - began
        if waiting and now >= waiting[0][0]:
            os.write(terminal, waiting.pop(0)[1].encode())
        if select.select([terminal], [], [], 0.05)[0]:
            try:
                data = os.read(terminal, 65_536)
            except OSError:
                break
            if not data:
                break
            said.append((now, data.decode(errors="replace")))
    process.wait()
    os.close(terminal)
    return said


def main(folder: Path) -> None:
    """Record it."""
    steps: list[tuple[Sequence[str], Sequence[tuple[float, str]]]] = [
        (["tree", "sessions"], ()),
        (
            ["top"],
            [(3, "\x1b[B"), (3.6, "\x1b[B"), (4.2, "\x1b[B"), (5, "\r"), (8, "\x1b"), (9, "3"), (11, "4"), (13, "q")],
        ),
        (["why", "ses-killed"], ()),
    ]
    head = {"version": 2, "width": COLUMNS, "height": LINES, "title": "A house with troubles"}
    lines, at = [json.dumps(head)], 0.0
    with tempfile.TemporaryDirectory(prefix="nc-") as scratch, stuck_host(Path(scratch, "home"), sessions=60) as host:
        for words, keys in steps:
            said = record(host, words, keys)
            lines += [json.dumps([round(at + when, 3), "o", text]) for when, text in said]
            at += said[-1][0] + 3
        overview = ask(host.home / "run" / "console.sock", "overview")
    # The home was made for this alone: it is shown under a name as long, so that all stays in its place.
    cast = "\n".join(lines).replace(scratch, "/home/ada".ljust(len(scratch), "a"))
    (folder / "stuck.cast").write_text(cast + "\n")
    console = Console(record=True, width=COLUMNS, height=LINES, file=StringIO(), force_terminal=True)
    console.print(screen(State(selected=3), overview, "", COLUMNS, LINES))
    picture = console.export_svg(title="nanoclaw top")
    # A picture asks nobody for letters.
    (folder / "top.svg").write_text(re.sub(r"@font-face {.*?}\s*", "", picture, flags=re.DOTALL))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
