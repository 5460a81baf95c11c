"""`nanoclaw why`, as somebody types it who gets no answer: beside a host, and when there is none any more."""

from __future__ import annotations

import json
from pathlib import Path

from nanoclaw.cli import exits
from tests.support.host import HostProcess, running_host, until
from tests.support.truth import rows

SETTINGS = '[sandbox]\nengine = "process"\n'


def test_a_message_says_where_it_stands_while_its_host_runs_and_after(home: Path) -> None:
    nothing = HostProcess(home).cli("why")
    assert nothing.returncode == exits.REFUSED
    assert "start it once with `nanoclaw up`" in nothing.stderr
    with running_host(home, SETTINGS) as host:
        assert "nothing was said yet" in host.cli("why").stdout
        host.cli("chat", "hello")
        well = host.cli("why")
        assert well.returncode == exits.OK
        assert "all is well with it" in well.stdout
        assert "Nano takes it up" in well.stdout

        host.cli("chat", "--wait", "0.2", "wait 30")
        until(lambda: rows(home, "SELECT 1 FROM inbound WHERE claimed_epoch IS NOT NULL"))
        latest = host.cli("why", "terminal", "--most", "2")
        assert latest.returncode == exits.OK
        assert "it waits here:" in latest.stdout
        assert latest.stdout.count("Nano takes it up") == 1, "of two, the way of the one that waits"
        unknown = host.cli("why", "nonsense")
        assert unknown.returncode == exits.REFUSED
        assert "nanoclaw chats list" in unknown.stderr
        host.stop()
        down = host.cli("why", "--json")
        assert down.returncode == exits.REFUSED
        fault = json.loads(down.stdout)["fault"]
        assert (fault["name"], fault["mend"]) == ("turn", "nanoclaw up")
