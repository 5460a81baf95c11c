"""Every command of `nanoclaw`: it only looks, or what it does is in the audit. A new one has to say which.

Those of the host's table need not: what they are says whether they write, those that write are recorded by whoever runs
them (`admin.performing`), and the others have a connection that cannot.
"""

from __future__ import annotations

import json
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from nanoclaw.admin.server import LOOKS_ONLY, NOTE
from nanoclaw.backups.making import there_are
from nanoclaw.cli.main import cli
from nanoclaw.kit.clock import SystemClock
from nanoclaw.store import entities, inbound, sessions
from nanoclaw.store.audit import records
from nanoclaw.store.home import held
from schema.sqlite import open_read_only
from tests.backups.home import opened
from tests.cli.checked_home import healthy
from tests.support.engine_server import engine_server
from tests.support.v2_home import WHEN, V2Home

LOOKS = {
    *("audit", "backup list", "backup verify", "channels kinds", "channels list", "console", "doctor", "image list"),
    *("logs", "secrets list", "service status", "status", "top", "tree", "verify", "why"),
}
"""They change nothing; what acts from `top` and `console` goes through a verb."""
RUNS = {"up", "run", "chat"}
"""A host, whose lives are its log's; and words of a person, which are events."""
BY_THE_HOST = {
    *("channels add", "channels disable", "channels enable", "channels pair", "channels remove", "channels test"),
    *("send", "web link", "web logout"),
}
"""Asked of a host, which has no name besides `LOOKS_ONLY` and verbs that is no `Act`, and records each of those."""
OWN = {
    "backup create": "",
    "backup restore": "BACKUP --yes",
    "image build": "--base mine:1",
    "import": "OLD --yes",
    "repair": "--apply --yes",
    "secrets remove": "anthropic",
    "secrets set": "anthropic",
    "secrets test": "TOKEN",
    "service install": "",
    "service uninstall": "",
    "session export": "ses- --to FILE",
    "session fork": "ses- chat-test-elsewhere",
    "session rewind": "ses- --turn m --yes",
}
"""What the command line does itself, and what is typed behind it here, where no host runs."""


def every_command(command: click.Command, *words: str) -> Iterator[str]:
    """The names of all that can be typed, verbs of the host's table aside."""
    if isinstance(command, click.Group):
        for name, sub in command.commands.items():
            yield from every_command(sub, *words, name)
    else:
        yield " ".join(words)


def test_each_command_is_said_to_look_only_or_to_be_on_record() -> None:
    said = [LOOKS, RUNS, BY_THE_HOST, set(OWN)]
    assert set(every_command(cli)) == set().union(*said)
    assert sum(map(len, said)) == len(set().union(*said))
    assert not BY_THE_HOST & (LOOKS_ONLY | {NOTE})
    assert {"channels kinds", "channels list"} <= LOOKS_ONLY


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home in which each of them finds something to do, a machine with systemd, and an engine that builds nothing."""
    found = healthy(tmp_path).home
    with opened(found) as world:
        (session,) = [one.id for one in sessions.sessions(world.conn)]
        world.wait(seconds=60)
        inbound.settle(world.conn, world.message(session, "later"), error=None, now=world.now)
        (group,) = entities.agent_groups(world.conn)
        world.wire(world.chat("elsewhere"), group)
    (found / "sessions" / "nobody" / "nothing").mkdir(parents=True)
    old = V2Home(tmp_path / "old", is_new=True).make()
    old.add("agent_groups", id="ag-1", name="Anna", folder="anna", created_at=WHEN)
    tool = tmp_path / "bin" / "systemctl"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\n")
    tool.chmod(stat.S_IRWXU)
    unit = tmp_path / "config" / "systemd" / "user" / "nanoclaw.service"
    unit.parent.mkdir(parents=True)
    unit.touch()
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("NANOCLAW_HOME", str(found))
    with tempfile.TemporaryDirectory(prefix="nc-") as folder, engine_server(Path(folder)) as server:
        server.streams["POST /images/create"] = [{"error": "pull access denied for mine"}]
        monkeypatch.setenv("DOCKER_HOST", server.address)
        yield found


def typed(home: Path, name: str) -> list[dict[str, object]]:
    """What is on record of the command, once it was typed."""
    places = {
        "BACKUP": there_are(home / "backups")[0].name,
        "OLD": str(home.parent / "old"),
        "FILE": str(home.parent / "session.tar.gz"),
    }
    words = [places.get(word, word) for word in OWN[name].split()]
    CliRunner().invoke(cli, [*name.split(), *words], input="sk-ant-api03-canary-in-a-coal-mine")
    said = CliRunner().invoke(cli, ["audit", "--what", name, "--json"]).stdout
    return [json.loads(line) for line in said.splitlines()]


@pytest.mark.parametrize("name", sorted(OWN))
def test_what_the_command_line_does_itself_is_on_record_with_who_what_digest_and_outcome(home: Path, name: str) -> None:
    found = typed(home, name)
    assert {one["who"] for one in found} == {"operator"}
    found = [one for one in found if one["what"] == name]  # a repair has a record of each of its steps besides
    assert found[-1]["outcome"] == ("failed" if name in {"image build", "secrets remove", "secrets test"} else "done")
    assert all(len(str(one["digest"])) == 64 for one in found)
    assert all(one["on"] for one in found) or name == "repair"


def test_what_was_refused_is_on_record_as_well(home: Path) -> None:
    (home / "backups" / "torn.tar.gz").write_bytes(b"nothing")
    assert CliRunner().invoke(cli, ["backup", "restore", "torn.tar.gz", "--yes"]).exception is not None
    conn = open_read_only(home / "nanoclaw.db")
    (refused,) = records(conn, what="backup restore")
    conn.close()
    assert (refused.outcome.value, refused.subject) == ("refused", "torn.tar.gz")


@pytest.mark.parametrize("name", ["backup create", "session export", "image build"])
def test_what_has_to_work_where_nothing_can_be_recorded_does_and_says_so(home: Path, name: str) -> None:
    """Somebody holds the home, and does not answer."""
    words = OWN[name].replace("FILE", str(home.parent / "session.tar.gz")).split()
    with held(home, now=SystemClock().now()):
        ended = CliRunner().invoke(cli, [*name.split(), *words])
    assert ended.stderr.count("this is not in the audit") == 2
    assert ended.exit_code == (1 if name == "image build" else 0)


def test_the_end_of_a_service_command_waits_for_the_host_that_it_has_begun(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host holds the home for a moment before it answers; here it is gone by then."""
    begun = f"flock {home}/lock sleep 0.5 >/dev/null 2>&1 & sleep 0.1"
    (tmp_path / "bin" / "systemctl").write_text(f"#!/bin/sh\ncase $2 in enable) {begun};; esac\n")
    assert [one["outcome"] for one in typed(home, "service install")] == ["begun", "done"]
