"""A town: a real host over docker or bubblewrap, good rooms in which people talk all the time, rooms with evil agents.

Whatever is attacked, the end is the same: the good rooms noticed nothing, the machine is as it was.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import docker
from attrs import define, field

from nanoclaw.core.sandbox_spec import INSTALL_LABEL
from nanoclaw.kit.clock import SystemClock
from nanoclaw.sandboxes.log import MOST_LOG_BYTES
from nanoclaw.store.verify import verify
from schema import sqlite
from tests.hostile.evil_bubblewrap import make_attacks
from tests.hostile.image import evil_image
from tests.hostile.measures import Most, canaries, use_of, watching
from tests.hostile.neighbour import MOST_DELAY, Neighbour, within
from tests.hostile.residents import SETTINGS, Evil, furnish
from tests.support.engines import walls
from tests.support.host import HostProcess
from tests.support.platform import FakePlatform, Post
from tests.support.truth import rows

SECONDS = 90.0
LOOK_SECONDS = 0.05
STOP_SECONDS = 10.0
MOST_MEMORY = 300 << 20
MOST_THREADS = 64
DESCRIPTORS_SECONDS = 60.0
DESCRIPTORS_EACH = 8
"""Of one sandbox that runs."""
STRACE = ("strace", "-D", "-f", "--seccomp-bpf", "-A", "-e", "trace=openat,unlink,unlinkat,rename,renameat2", "-o")
CANARY = {"NANOCLAW_CANARY": "kumquat of the host"}
"""The fruit is in files and variables that no sandbox may see, and must be in nothing that is said or logged."""


@define(eq=False)
class TownHost(HostProcess):
    """The host of a town, told of a platform, with a user's home and a folder for temporary files of its own."""

    port: int = field(kw_only=True)
    around: Path = field(kw_only=True)
    environment: Mapping[str, str] = field(factory=dict[str, str], kw_only=True)
    attacks: Path | None = field(default=None, kw_only=True)
    """What evil sandboxes of bubblewrap see besides; None: they are docker's."""
    trace: Path | None = field(default=None, kw_only=True)
    """Where strace shall write which files it opens and removes."""

    def _words(self, arguments: Sequence[str]) -> list[str] | None:
        if list(arguments) == ["up"]:
            strace = [] if self.trace is None else [*STRACE, str(self.trace)]
            words = [str(self.home), str(self.port), *([] if self.attacks is None else [str(self.attacks)])]
            return [*strace, sys.executable, "-m", "tests.hostile.town_host", *words]
        return super()._words(arguments)

    def _variables(self) -> Mapping[str, str]:
        return {"HOME": str(self.around / "user"), "TMPDIR": str(self.around / "tmp"), **CANARY, **self.environment}


@define(eq=False)
class Town:
    """What a test sees of it."""

    around: Path
    """Where everything is; nothing but this is the town's."""
    platform: FakePlatform
    host: TownHost
    neighbours: tuple[Neighbour, ...]
    evils: tuple[Evil, ...]
    most: Most
    daemon: str | None
    """Where the engine answers; None: where it usually does."""

    @property
    def home(self) -> Path:
        """The host's."""
        return self.around / "home"

    @property
    def canary(self) -> Path:
        """A file of the user's."""
        return self.around / "user" / "precious"

    def restart_host(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        """End the host as a power cut would, and start it again; until it is there nobody expects answers at once."""
        for neighbour in self.neighbours:
            neighbour.excused = True
        self.host.kill()
        meanwhile()
        self.host.start()
        for neighbour in self.neighbours:
            neighbour.await_calm()

    def say(self, room: str, number: int = 1, **more: object) -> None:
        """Somebody says something in an evil room."""
        self.platform.say({"id": f"{room}-{number}", "text": f"message {number}", "room": room, **more})

    def wake_all(self) -> None:
        """Say something in every evil room."""
        for evil in self.evils:
            self.say(evil.name)

    def heard(self, room: str) -> list[Post]:
        """What was posted there."""
        return [post for post in self.platform.posts if post.room == room]

    def await_answer(self, room: str, number: int = 1) -> None:
        """Wait until message *number* is answered; the demo agent says what it is an answer to."""
        wanted = f"{room}-{number}"
        answered = self.platform.await_posts(lambda posts: any(post.answers == wanted for post in posts), SECONDS)
        assert answered, f"{wanted} is not answered: {self.endings(room)}"

    def answers(self, room: str, number: int) -> int:
        """How often message *number* was answered: alone, or together with others."""
        return sum(post.text.count(f"“message {number}”") for post in self.heard(room))

    def rows(self, sql: str, *values: str) -> list[Mapping[str, Any]]:
        """What the truth says."""
        return rows(self.home, sql, *values)

    def endings(self, room: str) -> list[tuple[str, str]]:
        """How each epoch of an evil agent has ended, and why, the first first."""
        found = self.rows(
            "SELECT e.ending, e.detail FROM epochs e JOIN sessions s ON s.id = e.session_id"
            " WHERE s.agent_group_id = ? AND e.ending IS NOT NULL ORDER BY e.number",
            f"agt-{room}",
        )
        return [(row["ending"], row["detail"] or "") for row in found]

    def session(self, room: str) -> str:
        """The id of the evil agent's session."""
        (row,) = self.rows("SELECT id FROM sessions WHERE agent_group_id = ?", f"agt-{room}")
        return str(row["id"])

    def report(self, room: str) -> dict[str, Any]:
        """What the attack said of itself; empty if it has not yet."""
        path = self.home / "groups" / room / "report.json"
        found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return found

    def await_report(self, room: str) -> dict[str, Any]:
        """What the attack said of itself, once it has."""
        until(lambda: self.report(room), what=lambda: (room, self.endings(room)))
        return self.report(room)

    def client(self) -> Any:
        """A client of the engine."""
        return docker.from_env() if self.daemon is None else docker.DockerClient(self.daemon)

    def containers(self) -> list[Any]:
        """Every container of this home; none where sandboxes are bubblewrap's."""
        if self.host.attacks is not None:
            return []
        (row,) = self.rows("SELECT install_id FROM home")
        client = self.client()
        try:
            return list(
                client.containers.list(
                    all=True, ignore_removed=True, filters={"label": f"{INSTALL_LABEL}={row['install_id']}"}
                )
            )
        finally:
            client.close()

    def descriptors_left(self, before: int) -> int:
        """How many more the host has open than *before*, but for those of its containers; those take a while to go."""

        def left() -> int:
            running = len(self.containers()) or len(self.rows("SELECT 1 FROM epochs WHERE ending IS NULL"))
            return use_of(self.host.pid).descriptors - before - DESCRIPTORS_EACH * running

        end = time.monotonic() + DESCRIPTORS_SECONDS
        while (found := left()) > 0 and time.monotonic() < end:
            time.sleep(LOOK_SECONDS)
        return found

    def all_text(self) -> str:
        """Everything that people and operators may read: posts, logs."""
        logs = [path.read_text(errors="replace") for path in self.home.glob("logs/**/*.log")]
        return "\n".join([*logs, *(post.text for post in self.platform.posts)])


def until(true: Callable[[], object], seconds: float = SECONDS, what: Callable[[], object] = str) -> None:
    """Wait until *true()* is; the real world has no mock clock."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"it did not come to pass: {what()}"
        time.sleep(LOOK_SECONDS)


@contextmanager
def town(
    *evils: Evil,
    note: Callable[..., None],
    good: int = 1,
    settings: str = "",
    environment: Mapping[str, str] | None = None,
    prepare: Callable[[Path], None] = lambda _: None,
    trace: Path | None = None,
    rooms: Sequence[str] = (),
    daemon: str | None = None,
    engine: str = "docker",
) -> Iterator[Town]:
    """A town with these agents, in which everybody talks already; the common ending is checked when the block is over.

    Args:
      evils: The evil agents, each in a room of its own name.
      note: Takes the figures.
      good: How many good rooms there are.
      settings: More of nanoclaw.toml.
      environment: More of the host's environment.
      prepare: Told the folder around everything before the host starts.
      trace: Where to write which files the host opens and removes.
      rooms: More rooms with good agents, in which nobody talks by himself.
      daemon: Where the engine answers; None: where it usually does.
      engine: docker or bubblewrap.
    """
    where = {} if daemon is None else {"DOCKER_HOST": daemon}
    with tempfile.TemporaryDirectory(prefix="nc-") as folder, closing(FakePlatform()) as platform:
        around = Path(folder)
        home = around / "home"
        quiet = [f"good-{number}" for number in range(good)] + list(rooms)
        walled = evil_image(daemon) if evils and engine == "docker" else None
        furnish(around, evils, quiet, walled, f"[sandbox]\n{walls(engine)}{SETTINGS}{settings}")
        attacks = make_attacks(around / "attacks") if engine == "bubblewrap" else None
        prepare(around)
        where |= environment or {}
        host = TownHost(home, port=platform.port, around=around, environment=where, attacks=attacks, trace=trace)
        neighbours = tuple(Neighbour(platform, f"good-{number}") for number in range(good))
        busy = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
        before = canaries(around)
        host.start()
        try:
            for neighbour in neighbours:
                neighbour.start()
            descriptors = use_of(host.pid).descriptors
            with watching(lambda: host.pid) as most:
                there = Town(around, platform, host, neighbours, evils, most, daemon)
                yield there
            for neighbour in neighbours:
                neighbour.stop()
            left = there.descriptors_left(descriptors)
            begin = time.monotonic()
            code, said = host.stop(signal.SIGTERM)
            took = time.monotonic() - begin
        finally:
            host.end()
        note(
            said_by_good=sum(len(one.delays) for one in neighbours),
            p50_ms=round(1000 * within(0.5, neighbours)),
            p99_ms=round(1000 * within(0.99, neighbours)),
            load_before=round(busy * (os.cpu_count() or 1)),
            most_threads=most.threads,
            most_mib=most.memory >> 20,
        )
        _check_end(there, before, busy)
        assert code == 0, said
        assert took < STOP_SECONDS * busy, f"stopping took {took:.1f} s"
        assert left <= 0, f"{left} descriptors too many"


def _check_end(there: Town, before: object, busy: float) -> None:
    """Nobody noticed anything, and nothing is left."""
    assert canaries(there.around) == before
    for neighbour in there.neighbours:
        neighbour.check()
    # *busy* is how many times too slow the machine was before.
    assert within(0.99, there.neighbours) < MOST_DELAY * busy, f"they waited {within(0.99, there.neighbours):.2f} s"
    conn = sqlite.open_read_only(there.home / "nanoclaw.db")
    try:
        problems = verify(conn, there.home, host=None, now=SystemClock().now())
        assert problems == [], problems
    finally:
        conn.close()
    ended = there.rows(
        "SELECT e.* FROM epochs e JOIN sessions s ON s.id = e.session_id"
        " WHERE s.agent_group_id LIKE 'agt-good-%' AND e.ending = 'quarantined'"
    )
    assert ended == []
    assert there.containers() == []
    assert "kumquat" not in there.all_text()
    assert list((there.around / "tmp").iterdir()) == []
    assert there.most.memory < MOST_MEMORY
    assert there.most.threads <= MOST_THREADS
    for log in there.home.glob("logs/sandboxes/*/*.log"):
        assert log.stat().st_size <= MOST_LOG_BYTES
