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
def house(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HostProcess]:
    """A host whose sandboxes are containers; the image of its agent goes with it."""
    need("docker")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
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
        waiting[:] = pending(host)
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


def pending(host: HostProcess) -> list[dict[str, str]]:
    """What waits for a decision."""
    said = host.cli("approvals", "list", "--state", "pending", "--json").stdout
    found: list[dict[str, str]] = json.loads(said or "[]")
    return found


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
    (folder / "tables.py").write_text(SERVER.replace("tabulate", "sabotage"))

    answer = host.cli("chat", "use now of tables").stdout
    assert "tabulate 0." in answer
    assert "and tree v2." in answer
    assert "it works" in answer
    host.stop()
    assert host.cli("verify").returncode == 0


NODE_SERVER = """
const odd = require("is-odd");
const says = (method) => method === "tools/call"
  ? { content: [{ type: "text", text: `is-odd says of 3: ${odd(3)}, of 4: ${odd(4)}` }] }
  : { protocolVersion: "2025-06-18", capabilities: { tools: {} }, serverInfo: { name: "n", version: "1" } };
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const asked = JSON.parse(line);
  if ("id" in asked) console.log(JSON.stringify({ jsonrpc: "2.0", id: asked.id, result: says(asked.method) }));
});
"""


@pytest.mark.soak
@pytest.mark.docker
@pytest.mark.timeout(280)
def test_a_host_that_dies_in_mid_build_builds_again_and_a_package_of_npms_is_used(
    house: HostProcess, tmp_path: Path
) -> None:
    host, home = house, house.home
    asked = host.cli("chat", "install npm=is-odd for parity").stdout
    until(lambda: pending(host))
    (one,) = pending(host)
    assert one["id"] in asked
    shown = host.cli("approvals", "show", one["id"]).stdout
    assert "“is-odd 3." in shown
    assert "“is-number 6." in shown, "what it needs is shown as well"
    assert host.cli("approvals", "approve", one["id"]).returncode == 0
    state = f"SELECT state, result FROM approvals WHERE id = '{one['id']}'"
    until(lambda: rows(home, state)[0]["state"] == "executing" and [*tmp_path.glob("nanoclaw-image-*/context.tar")])
    host.kill()
    assert rows(home, state)[0]["state"] == "executing"
    host.start()
    until(lambda: rows(home, state)[0]["state"] == "done")
    until(lambda: said(home, "I have been restarted, and was told: “your image has these packages now: is-odd"))

    (folder,) = (home / "groups").iterdir()
    (folder / "odd.js").write_text(NODE_SERVER)
    (folder / "odd.js").chmod(0o644)
    approve(host, host.cli("chat", f"add mcp server odd: node {SANDBOX_AGENT}/odd.js").stdout)
    until(lambda: said(home, "told: “you have the MCP server odd now"))
    assert "is-odd says of 3: true, of 4: false" in host.cli("chat", "use now of odd").stdout
    host.stop()
    assert host.cli("verify").returncode == 0
    assert len([*tmp_path.glob("nanoclaw-image-*")]) == 1, "what the dead host fetched, until a later build"


@pytest.mark.parametrize("engine", ["process"])
def test_a_sandbox_without_an_image_is_told_so_at_once(home: Path, engine: str) -> None:
    with running_host(home, f'[sandbox]\nengine = "{engine}"\n') as host:
        assert "your sandbox is process's and has no image" in host.cli("chat", "install apt=tree").stdout
        assert rows(home, "SELECT * FROM package_requests") == []
