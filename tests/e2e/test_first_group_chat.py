"""“Your first group chat” of the page on routing, typed as it stands there."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from tests.support.host import running_host

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "routing.md"


def commands() -> list[list[str]]:
    """What the page tells people to type, as a shell would split it."""
    _, _, rest = PAGE.read_text(encoding="utf-8").partition("## Your first group chat\n")
    block = re.search(r"```\n(.*?)```", rest, re.DOTALL)
    assert block is not None
    return [shlex.split(line, comments=True)[1:] for line in block.group(1).splitlines()]


@pytest.mark.timeout(240)  # a dozen programs, one after the other
def test_everything_on_the_page_can_be_done_from_the_command_line_alone(home: Path) -> None:
    printed = {}
    with running_host(home, '[sandbox]\nengine = "process"\n') as host:
        for typed in commands():
            result = host.cli(*typed)
            assert result.returncode == 0, (typed, result.stderr)
            printed[" ".join(typed[:2])] = result.stdout
        assert "wakes, in a new session of the chat" in printed["explain terminal"]
        first, second = sorted(printed["chat Deploy on Friday?"].splitlines())
        assert first.startswith("Ops: You said “Deploy on Friday?”.")
        assert second.startswith("You said “Deploy on Friday?”.")
        assert "yes access: the sender is a member" in " ".join(printed["explain family"].split())
        (wiring,) = json.loads(host.cli("wirings", "list", "--group", "main", "--chat", "family", "--json").stdout)
        assert wiring["engage_mode"] == "mention-sticky"
        explained = json.loads(host.cli("explain", "family", "hi", "--from", "discord:7", "--mention", "--json").stdout)
        assert [(one["verdict"], one["reason"]) for one in explained["outcomes"]] == [("refuse", "unknown-sender")]
        assert explained["said"][0].startswith("recorded as dropped: unknown-sender")
        assert host.cli("wirings", "get", "ops@terminal").returncode == 1
        assert host.cli("chat", "Deploy again").stdout.startswith("You said")
        assert host.cli("verify").returncode == 0


def test_what_takes_away_wants_a_yes_where_nobody_can_be_asked(home: Path) -> None:
    with running_host(home, '[sandbox]\nengine = "process"\n') as host:
        refused = host.cli("wirings", "delete", "main@terminal")
        assert refused.returncode == 1
        assert "add --yes if you mean it" in refused.stderr
        assert host.cli("chat", "hello").returncode == 0
