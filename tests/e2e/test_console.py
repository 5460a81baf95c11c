"""The debug console: every actor and task of a running host, its claims and lanes, and SQL that changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

from nanoclaw.cli import exits
from tests.support.host import running_host, until
from tests.support.truth import rows

SETTINGS = '[sandbox]\nengine = "process"\n'
CLAIMED = "SELECT 1 FROM inbound WHERE claimed_epoch IS NOT NULL"


def test_an_agent_that_is_at_work_is_seen_from_its_actor_to_its_claim(home: Path) -> None:
    with running_host(home, SETTINGS) as host:
        host.cli("chat", "--wait", "0.1", "wait 30")
        until(lambda: rows(home, CLAIMED))
        (session,) = (row["id"] for row in rows(home, "SELECT id FROM sessions"))
        below = json.loads(host.cli("tree", f"sessions/{session[:6]}", "--json").stdout)
        assert below["name"] == session
        assert "epoch 1" in below["doing"]
        owns = below["owns"]
        assert owns["link"] == "inbox and outbox of epoch 1"
        assert "out/1" in owns["files"]
        assert "MiB" in owns["sandbox"]
        assert "connections: " in host.cli("console", "actor", "store").stdout
        stack = host.cli("console", "stack", f"sessions/{session}").stdout
        assert stack.index("SessionActor.run") < stack.index("Carry.run") < stack.index("Mailbox.read_all")
        assert "Life._await_exit" in stack
        assert "deadline in" in host.cli("console", "tasks").stdout

        said = host.cli("console", typed="claims\nlanes\nepochs\nactor delivery\nsql DELETE FROM events\nnonsense\n\n")
        assert said.returncode == exits.OK
        assert session in said.stdout
        assert "delivery  running" in said.stdout
        assert "attempt to write a readonly database" in said.stdout
        assert "there is no command 'nonsense': type help" in said.stdout
        unknown = host.cli("console", "actor", "sessions/nobody")
        assert unknown.returncode == exits.REFUSED
        assert "tree shows those there are" in unknown.stderr
        assert (home / "run" / "console.sock").stat().st_mode & 0o077 == 0
        acted = host.cli("console", typed=f"mail\ncancel {session}\npark {session} it's a \"test\nwake {session} x\n")
        assert "add --yes if you mean it" in acted.stdout
        assert "park: No closing quotation" in acted.stdout
        assert "unexpected extra argument" in acted.stdout
        host.cli("console", "cancel", session, "--yes", "--because", "it is a test")
        until(lambda: rows(home, "SELECT 1 FROM inbound WHERE error LIKE 'cancelled by %, because: it is a test'"))
        typed = f"sessions\npark {session} it goes 'round and round'\nsessions\n"
        parked = host.cli("console", typed=typed).stdout
        assert f"nanoclaw sessions unpark {session}" in parked
        assert "because: it goes" in parked
        host.kill()
    assert session in host.cli("console", "epochs").stdout, "the truth can be asked without a host"
    assert host.cli("console", "tree").returncode == exits.NOT_RUNNING
    assert "claims, lanes, epochs and sql work all the same" in host.cli("console", typed="tree\nquit\n").stdout


def test_the_truth_is_asked_in_sql_and_shows_what_fits(home: Path) -> None:
    with running_host(home, SETTINGS) as host:
        host.stop()
    counted = host.cli("console", "sql", "SELECT count(*) AS events FROM events")
    assert "events" in counted.stdout
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300) SELECT i FROM n"
    assert "and 100 more" in host.cli("console", "sql", many).stdout
    assert "say what to ask" in host.cli("console", "sql").stderr
