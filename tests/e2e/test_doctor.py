"""What `doctor` says of a running house mends it when it is typed in."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

import pytest

from nanoclaw.cli import checks, exits
from nanoclaw.config import load
from nanoclaw.kit.clock import SystemClock
from schema.sqlite import execute
from tests.backups.home import opened
from tests.support.host import running_host

SETTINGS = '[sandbox]\nengine = "process"\n'


def wrong(home: Path) -> Mapping[str, str]:
    """What mends each thing that is wrong, by the check that found it."""
    now = SystemClock().now()
    return {found.check: found.mend for found in checks.examine(load(home), now=now).findings if found.is_bad}


@pytest.mark.soak
def test_what_doctor_says_of_a_running_house_mends_it(home: Path) -> None:
    home.mkdir(mode=0o700)
    with running_host(home, SETTINGS) as host:
        assert wrong(home) == {}
        host.stop()
        with opened(home) as world:
            session = world.session("deaf", room="elsewhere")
            world.message(session, "lost")
            execute(world.conn, "UPDATE inbound SET status = 'failed', error = 'x', settled_at = timestamp")
            execute(world.conn, "DELETE FROM destinations; DELETE FROM engagements; DELETE FROM wirings")
            execute(
                world.conn,
                "INSERT INTO container_settings (agent_group_id, network, updated_at)"
                " SELECT id, 'open', created_at FROM agent_groups WHERE folder = 'deaf'",
            )
        host.start()
        found = wrong(home)
        assert set(found) == {"messages", "network", "wirings"}
        for mend in found.values():
            first, _, then = mend.partition(", then ")
            for command in (first, then.rpartition(" or ")[2]):
                if command:
                    done = host.cli(*shlex.split(command)[1:], *(["--yes"] if " drop " in command else []))
                    assert done.returncode == exits.OK, (command, done.stderr)
        assert wrong(home) == {}
