"""A day with Claude: tools, trouble at the model's, a fresh start and a stop in mid-turn, all in one sandbox."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.claude import introduce, settings
from tests.support.host import running_host, until
from tests.support.model_api import ModelApi
from tests.support.model_wire import BROKEN, OVERLOADED, says, uses
from tests.support.truth import rows

REST = ("tail", "-f", "/dev/null", "--pid=1")
"""Nobody else's on this machine."""
pytestmark = pytest.mark.timeout(240)


def runs(command: Sequence[str]) -> bool:
    """Is there a process of that command line on this machine?"""
    words = "".join(f"{word}\0" for word in command).encode()
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and (entry / "cmdline").read_bytes() == words:
                return True
    return False


def test_a_day_with_claude(home: Path, claude_engine: str, model: ModelApi) -> None:
    with running_host(home, settings(claude_engine)) as host:
        introduce(host, model)

        def said(text: str) -> str:
            heard = host.cli("chat", text)
            assert heard.returncode == 0, heard
            return heard.stdout

        # A tool, which works in the agent's own folder.
        model.then(uses("Bash", command="echo 6 > count && expr 6 + 1", description="count"), says("There are seven."))
        assert "There are seven." in said("count them")
        assert "\n7\n" in f"{model.asked[1].said}\n"
        assert (next(home.glob("groups/*/count"))).read_text() == "6\n"
        # A tool of ours, which speaks in mid-turn; nothing is to be said after it.
        model.then(uses("mcp__nanoclaw__send_message", text="I have counted."), says("<internal>enough</internal>"))
        assert "I have counted." in said("tell me")
        # Trouble there is waited out.
        model.then(OVERLOADED, BROKEN, says("Here I am again."))
        assert "Here I am again." in said("are you there?")
        first = model.asked[-1].session
        # A fresh start is another conversation for the model.
        said("/clear")
        model.then(says("Who are you?"))
        assert "Who are you?" in said("do you remember?")
        assert model.asked[-1].session != first
        assert "count them" not in model.asked[-1].said
        # What is stopped in mid-turn leaves nothing behind, and its message waits for the next host.
        model.then(uses("Bash", command=" ".join(REST), description="rest"))
        host.cli("chat", "--wait", "0.2", "have a rest")
        until(lambda: runs(REST))
        begun = time.monotonic()
        assert host.stop()[0] == 0
        assert time.monotonic() - begun < 10
        assert not runs(REST)
    waiting = rows(home, "SELECT status FROM inbound WHERE status = 'pending'")
    assert len(waiting) == 1
    assert host.cli("verify").returncode == 0
