"""Figures for Prometheus: what one real turn moves, and nothing where nobody asked for them."""

from __future__ import annotations

import json
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from nanoclaw.actors.meters import Hop
from tests.support.host import running_host, until

SETTINGS = '[sandbox]\nengine = "process"\n'
SAID = "words-that-are-nobodys-business"
LISTENS = "0A"
"""As the kernel writes it."""


def served_at(home: Path) -> str | None:
    """Where the host says that its figures are."""
    lines = (home / "logs" / "nanoclaw.log").read_text(encoding="utf-8").splitlines()
    return next((one["url"] for one in map(json.loads, lines) if one["event"] == "metrics_served"), None)


def asked(url: str, host: str | None = None) -> tuple[int, str]:
    """The status and the text of what is there."""
    place, _, path = url.removeprefix("http://").partition("/")
    connection = HTTPConnection(place, timeout=60)
    try:
        connection.request("GET", f"/{path}", headers={"Host": host or place})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def figures(url: str) -> dict[str, float]:
    """Every sample, by its name and labels."""
    status, text = asked(url)
    assert (status, SAID in text) == (200, False)
    return {
        sample.name + "".join(f" {name}={value}" for name, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def listening(pid: int) -> set[str]:
    """The TCP ports at which that process listens, as the kernel writes them."""
    own = set[str]()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            own.add(str(link.readlink()))
    tables = [Path(f"/proc/{pid}/net/{name}").read_text(encoding="ascii") for name in ("tcp", "tcp6")]
    rows = [line.split() for table in tables for line in table.splitlines()[1:]]
    return {row[1] for row in rows if row[3] == LISTENS and f"socket:[{row[9]}]" in own}


def test_one_turn_moves_the_figures_of_every_hop(home: Path) -> None:
    with running_host(home, SETTINGS + "[metrics]\nenabled = true\nport = 0\n") as host:
        until(lambda: served_at(home) is not None)
        url = served_at(home)
        assert url is not None
        before = figures(url)
        host.cli("chat", SAID)
        moved = [f"nanoclaw_hop_seconds_count hop={hop.value}" for hop in Hop]
        moved += [
            "nanoclaw_replies_total channel=terminal outcome=delivered",
            "nanoclaw_settled_total outcome=completed",
        ]
        until(lambda: all(figures(url).get(name) for name in moved))
        now = figures(url)
        for hop in Hop:
            name = f"nanoclaw_hop_seconds_count hop={hop.value}"
            assert (before[name], now[name] >= 1) == (0, True), hop
            assert now[f"nanoclaw_hop_seconds_bucket hop={hop.value} le=+Inf"] == now[name]
        assert now["nanoclaw_events_total channel=terminal outcome=accepted"] == 1
        assert now["nanoclaw_settled_total outcome=completed"] == 1
        assert sum(value for name, value in now.items() if name.startswith("nanoclaw_sandboxes ")) == 1
        assert now["nanoclaw_actors part=sessions state=running"] >= 1
        assert now["nanoclaw_truth_readable"] == 1
        assert now["process_resident_memory_bytes"] > 10 << 20
        assert asked(url, "evil.example")[0] == 421, "a name that leads here is none of ours"
        assert len(listening(host.pid)) == 1


def test_a_home_that_says_nothing_of_figures_listens_at_no_port(home: Path) -> None:
    with running_host(home, SETTINGS) as host:
        assert listening(host.pid) == set()
