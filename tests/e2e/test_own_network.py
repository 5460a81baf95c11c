"""A host whose sandboxes reach their gateway over networks of their own: through ends of gateway and host."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest
import trio

from nanoclaw.core.sandbox_spec import INSTALL_LABEL
from nanoclaw.sandboxes.docker_client import DockerClient
from nanoclaw.store.entities import known_install_id
from schema import sqlite
from schema.way_file import WAY_FILE
from tests.e2e.test_gateway_apart import gateway
from tests.support.engines import need, walls
from tests.support.host import NO_PAGE, HostProcess, running_host, until
from tests.support.tls_server import NEAR, SAID, tls_server

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]

ASKS = """python3 -c '
import json, ssl, urllib.request
trusting = ssl.create_default_context(cadata=CA)
def ask(opener):
    try:
        with opener.open(URL, timeout=5) as answer:
            return answer.read().decode()
    except OSError as exc:
        return "nothing"
past = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusting))
by = urllib.request.build_opener(urllib.request.HTTPSHandler(context=trusting))
print(json.dumps({"wakeAgent": True, "data": {"by": ask(by), "past": ask(past)}}))
'"""


def networks(install: str) -> list[tuple[str | None, int | None]]:
    """Whose there are: sessions and epochs."""

    async def look() -> list[tuple[str | None, int | None]]:
        client = DockerClient()
        try:
            found = await client.networks({INSTALL_LABEL: install})
        finally:
            client.close()
        return [(one.labels.session, one.labels.epoch) for one in found]

    return trio.run(look)


def run_inside(host: HostProcess, session: str, script: str, ends: int) -> str:
    """What the agent says of what a program in its sandbox found, *ends* being how many have run by then."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    assert host.cli("tasks", "add", session, f"asks {ends}", "--at", at, "--script", script).returncode == 0
    until(lambda: host.cli("tasks", "list", "--state", "done", "--json").stdout.count('"ran"') == ends)
    said = host.cli("chat", "and now?")
    return said.stdout + said.stderr


def secret_of(home: Path) -> str:
    """The secret of the only sandbox."""
    (file,) = home.glob(f"sessions/*/*/gateway/{WAY_FILE}")
    secret = json.loads(file.read_text())["secret"]
    assert isinstance(secret, str)
    return secret


def test_sandboxes_go_on_over_networks_of_their_own_through_ends_of_gateway_and_host(home: Path) -> None:
    need("docker")
    settings = f'[sandbox]\nway_out = "network"\n{walls("docker")}{NO_PAGE}'
    with tls_server() as (port, ca), running_host(home, settings) as host:
        assert host.cli("chat", "hello").returncode == 0
        (session,) = json.loads(host.cli("sessions", "list", "--json").stdout)
        assert host.cli("egress", "allow", "main", f"{NEAR}:{port}", "--near").returncode == 0
        script = ASKS.replace("CA", json.dumps(ca)).replace("URL", json.dumps(f"https://{NEAR}:{port}/x"))
        through = json.dumps({"by": SAID, "past": "nothing"})

        assert through in run_inside(host, session["id"], script, 1)
        secrets = [secret_of(home)]
        conn = sqlite.open_read_only(home / "nanoclaw.db")
        install = known_install_id(conn) or ""
        conn.close()
        assert networks(install) == [(session["id"], 1)]

        first = gateway(host)
        os.kill(first, signal.SIGKILL)
        assert through in run_inside(host, session["id"], script, 2)
        assert gateway(host) != first

        host.kill()
        host.start()
        assert through in run_inside(host, session["id"], script, 3)
        secrets.append(secret_of(home))
        assert networks(install) == [(session["id"], 1)], "the sandbox was taken over, and its network"
        host.stop()
        assert networks(install) == []
    assert secrets[0] != secrets[1]
    everything = b"".join(one.read_bytes() for one in home.rglob("*") if one.is_file())
    assert not [one for one in secrets if one.encode() in everything], "it is in no log, and in no file that stays"
    assert HostProcess(home).cli("verify").returncode == 0
