"""A person asks for something at a time, and the agent does it then: through real processes."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from tests.support.engines import walls
from tests.support.host import HostProcess, running_host

PATIENCE = 120.0


def wait_for(host: HostProcess, *outcomes: str) -> dict[str, dict[str, Any]]:
    """Wait until so many tasks are over in those ways; each of them, by its prompt."""
    end = time.monotonic() + PATIENCE
    while True:
        found = json.loads(host.cli("tasks", "list", "--state", "done", "--json").stdout)
        if sorted(task["last"] for task in found) == sorted(outcomes):
            return {task["prompt"]: task for task in found}
        assert time.monotonic() < end, found
        time.sleep(0.1)


def test_a_task_is_asked_for_run_at_its_time_and_recorded(home: Path, engine: str) -> None:
    with running_host(home, f"[sandbox]\n{walls(engine)}") as host:
        assert "asked the host" in host.cli("chat", "schedule 0 put the kettle on").stdout
        assert wait_for(host, "ran").keys() == {"put the kettle on"}
        later = host.cli("chat", "hello")
        assert "put the kettle on" in later.stdout + later.stderr

        (session,) = json.loads(host.cli("sessions", "list", "--json").stdout)
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        yes, no = """echo '{"wakeAgent": true, "data": 42}'""", """echo '{"wakeAgent": false}'"""
        for prompt, script in (("asked", yes), ("unasked", no), ("broken", "exit 9")):
            made = host.cli("tasks", "add", session["id"], prompt, "--at", at, "--script", script)
            assert made.returncode == 0, made
        found = wait_for(host, "ran", "ran", "skipped", "failed")
        assert {prompt: task["last"] for prompt, task in found.items() if prompt != "put the kettle on"} == {
            "asked": "ran",
            "unasked": "skipped",
            "broken": "failed",
        }
        heard = host.cli("chat", "hello again")
        said = heard.stdout + heard.stderr
        assert "Its script says 42" in said
        assert "its script ended with 9" in said
        assert "unasked" not in said
        host.stop()
    assert host.cli("verify").returncode == 0
