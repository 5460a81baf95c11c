"""A house with two rooms and one agent, who thinks with the model's real command line: a session and a sandbox a room.

Everything is real but the model's answers, which the test writes, and the chat platform. It lives for many tests.
"""

from __future__ import annotations

import json
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import docker
import pytest
import trio
from attrs import define, field

from nanoclaw.cli.client import ask
from nanoclaw.core.sandbox_spec import INSTALL_LABEL
from nanoclaw.kit.clock import SystemClock
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.model.settings import ContainerSettings
from nanoclaw.sandboxes.child import children_of, processes_of
from nanoclaw.store.db import open_database
from nanoclaw.store.home import make_folders
from nanoclaw.store.settings import set_settings
from nanoclaw.store.verify import verify
from schema import sqlite
from schema.files import OUTBOUND, SANDBOX_AGENT
from schema.sqlite import Connection
from tests.e2e.claude import is_idle
from tests.hostile.town import TownHost
from tests.runner.providers.claude import extra_server
from tests.support.central import World
from tests.support.docker_engine import CLAUDE_IMAGE, built_claude_image
from tests.support.engines import need, walls
from tests.support.model_api import ModelApi, model_in_thread
from tests.support.platform import FakePlatform, Post
from tests.support.platform_channel import CHANNEL
from tests.support.sampling import by_turns
from tests.support.truth import rows

KITCHEN, GARDEN = "kitchen", "garden"
AGENT = "nano"
PATIENCE_SECONDS = 90.0
LOOK_SECONDS = 0.05
ENGINES = by_turns(
    [
        pytest.param("bubblewrap", marks=pytest.mark.bubblewrap),
        pytest.param("docker", marks=[pytest.mark.docker, pytest.mark.claude_image]),
    ]
)


@define(eq=False)
class House:
    """What a test sees of it."""

    around: Path
    platform: FakePlatform
    model: ModelApi
    host: TownHost
    engine: str
    _said: int = field(default=0, init=False)
    _spoken: dict[str, float] = field(factory=dict[str, float], init=False)
    """When something was last said in a room."""

    @property
    def home(self) -> Path:
        """The host's."""
        return self.around / "home"

    @property
    def folder(self) -> Path:
        """The agent's, in which its tools work."""
        return self.home / "groups" / AGENT

    def say(self, text: str, room: str = KITCHEN) -> str:
        """Somebody says *text*; its id on the platform."""
        self._said += 1
        name = f"{room}-{self._said}"
        self._spoken[room] = time.time()
        self.platform.say({"id": name, "text": text, "room": room})
        return name

    def answers(self, message: str, number: int = 1) -> list[str]:
        """What was posted in answer to *message*, once there are *number* of them and the message is settled."""
        until(lambda: self.row(message)["settled_at"], lambda: (self.row(message), self.platform.posts))
        self.platform.await_posts(lambda posts: len(_answering(posts, message)) >= number, PATIENCE_SECONDS)
        return [post.text for post in _answering(self.platform.posts, message)]

    def await_posted(self, text: str) -> Post:
        """What was posted with *text* in it, once it is."""

        def found() -> list[Post]:
            return [post for post in self.platform.posts if text in post.text]

        until(found, lambda: self.platform.posts)
        return found()[0]

    def row(self, message: str) -> Mapping[str, Any]:
        """The message's row, once it has one."""
        found: list[Mapping[str, Any]] = []

        def look() -> bool:
            found[:] = self.rows(
                "SELECT i.* FROM inbound i JOIN events e ON e.id = i.event_id WHERE e.platform_message_id = ?", message
            )
            return bool(found)

        until(look, lambda: message)
        return found[0]

    def await_claim(self, message: str) -> None:
        """Wait until the runner has it in hand."""
        until(lambda: self.row(message)["claimed_epoch"] is not None, lambda: self.row(message))

    def await_asked(self, number: int) -> None:
        """Wait until the model was asked so often."""
        until(lambda: len(self.model.asked) >= number, lambda: self.model.asked)

    def await_written(self, text: str) -> None:
        """Wait until the model's command line has read *text*: it keeps a journal of what it has not answered yet."""
        until(lambda: any(text in path.read_text() for path in self.transcripts()))

    def transcripts(self) -> list[Path]:
        """What the model's command line remembers conversations by."""
        return [path for path in self.home.rglob("*.jsonl") if "projects" in path.parts]

    def rows(self, sql: str, *values: str) -> list[Mapping[str, Any]]:
        """What the truth says."""
        return rows(self.home, sql, *values)

    def session(self, room: str = KITCHEN) -> str:
        """The id of the room's session."""
        sql = (
            "SELECT s.id FROM sessions s JOIN messaging_groups m ON m.id = s.messaging_group_id WHERE m.platform_id = ?"
        )
        return str(self.rows(sql, room)[0]["id"])

    def epochs(self, room: str = KITCHEN) -> list[tuple[int, str | None]]:
        """The lives of the room's sandbox, and how each ended."""
        found = self.rows("SELECT number, ending FROM epochs WHERE session_id = ? ORDER BY number", self.session(room))
        return [(row["number"], row["ending"]) for row in found]

    def doing(self, room: str = KITCHEN) -> str:
        """What `nanoclaw status` says of the work of the room's sandbox."""
        seen = ask(self.home / "run" / "admin.sock", "status", {})["sandboxes"]["signals"]
        found = [one["progress"] for one in seen if one["session"] == self.session(room)]
        return f"{found[0]['state']}: {found[0]['detail']}" if found else "none"

    def await_doing(self, what: str, room: str = KITCHEN) -> None:
        """Wait until `nanoclaw status` says *what*."""
        until(lambda: what in self.doing(room), lambda: self.doing(room))

    def heartbeat(self, room: str = KITCHEN) -> float:
        """When the runner last gave a sign of life, in seconds."""
        epoch, _ = self.epochs(room)[-1]
        return self._out(self.session(room), epoch).joinpath("heartbeat").stat().st_mtime

    def processes(self) -> list[int]:
        """Everything that runs in sandboxes of this home."""
        if self.engine == "docker":
            (home,) = self.rows("SELECT install_id FROM home")
            with closing(docker.from_env()) as client:
                containers = client.containers.list(filters={"label": f"{INSTALL_LABEL}={home['install_id']}"})
                for container in containers:
                    container.reload()
                found = [int(container.attrs["State"]["Pid"]) for container in containers]
        else:
            live = self.rows("SELECT session_id, number FROM epochs WHERE ended_at IS NULL")
            found = [pid for row in live for pid in processes_of(self._out(row["session_id"], row["number"]))]
        for pid in found:
            found += [child for child in children_of(pid) if child not in found]
        return found

    def _out(self, session: str, epoch: int) -> Path:
        return self.home / "sessions" / f"agt-{AGENT}" / session / "out" / str(epoch)

    def await_calm(self) -> None:
        """Wait until nobody works and every runner says so.

        See that all is settled, that whoever was spoken to gave signs of life, and that nothing of the script is left.
        """
        until(lambda: not self.rows("SELECT 1 FROM inbound WHERE settled_at IS NULL"))
        until(lambda: not self.rows("SELECT 1 FROM ledger WHERE settled_at IS NULL"))
        assert not self.rows("SELECT * FROM inbound WHERE status <> 'completed' AND error IS NULL")
        assert not self.rows("SELECT * FROM ledger WHERE state <> 'delivered'")
        for live in self.rows("SELECT session_id, number FROM epochs WHERE ended_at IS NULL"):
            until(partial(is_idle, self._out(live["session_id"], live["number"]) / OUTBOUND))
        for room, at in self._spoken.items():
            # The clock of files lags by a tick of the kernel's.
            assert self.epochs(room)[-1][1] or self.heartbeat(room) > at - 0.05, f"no sign of life in the {room}"
        self._spoken.clear()
        assert not self.model._script
        self.model.reset()


def to(room: str, text: str) -> str:
    """The model's words for *text* to a room."""
    return f'<message to="{room}">{text}</message>'


def waits_for(name: str, then: str) -> str:
    """A shell's command: wait for a file of that name in the agent's folder, then do something."""
    return f"until [ -e {name} ]; do sleep 0.05; done; {then}"


def runs(pid: int) -> bool:
    """Is there such a process? One that has ended and that nobody has asked about does not run."""
    try:
        return "(zombie)" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def until(true: Callable[[], object], what: Callable[[], object] = str) -> None:
    """Wait for what other processes do."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < end, f"it did not come to pass: {what()}"
        time.sleep(LOOK_SECONDS)


@contextmanager
def claude_house(engine: str) -> Iterator[House]:
    """The house, with its host up. When the block is over the host ends, and all is in order."""
    need(engine)
    if engine == "docker":
        built = built_claude_image()
        assert isinstance(built, str), built
    with (
        tempfile.TemporaryDirectory(prefix="nc-") as folder,
        closing(FakePlatform()) as platform,
        model_in_thread() as model,
    ):
        around = Path(folder)
        _furnish(around, engine, model)
        house = House(around, platform, model, TownHost(around / "home", port=platform.port, around=around), engine)
        house.host.start()
        try:
            key = house.host.cli("secrets", "set", "anthropic", "--url", model.url, typed="sk-ant-api03-sesame")
            assert key.returncode == 0, key.stderr
            yield house
            code, said = house.host.stop(signal.SIGTERM)
        finally:
            house.host.end()
        assert code == 0, said
        conn = sqlite.open_read_only(house.home / "nanoclaw.db")
        try:
            assert verify(conn, house.home, host=None, now=SystemClock().now()) == []
        finally:
            conn.close()


def _furnish(around: Path, engine: str, model: ModelApi) -> None:
    home = around / "home"
    for name in ("home", "user", "tmp"):
        (around / name).mkdir()
    make_folders(home)
    agent = '[agent]\nprovider = "claude"\n[retry]\nfirst_pause_seconds = 0.05\n[web]\nenabled = false\n'
    (home / "nanoclaw.toml").write_text(f"[sandbox]\n{walls(engine, image=CLAUDE_IMAGE)}{agent}")
    program = Path(extra_server.__file__)
    (home / "groups" / AGENT).mkdir(exist_ok=True)
    (home / "groups" / AGENT / program.name).write_text(program.read_text())
    weather = {"command": "python3", "args": [f"{SANDBOX_AGENT}/{program.name}"], "env": {"PLACE": "Bergen"}}

    def fill(conn: Connection) -> None:
        world = World(conn=conn, now=SystemClock().now())
        agent = world.agent(AGENT)
        for room in (KITCHEN, GARDEN):
            world.wire(world.chat(room, channel=CHANNEL), agent)
        world.owner(channel=CHANNEL)
        given = ContainerSettings(
            agent_group_id=AgentGroupId(agent.id),
            mcp_servers=json.dumps({"weather": weather}),
            base_url=model.url,
            updated_at=world.now,
        )
        set_settings(conn, given)

    async def make() -> None:
        async with open_database(home / "nanoclaw.db") as store:
            await store.transact(fill)

    trio.run(make)


def _answering(posts: Sequence[Post], message: str) -> list[Post]:
    return [post for post in posts if post.answers == message]
