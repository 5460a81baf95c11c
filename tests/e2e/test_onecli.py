"""A home with a OneCLI server: programs in sandboxes go through its proxy, and nothing starts without its word."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.support.engines import walls
from tests.support.host import NO_PAGE, HostProcess, running_host, until
from tests.support.onecli_server import CERTIFICATE, OneCliServer, onecli_in_thread
from tests.support.truth import rows

ASKS = """python3 -c '
import json, os, ssl, urllib.request
said = json.load(urllib.request.urlopen("http://api.example.com/v1/me", timeout=100))
said["ca"] = open(os.environ["NODE_EXTRA_CA_CERTS"]).read().count("BEGIN CERTIFICATE")
said["bundle"] = open(os.environ["SSL_CERT_FILE"]).read().endswith(open(os.environ["NODE_EXTRA_CA_CERTS"]).read())
said["model"] = os.environ["ANTHROPIC_API_KEY"]
print(json.dumps({"wakeAgent": True, "data": said}))
'"""

SANDBOXES = [
    pytest.param("bubblewrap", marks=pytest.mark.bubblewrap),
    pytest.param("docker", marks=pytest.mark.docker),
]


def settings(server: OneCliServer, engine: str) -> str:
    return f'[onecli]\nurl = "{server.url}"\n[sandbox]\n{walls(engine)}[retry]\nfirst_pause_seconds = 0.05\n{NO_PAGE}'


def epochs(home: Path) -> list[tuple[object, object]]:
    return [(row["ending"], row["detail"]) for row in rows(home, "SELECT ending, detail FROM epochs ORDER BY number")]


@pytest.mark.parametrize("engine", SANDBOXES, indirect=True)
def test_a_program_in_a_sandbox_uses_a_credential_that_it_never_sees(home: Path, engine: str) -> None:
    with onecli_in_thread(key="oc_sesame") as server:
        home.mkdir()
        (home / "nanoclaw.toml").write_text(settings(server, engine))
        kept = HostProcess(home).cli("secrets", "set", "onecli", typed="oc_sesame\n")
        assert "used from now on" in kept.stdout, kept
        with running_host(home) as host:
            assert host.cli("chat", "hello").returncode == 0
            (session,) = json.loads(host.cli("sessions", "list", "--json").stdout)
            at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            assert host.cli("tasks", "add", session["id"], "asked", "--at", at, "--script", ASKS).returncode == 0
            until(lambda: "ran" in host.cli("tasks", "list", "--state", "done", "--json").stdout)
            again = host.cli("chat", "hello again")
            host.stop()
        said = again.stdout + again.stderr
        assert "Bearer secret of api.example.com" in said, said
        assert [(one.path, one.headers["x-agent-token"]) for one in server.proxied] == [
            ("/v1/me", f"aoc_{next(iter(server.agents))}")
        ]
        assert list(server.agents.values()) == ["Nano"]
        assert '"ca": 1' in said.replace("&quot;", '"')
        assert '"bundle": true' in said.replace("&quot;", '"')
        assert "oc_sesame" not in said
    (seen,) = home.glob("sessions/*/*/gateway/proxy.json")
    assert json.loads(seen.read_text())["model"] is True
    assert "oc_sesame" not in "".join(path.read_text() for path in seen.parent.iterdir())


def test_a_start_waits_for_a_server_that_is_away_and_is_none_where_the_server_says_no(home: Path) -> None:
    with onecli_in_thread(ca=None) as server, running_host(home, settings(server, "process")) as host:
        assert host.cli("chat", "hello", "--wait", "1").returncode == 3
        until(lambda: "waiting for OneCLI" in host.cli("tree").stdout)
        assert epochs(home) == [(None, None)]
        assert not list(home.glob("sessions/*/*/gateway/proxy.json"))
        server.ca = CERTIFICATE
        again = host.cli("chat", "hello")
        assert (again.stderr + again.stdout).count("to you too") == 2, again
        server.key = "oc_sesame"
        assert host.cli("groups", "restart", "main").returncode == 0
        assert host.cli("chat", "hello", "--wait", "0.5").returncode == 3
        until(lambda: "not-started" in [ending for ending, _ in epochs(home)])
        host.stop()
    (_, why) = next(one for one in epochs(home) if one[0] == "not-started")
    assert "the server answered 401, Unauthorized" in str(why)
    assert epochs(home)[0][0] == "stopped"


def test_a_request_that_onecli_holds_goes_on_when_somebody_approves_it_and_not_otherwise(
    home: Path,
) -> None:
    with onecli_in_thread() as server, running_host(home, settings(server, "process")) as host:
        server.gated.add("/v1/me")
        assert host.cli("chat", "hello").returncode == 0
        (session,) = json.loads(host.cli("sessions", "list", "--json").stdout)
        for answer, outcome in (("approve", "ran"), ("reject", "failed")):
            at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            assert host.cli("tasks", "add", session["id"], answer, "--at", at, "--script", ASKS).returncode == 0
            until(lambda: waiting(host))
            (asked,) = waiting(host)
            shown = host.cli("approvals", "show", asked["id"]).stdout
            assert "GET http://api.example.com/v1/me" in shown
            assert host.cli("approvals", answer, asked["id"]).returncode == 0
            until(lambda outcome=outcome: outcome in host.cli("tasks", "list", "--state", "done", "--json").stdout)  # type: ignore[misc]  # bound in the loop
        assert list(server.decisions.values()) == ["approve", "deny"]
        host.stop()
    assert [one.path for one in server.proxied] == ["/v1/me"]
    assert HostProcess(home).cli("verify").returncode == 0


def waiting(host: HostProcess) -> list[dict[str, str]]:
    said = host.cli("approvals", "list", "--kind", "credential", "--state", "pending", "--json").stdout
    return [dict(one) for one in json.loads(said)]
