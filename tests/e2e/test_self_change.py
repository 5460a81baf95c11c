"""An agent asks for packages and for an MCP server that uses them, gets both once they are approved, and uses them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from nanoclaw.core.images import group_repository
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.sandboxes.images import open_images
from schema.files import SANDBOX_AGENT
from tests.support.engines import need, walls
from tests.support.host import HostProcess, running_host, until
from tests.support.truth import rows

SERVER = """
import importlib.metadata, json, subprocess, sys

def answer(method):
    if method == "tools/call":
        tree = subprocess.run(["tree", "--version"], capture_output=True, text=True).stdout.split()[1]
        import tabulate
        text = f"tabulate {importlib.metadata.version('tabulate')} and tree {tree}: {tabulate.tabulate([['it works']])}"
        return {"content": [{"type": "text", "text": text}]}
    return {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "t", "version": "1"}}

for line in sys.stdin:
    asked = json.loads(line)
    if "id" in asked:
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": answer(asked["method"])}), flush=True)
"""


@pytest.fixture
def house(home: Path) -> Iterator[HostProcess]:
    """A host whose sandboxes are containers; the image of its agent goes with it."""
    need("docker")
    with running_host(home, f"[sandbox]\n{walls('docker')}") as host:
        yield host
        host.stop()
    (agent,) = rows(home, "SELECT id FROM agent_groups")
    trio.run(forget, group_repository(AgentGroupId(str(agent["id"]))))


async def forget(repository: str) -> None:
    async with open_images() as images:
        for facts in await images.ours():
            for tag in facts.tags:
                if tag.startswith(f"{repository}:"):
                    await images.forget(tag)


def approve(host: HostProcess, asked: str) -> str:
    """Approve what was *asked* for, once people can be asked; what they are shown."""
    waiting: list[dict[str, str]] = []

    def waits() -> bool:
        waiting[:] = json.loads(host.cli("approvals", "list", "--state", "pending", "--json").stdout or "[]")
        return bool(waiting)

    until(waits)
    (one,) = waiting
    assert one["id"] in asked
    shown = host.cli("approvals", "show", one["id"]).stdout
    assert host.cli("approvals", "approve", one["id"]).returncode == 0
    sql = f"SELECT state, result FROM approvals WHERE id = '{one['id']}'"
    until(lambda: rows(host.home, sql)[0]["state"] not in ("pending", "executing"))
    assert rows(host.home, sql)[0]["state"] == "done", rows(host.home, sql)
    return shown


def said(home: Path, words: str) -> bool:
    return any(words in str(row["content"]) for row in rows(home, "SELECT content FROM ledger"))


@pytest.mark.docker
@pytest.mark.timeout(240)
def test_an_agent_gets_packages_and_a_server_and_uses_both(house: HostProcess) -> None:
    host, home = house, house.home
    asked = host.cli("chat", "install apt=tree pip=tabulate for tables").stdout
    shown = approve(host, asked)
    assert "“tree 2." in shown
    assert "“tabulate 0." in shown
    until(lambda: said(home, "I have been restarted, and was told: “your image has these packages now: tree, tabulate"))

    (folder,) = (home / "groups").iterdir()
    (folder / "tables.py").write_text(SERVER)
    (folder / "tables.py").chmod(0o644)
    asked = host.cli("chat", f"add mcp server tables: python3 {SANDBOX_AGENT}/tables.py").stdout
    assert f"“{SANDBOX_AGENT}/tables.py”" in approve(host, asked)
    until(lambda: said(home, "told: “you have the MCP server tables now"))

    answer = host.cli("chat", "use now of tables").stdout
    assert "tabulate 0." in answer
    assert "and tree v2." in answer
    assert "it works" in answer
    host.stop()
    assert host.cli("verify").returncode == 0


@pytest.mark.parametrize("engine", ["process"])
def test_a_sandbox_without_an_image_is_told_so_at_once(home: Path, engine: str) -> None:
    with running_host(home, f'[sandbox]\nengine = "{engine}"\n') as host:
        assert "your sandbox is process's and has no image" in host.cli("chat", "install apt=tree").stdout
        assert rows(home, "SELECT * FROM package_requests") == []
