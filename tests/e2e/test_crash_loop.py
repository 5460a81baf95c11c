"""A host that was killed three times within the hour waits before it starts, says so, and can be told not to."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from nanoclaw.config import HOME_VARIABLE
from schema.times import write_time
from tests.support.host import NO_PAGE


def a_host(home: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "nanoclaw", "up", *options],
        env={HOME_VARIABLE: str(home), "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        text=True,
    )


def said_until(host: subprocess.Popen[str], words: str) -> str:
    """What it says, up to a line with *words* in it."""
    assert host.stdout is not None
    said = ""
    for line in host.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(said)


def test_a_host_that_keeps_dying_waits_and_says_so(home: Path) -> None:
    (home / "run").mkdir(parents=True)
    (home / "nanoclaw.toml").write_text(f'[sandbox]\nengine = "process"\n{NO_PAGE}')
    note = home / "run" / "starts.json"
    note.write_text(json.dumps({"attempt": 6, "at": write_time(datetime.now(UTC))}))
    with a_host(home) as host:
        assert "starts in 900 s" in said_until(host, "no-pause")
        host.send_signal(signal.SIGINT)
        assert host.wait(60) == 0
    note.write_text(json.dumps({"attempt": 6, "at": write_time(datetime.now(UTC))}))
    with a_host(home, "--no-pause") as host:
        said_until(host, "is up in")
        assert json.loads(note.read_text())["attempt"] == 7
        host.send_signal(signal.SIGINT)
        assert host.wait(60) == 0
    assert not note.exists()
