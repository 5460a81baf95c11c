"""An agent has another one made, by whoever may: through real processes."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.engines import walls
from tests.support.host import running_host, until
from tests.support.truth import rows


def test_an_agent_is_made_by_one_that_may_in_the_turn_of_somebody_who_may(home: Path, engine: str) -> None:
    with running_host(home, f"[sandbox]\n{walls(engine)}") as host:
        asking = "create an agent named Old Scout: Look around."
        assert "admin scope is global" in host.cli("chat", asking).stdout
        assert host.cli("groups", "update", "main", "--admin-scope", "global").returncode == 0
        assert "write to it as old-scout" in host.cli("chat", asking).stdout
        assert "you have a destination old-scout already" in host.cli("chat", asking).stdout

        made = {(one["name"], one["to"]) for one in json.loads(host.cli("destinations", "list", "--json").stdout)}
        assert ("old-scout", "Old Scout") in made
        assert "parent" in {name for name, _ in made}
        sessions = host.cli("chat", "admin sessions list").stdout
        assert '"group": "' in sessions
        assert "Terminal" in sessions

        assert "submitted: " in host.cli("chat", "admin groups update name=Renamed").stdout
        (waits,) = json.loads(host.cli("approvals", "list", "--state", "pending", "--json").stdout)
        assert host.cli("approvals", "approve", waits["id"]).returncode == 0
        until(lambda: "Renamed" in host.cli("groups", "list").stdout)
        host.stop()
    assert [(row["accepted"], row["action"]) for row in rows(home, "SELECT * FROM requests ORDER BY handled_at")] == [
        (0, "create_agent"),
        (1, "create_agent"),
        (0, "create_agent"),
        (1, "admin"),
        (1, "admin"),
    ]
    assert host.cli("verify").returncode == 0
