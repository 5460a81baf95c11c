"""A program in a sandbox asks a host with a secret that it does not have, once people let it, in a real house."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.test_egress import SANDBOXES, run_inside
from tests.support.engines import walls
from tests.support.host import NO_PAGE, running_host, until
from tests.support.sampling import by_turns
from tests.support.tls_server import NEAR, SAID, tls_server

VALUE = "kumquat-of-the-api"
ASKS = """python3 -c '
import json, os, urllib.error, urllib.request
def ask(url):
    try:
        with urllib.request.urlopen(url, timeout=100) as answer:
            return [answer.status, answer.read().decode()]
    except urllib.error.HTTPError as exc:
        return [exc.code, exc.read().decode()]
found = ask("http://gw/api/things")
places = ["/proc/self/environ", "/workspace/agent/CLAUDE.md", "/workspace/CLAUDE.md"]
texts = [open(place, errors="replace").read() for place in places if os.path.exists(place)]
told = any("http://gw/api/" in text for text in texts)
print(json.dumps({"wakeAgent": True, "data": [found, told, any("kumquat" in text for text in texts)]}))
'"""


@pytest.mark.parametrize("engine", by_turns(SANDBOXES), indirect=True)
def test_a_secret_goes_with_a_request_once_a_person_lets_it_and_is_nowhere_inside(
    home: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tls_server() as (port, ca):
        (home.parent / "ca.pem").write_text(ca)
        monkeypatch.setenv("SSL_CERT_FILE", str(home.parent / "ca.pem"))
        with running_host(home, f"[sandbox]\n{walls(engine)}{NO_PAGE}") as host:
            where = ("--host", f"{NEAR}:{port}", "--agents", "main", "--as", "api", "--near")
            assert host.cli("secrets", "bind", "API_TOKEN", *where).returncode == 0
            assert host.cli("secrets", "set", "API_TOKEN", typed=VALUE).returncode == 0
            assert host.cli("chat", "hello").returncode == 0
            (session,) = json.loads(host.cli("sessions", "list", "--json").stdout)
            run_inside(host, session["id"], "asking", ASKS, 1)
            until(lambda: host.cli("approvals", "list", "--kind", "secret", "--json").stdout.count('"pending"') == 1)
            (waits,) = json.loads(host.cli("approvals", "list", "--kind", "secret", "--json").stdout)
            assert host.cli("approvals", "approve", waits["id"]).returncode == 0
            run_inside(host, session["id"], "again", ASKS, 2)
            after = host.cli("chat", "and now?")
            until(lambda: len(json.loads(host.cli("egress", "log", "--json").stdout)) == 2)
            log = json.loads(host.cli("egress", "log", "--json").stdout)
            host.stop()
    assert "A person has to let this request go on" in log[1]["why"]
    assert [row["outcome"] for row in log] == ["allowed", "refused"]
    assert (log[0]["place"], log[0]["why"]) == (f"{NEAR}:{port}", "the binding api")
    assert json.dumps([[200, SAID], True, False]) in after.stdout + after.stderr, after
    for path in home.rglob("*"):
        if path.is_file() and path.parent.name != "secrets":
            assert VALUE.encode() not in path.read_bytes(), path
