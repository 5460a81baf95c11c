"""Programs in sandboxes reach what the operator allowed and nothing else, in an engine that is really there."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.support.engines import walls
from tests.support.host import NO_PAGE, HostProcess, running_host, until
from tests.support.sampling import by_turns
from tests.support.tls_server import NEAR, SAID, tls_server

ASKS = """python3 -c '
import json, os, ssl, urllib.error, urllib.request
trusting = ssl.create_default_context(cadata=CA)
def ask(url):
    try:
        with urllib.request.urlopen(url, timeout=100, context=trusting) as answer:
            return [answer.status, answer.read().decode()]
    except OSError as exc:
        return [0, str(exc)]
print(json.dumps({"wakeAgent": True, "data": [ask(url) for url in URLS]}))
'"""

SANDBOXES = [
    pytest.param("bubblewrap", marks=pytest.mark.bubblewrap),
    pytest.param("docker", marks=pytest.mark.docker),
]


def run_inside(host: HostProcess, session: str, name: str, script: str, ends: int) -> None:
    """Let a program run in the sandbox, by a task, and wait for its end."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    assert host.cli("tasks", "add", session, name, "--at", at, "--script", script).returncode == 0
    until(lambda: host.cli("tasks", "list", "--state", "done", "--json").stdout.count('"ran"') == ends)


@pytest.mark.parametrize("engine", by_turns(SANDBOXES), indirect=True)
def test_a_program_reaches_a_host_once_it_is_allowed_and_is_told_whom_to_ask_before(home: Path, engine: str) -> None:
    with (
        tls_server() as (port, ca),
        running_host(home, f"[sandbox]\n{walls(engine)}{NO_PAGE}") as host,
    ):
        assert host.cli("chat", "hello").returncode == 0
        (session,) = json.loads(host.cli("sessions", "list", "--json").stdout)
        urls = [f"https://{NEAR}:{port}/x", "http://169.254.169.254/latest", f"https://127.0.0.3:{port}/"]
        script = ASKS.replace("CA", json.dumps(ca)).replace("URLS", json.dumps(urls))
        run_inside(host, session["id"], "closed", script, 1)
        before = host.cli("chat", "and now?")
        asked = f"ask the operator to allow it: nanoclaw egress allow main {NEAR}:{port}"
        assert asked in before.stdout + before.stderr, before
        assert host.cli("egress", "allow", "main", f"{NEAR}:{port}", "--near").returncode == 0
        run_inside(host, session["id"], "open", script, 2)
        after = host.cli("chat", "and now?")
        assert SAID in after.stdout + after.stderr, after
        until(lambda: len(json.loads(host.cli("egress", "log", "--json").stdout)) == 6)
        log = json.loads(host.cli("egress", "log", "--json").stdout)
        host.stop()
    outcomes = [(row["place"], row["outcome"]) for row in reversed(log)]
    inner = [("169.254.169.254:80", "refused"), (f"127.0.0.3:{port}", "refused")]
    assert outcomes == [(f"{NEAR}:{port}", "refused"), *inner, (f"{NEAR}:{port}", "allowed"), *inner]
    assert log[2]["received"] > 100
    assert HostProcess(home).cli("verify").returncode == 0
