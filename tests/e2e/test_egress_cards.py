"""A host that was refused becomes a card, in a real house, and what was approved is reached."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.test_egress import ASKS, SANDBOXES, run_inside
from tests.support.engines import walls
from tests.support.host import NO_PAGE, running_host, until
from tests.support.sampling import by_turns


@pytest.mark.parametrize("engine", by_turns(SANDBOXES), indirect=True)
def test_a_refused_host_becomes_one_card_and_approved_a_rule(home: Path, engine: str) -> None:
    with running_host(home, f"[sandbox]\n{walls(engine)}{NO_PAGE}") as host:
        assert host.cli("egress", "ask", "main").returncode == 0
        assert host.cli("chat", "hello").returncode == 0
        (session,) = json.loads(host.cli("sessions", "list", "--json").stdout)
        urls = ["https://quince.invalid/", "https://quince.invalid/again"]
        script = ASKS.replace("cadata=CA", "").replace("URLS", json.dumps(urls))
        run_inside(host, session["id"], "refused", script, 1)
        until(lambda: "pending" in host.cli("approvals", "list", "--kind", "egress", "--json").stdout)
        (waits,) = json.loads(host.cli("approvals", "list", "--kind", "egress", "--json").stdout)
        assert host.cli("approvals", "approve", waits["id"], "--option", "always").returncode == 0
        until(lambda: "quince.invalid:443" in host.cli("egress", "list", "--json").stdout)
        host.stop()
