"""A gateway that is killed, hangs or dies with its host: sandboxes that run lose their way out, and get no other."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from pathlib import Path

import pytest

from nanoclaw.cli.checks_of_parts import gateway as look
from nanoclaw.cli.client import ask
from nanoclaw.config import load
from nanoclaw.kit.clock import SystemClock
from tests.support.engines import walls
from tests.support.host import NO_PAGE, HostProcess, running_host, until
from tests.support.sampling import by_turns
from tests.support.tls_server import NEAR, SAID, tls_server

KEEPS_ASKING = """python3 -c '
import json, os, ssl, time, urllib.request
trusting = ssl.create_default_context(cadata=CA)
past = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusting))
by = urllib.request.build_opener(urllib.request.HTTPSHandler(context=trusting))
def ask(opener):
    try:
        with opener.open(URL, timeout=20) as answer:
            return answer.read().decode() == SAID
    except OSError:
        return False
began, seen, direct, after = time.monotonic(), [], 0, 0
while time.monotonic() < began + 200 and after < 5:
    direct += ask(past)
    came = ask(by)
    seen.append([came, time.monotonic() - began])
    open(MARK, "w").write(str(len(seen)))
    after = after + 1 if came and os.path.exists(DONE) else 0
    time.sleep(0.05)
print(json.dumps({"wakeAgent": True, "data": {"direct": direct, "after": after, "asked": len(seen)}}))
'"""
ENGINES = [pytest.param("bubblewrap", marks=pytest.mark.bubblewrap), pytest.param("docker", marks=pytest.mark.docker)]
ENDS = (signal.SIGKILL, signal.SIGSTOP)
ONCE_AT_LEAST = re.compile(r"restarts: [1-9]\d*, the last one because")
"""Where others take all of the processor for seconds, one may be taken for hung."""


def gateway(host: HostProcess) -> int:
    """The process id of the gateway, once there is one that is ready."""
    found = ""
    while not found.isdecimal():
        tree = ask(host.home / "run" / "admin.sock", "tree")
        (node,) = [part for part in tree["children"] if part["name"] == "gateway"]
        found = node["signals"].get("process", "")
        time.sleep(0.05)
    return int(found)


def is_gone(pid: int) -> bool:
    """Is there nothing of it, or only what its parent has not looked at yet?"""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize("number", by_turns(ENDS))
@pytest.mark.parametrize("engine", by_turns(ENGINES), indirect=True)
def test_a_program_that_keeps_asking_gets_through_again_and_never_past_the_gateway(
    home: Path, engine: str, number: signal.Signals
) -> None:
    with tls_server() as (port, ca), running_host(home, f"[sandbox]\n{walls(engine)}{NO_PAGE}") as host:
        assert host.cli("chat", "hello").returncode == 0
        (session,) = json.loads(host.cli("sessions", "list", "--json").stdout)
        assert host.cli("egress", "allow", "main", f"{NEAR}:{port}", "--near").returncode == 0
        (folder,) = (home / "groups").iterdir()
        mark, done = folder / "asked", folder / "done"
        script = KEEPS_ASKING
        for name, value in {
            "CA": ca,
            "URL": f"https://{NEAR}:{port}/x",
            "SAID": SAID,
            "MARK": "/workspace/agent/asked",
            "DONE": "/workspace/agent/done",
        }.items():
            script = script.replace(name, json.dumps(value))
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        assert host.cli("tasks", "add", session["id"], "asks", "--at", at, "--script", script).returncode == 0
        until(lambda: mark.exists() and int(mark.read_text() or 0) >= 3)
        first = gateway(host)
        os.kill(first, number)
        until(lambda: gateway(host) != first)
        (found,) = look(load(home), SystemClock().now())
        assert (found.mark, bool(ONCE_AT_LEAST.search(found.words))) == ("note", True), found
        done.touch()
        until(lambda: host.cli("tasks", "list", "--state", "done", "--json").stdout.count('"ran"') == 1)
        now = host.cli("chat", "and now?")
        said = now.stdout + now.stderr
        host.stop()
    assert '"direct": 0' in said, said
    assert '"after": 5' in said, said
    assert HostProcess(home).cli("verify").returncode == 0


def test_a_gateway_dies_with_its_host_even_where_it_hangs(home: Path) -> None:
    with running_host(home, NO_PAGE) as host:
        pid = gateway(host)
        os.kill(pid, signal.SIGSTOP)
        host.kill()
        until(lambda: is_gone(pid))
