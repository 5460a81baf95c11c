"""AT-17: an agent swaps the program of its approved MCP server: what runs is what was shown, until it asks anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.test_self_change import approve, said
from tests.support.engines import need
from tests.support.host import running_host, until
from tests.support.truth import rows

PROGRAM = """
import json, os, sys
for line in sys.stdin:
    asked = json.loads(line)
    said = {"content": [{"type": "text", "text": "I am the GOOD one, and can write here: "
            + str(os.access(os.path.dirname(__file__), os.W_OK))}]}
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "t", "version": "1"}}
    if "id" in asked:
        answer = said if asked["method"] == "tools/call" else hello
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": answer}), flush=True)
"""


@pytest.mark.parametrize("engine", ["bubblewrap"])
def test_a_program_that_is_swapped_after_the_yes_does_not_run_until_somebody_approves_it(
    home: Path, engine: str
) -> None:
    need(engine)
    with running_host(home, f'[sandbox]\nengine = "{engine}"\n') as host:
        host.cli("chat", "hello")
        (folder,) = (home / "groups").iterdir()
        program = folder / "clock.py"
        program.write_text(PROGRAM)
        ask = "add mcp server clock: python3 /workspace/agent/clock.py"
        shown = approve(host, host.cli("chat", ask).stdout)
        assert "GOOD" in shown
        until(lambda: said(home, "told: “you have the MCP server clock now"))

        program.write_text(PROGRAM.replace("GOOD", "EVIL"))
        assert "I am the GOOD one, and can write here: False" in host.cli("chat", "use now of clock").stdout

        shown = approve(host, host.cli("chat", ask).stdout)
        assert "EVIL" in shown
        until(
            lambda: (
                len(rows(home, "SELECT 1 FROM inbound WHERE content LIKE '%you have the MCP server clock now%'")) == 2
            )
        )
        until(lambda: not rows(home, "SELECT 1 FROM inbound WHERE status = 'pending'"))
        assert "I am the EVIL one" in host.cli("chat", "use now of clock").stdout
        host.stop()
        assert host.cli("verify").returncode == 0
