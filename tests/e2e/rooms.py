"""A host with many rooms, each with an agent and a sandbox of its own: many faults are tried at once."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import docker
from attrs import define

from nanoclaw.cli.client import ask
from nanoclaw.core.sandbox_spec import INSTALL_LABEL, SESSION_LABEL
from nanoclaw.kit.clock import SystemClock
from nanoclaw.sandboxes.child import children_of, processes_of
from nanoclaw.store.verify import verify
from schema import sqlite
from tests.hostile.residents import furnish
from tests.hostile.town import TownHost
from tests.support.engines import walls
from tests.support.host import signal_each
from tests.support.platform import FakePlatform, Post
from tests.support.truth import rows


@define(eq=False)
class Rooms:
    """What a test sees of them."""

    around: Path
    platform: FakePlatform
    host: TownHost
    engine: str

    @property
    def home(self) -> Path:
        """The host's."""
        return self.around / "home"

    def say(self, room: str, text: str, number: int = 1) -> None:
        """Somebody says *text* there."""
        self.platform.say({"id": f"{room}-{number}", "text": text, "room": room})

    def heard(self, room: str) -> list[Post]:
        """What was posted there."""
        return [post for post in self.platform.posts if post.room == room]

    def ask(self, verb: str, **arguments: object) -> Any:
        """Ask the host, as the command line does."""
        return ask(self.home / "run" / "admin.sock", verb, arguments)

    def rows(self, sql: str, *values: str) -> list[Mapping[str, Any]]:
        """What the truth says."""
        return rows(self.home, sql, *values)

    def epochs(self, room: str) -> list[Mapping[str, Any]]:
        """The lives of the room's agent, the first first."""
        return self.rows(
            "SELECT e.* FROM epochs e JOIN sessions s ON s.id = e.session_id WHERE s.agent_group_id = ?"
            " ORDER BY e.number",
            f"agt-{room}",
        )

    def claims(self) -> set[tuple[str, int]]:
        """Which room's agent works on something, and in which of its lives."""
        found = self.rows(
            "SELECT s.agent_group_id, i.claimed_epoch FROM inbound i JOIN sessions s ON s.id = i.session_id"
            " WHERE i.claimed_epoch IS NOT NULL"
        )
        return {(_room(row["agent_group_id"]), int(row["claimed_epoch"])) for row in found}

    def signals(self) -> dict[str, dict[str, str]]:
        """What the host sees of each room's sandbox: the state of each signal."""
        seen = self.ask("status")["sandboxes"]["signals"]
        groups = self.rows("SELECT id, agent_group_id FROM sessions")
        rooms = {row["id"]: _room(row["agent_group_id"]) for row in groups}
        return {
            rooms[one["session"]]: {name: one[name]["state"] for name in ("process", "loop", "progress")}
            for one in seen
        }

    def signal(self, room: str, number: signal.Signals) -> None:
        """Signal the processes of the room's sandbox from outside, as the kernel may."""
        signal_each(self._processes(room), number)

    def _processes(self, room: str) -> list[int]:
        life = self.epochs(room)[-1]
        session, epoch = str(life["session_id"]), str(life["number"])
        if self.engine == "docker":
            found = self._container(session)
        else:
            found = processes_of(self.home / "sessions" / f"agt-{room}" / session / "out" / epoch)
        for pid in found:
            found += [child for child in children_of(pid) if child not in found]
        return found

    def _container(self, session: str) -> list[int]:
        (home,) = self.rows("SELECT install_id FROM home")
        with closing(docker.from_env()) as client:
            labels = [f"{INSTALL_LABEL}={home['install_id']}", f"{SESSION_LABEL}={session}"]
            (container,) = client.containers.list(filters={"label": labels})
            container.reload()
            return [int(container.attrs["State"]["Pid"])]


@contextmanager
def rooms(engine: str, settings: str, *names: str) -> Iterator[Rooms]:
    """A host with these rooms, each with an agent of its name; when the block is over it ends, and all is in order."""
    with tempfile.TemporaryDirectory(prefix="nc-") as folder, closing(FakePlatform()) as platform:
        around = Path(folder)
        furnish(around, (), names, None, f"[sandbox]\n{walls(engine)}{settings}")
        there = Rooms(around, platform, TownHost(around / "home", port=platform.port, around=around), engine)
        there.host.start()
        try:
            yield there
            code, said = there.host.stop(signal.SIGTERM)
        finally:
            there.host.end()
        assert code == 0, said
        conn = sqlite.open_read_only(there.home / "nanoclaw.db")
        try:
            assert verify(conn, there.home, host=None, now=SystemClock().now()) == []
        finally:
            conn.close()


def _room(group: str) -> str:
    return group.removeprefix("agt-")
