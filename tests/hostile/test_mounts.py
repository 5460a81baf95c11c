"""Folders of the machine in evil sandboxes: what is allowed and nothing else, whatever is swapped meanwhile."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import Figures
from tests.hostile.conftest import BuildTown
from tests.hostile.residents import Evil

STARTS = 4
ATTACK = "at_31_mounts"
ALLOWED = """
[[roots]]
path = "~/projects"
read_write = true
[[roots]]
path = "~"
"""


def mounts(*wanted: tuple[str, str], read_write: bool) -> str:
    """As they are in the settings of an agent group: path and name of each."""
    return json.dumps([{"hostPath": path, "containerPath": name, "readonly": not read_write} for path, name in wanted])


def prepare(around: Path) -> None:
    """An operator's folders, and the allow-list."""
    user = around / "user"
    for folder in (".config/nanoclaw", ".ssh", "projects/house/inner", "notes"):
        (user / folder).mkdir(parents=True)
    (user / ".config" / "nanoclaw" / "mounts.toml").write_text(ALLOWED)
    (user / ".ssh" / "id_ed25519").write_text("kumquat of a key")
    (user / "notes" / "today").write_text("a note")
    (user / "projects" / "house").chmod(0o777)
    (user / "projects" / "house" / "inner").chmod(0o777)


def test_only_what_is_allowed_is_mounted_and_what_a_sandbox_can_swap_never_is(
    build_town: BuildTown, figures: Figures
) -> None:
    """AT-31. The table of what is blocked, and the races by the thousand, are in tests/composing/.

    One agent may change a folder, and swaps what is in it for a link to /etc as fast as it can; another one wants just
    that mounted, and is started again and again.
    """
    asked = [
        ("~/projects/house", "work"),
        ("~/notes", "notes"),
        ("~/.ssh", "keys"),
        ("/etc", "machine"),
        ("~", "user"),
    ]
    asked.append(("/var/run/docker.sock", "engine"))
    swaps = Evil(name="swaps", attack=ATTACK, words=("work",), mounts=mounts(*asked, read_write=True))
    inner = mounts(("~/projects/house/inner", "inner"), read_write=False)
    wants = Evil(name="wants", attack=ATTACK, mounts=inner, epochs=STARTS)
    with build_town(swaps, wants, prepare=prepare) as there:
        there.say("swaps")
        seen = there.await_report("swaps")["seen"]
        assert set(seen) == {"work", "notes"}
        assert (seen["work"]["write"], seen["notes"]["write"]) == ("done", "Read-only file system")
        assert seen["notes"]["text"] == "a note"
        for number in range(1, STARTS + 1):
            there.say("wants", number)
            assert there.await_report("wants")["seen"] == {}
            there.await_answer("wants", number)
            (there.home / "groups" / "wants" / "report.json").unlink()
            assert there.host.cli("groups", "restart", "wants").returncode == 0
        log = (there.home / "logs" / "nanoclaw.log").read_text()
        assert log.count("mount_refused") >= STARTS + 4
        figures(starts=STARTS)
