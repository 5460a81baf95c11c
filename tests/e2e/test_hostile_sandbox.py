"""One agent has turned hostile; the other's people notice nothing, and the host outlives every attack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
from attrs import define, evolve

from nanoclaw import app, config
from nanoclaw.kit.clock import SystemClock
from nanoclaw.kit.ids import mint
from nanoclaw.model.entities import AgentGroup, MessagingGroup, UnknownSenderPolicy
from nanoclaw.model.ids import AgentGroupId, MessagingGroupId
from nanoclaw.sandboxes.log import MOST_LOG_BYTES
from nanoclaw.sandboxes.runtime import find_runtime
from nanoclaw.settings import RetrySettings, WebSettings
from nanoclaw.store import entities, wirings
from nanoclaw.store.db import open_database
from nanoclaw.store.home import make_folders
from nanoclaw.store.verify import verify
from schema import sqlite
from schema.sqlite import Connection
from tests.support.central import always
from tests.support.evil_engine import EVIL_FOLDER, EvilEngine
from tests.support.platform import FakePlatform, PlatformClient
from tests.support.platform_channel import CHANNEL, PlatformChannel

GOOD_SECONDS = 120.0
SPOKEN = 5

OPEN_OUTBOX = "c = apsw.Connection(str(out / 'outbound.db'))\n"
HANG = "time.sleep(1000)\n"
ATTACKS = {
    "garbage": "(out / 'outbound.db').write_bytes(os.urandom(8192)); (out / 'x').touch(); (out / 'x').unlink()\n",
    "wal": OPEN_OUTBOX + "c.pragma('journal_mode', 'wal'); c.execute('delete from messages_out')\n",
    "symlink": "(out / 'outbound.db').unlink(); (out / 'outbound.db').symlink_to('/etc/passwd')\n",
    "fifo": "(out / 'outbound.db').unlink(); os.mkfifo(out / 'outbound.db')\n",
    "view": OPEN_OUTBOX
    + "c.execute('drop table messages_out; create view messages_out as with recursive r(n) as"
    + " (select 1 union all select n + 1 from r) select n as id from r')\n",
    "sparse": "os.truncate(out / 'outbound.db', 1 << 40)\n",
    "lock": "c = apsw.Connection(str(inside / 'inbound.db'), flags=apsw.SQLITE_OPEN_READONLY)\n"
    "c.execute('begin'); c.execute('select * from meta').fetchall()\n",
    "noise": "[sys.stderr.write('x' * 65536) for _ in range(2000)]\n",
    "restless": "while True:\n    (out / 'x').touch(); (out / 'x').unlink()\n",
}
QUARANTINED = {"garbage", "wal", "symlink", "fifo", "view", "sparse"}


@define
class Town:
    """A home with a good and an evil agent, each in a room of its own."""

    home: Path
    platform: PlatformClient
    port: int

    def say(self, room: str, number: int) -> None:
        self.platform.ask(op="say", id=f"{room}-{number}", text=f"message {number}", room=room)

    def heard(self, room: str) -> list[str]:
        posts = self.platform.ask(op="posts")["posts"]
        return [post["text"] for post in posts if post["room"] == room]

    def endings(self) -> list[str]:
        conn = sqlite.open_read_only(self.home / "nanoclaw.db")
        try:
            rows = sqlite.fetch(
                conn,
                "SELECT e.ending FROM epochs e JOIN sessions s ON s.id = e.session_id"
                " WHERE s.agent_group_id = 'agt-evil' AND e.ending IS NOT NULL ORDER BY e.number",
            )
            return [str(row["ending"]) for row in rows]
        finally:
            conn.close()


@pytest.fixture
def town(home: Path) -> Iterator[Town]:
    home.mkdir()
    make_folders(home)
    platform = FakePlatform()
    town = Town(home, PlatformClient(platform.port), platform.port)
    yield town
    town.platform.close()
    platform.close()


def settle_in(conn: Connection) -> None:
    """Two agents, each wired to its room."""
    now = SystemClock().now()
    for name in ("good", EVIL_FOLDER):
        agent = AgentGroup(id=AgentGroupId(f"agt-{name}"), name=name, folder=name, created_at=now)
        room = MessagingGroup(
            id=MessagingGroupId(f"chat-{name}"),
            channel=CHANNEL,
            platform_id=name,
            name=name,
            is_group=True,
            unknown_sender_policy=UnknownSenderPolicy.PUBLIC,
            created_at=now,
        )
        entities.add_agent_group(conn, agent)
        entities.add_messaging_group(conn, room)
        wirings.add_wiring(conn, always(mint("wir"), room.id, agent.id, now=now), now=now)


@pytest.mark.slow
@pytest.mark.parametrize("name", ATTACKS)
async def test_an_attack_harms_nobody_else(name: str, town: Town) -> None:
    settings = config.Config(
        home=town.home,
        retry=evolve(RetrySettings(), first_pause_seconds=0.05),
        web=WebSettings(enabled=False),
    )
    engine = EvilEngine(find_runtime(), ATTACKS[name] + HANG)
    passwords = Path("/etc/passwd").read_bytes()  # noqa: ASYNC240 - a canary
    async with open_database(settings.database) as store:
        await store.transact(settle_in)
    async with trio.open_nursery() as nursery:
        await nursery.start(
            lambda *, task_status: app.serve(
                settings,
                announce=lambda _: None,
                engines=lambda: [engine],
                more_channels=lambda: [PlatformChannel(town.port)],
                task_status=task_status,
            )
        )
        for number in range(SPOKEN):
            town.say(EVIL_FOLDER, number)
            town.say("good", number)
        await until(lambda: len(town.heard("good")) == SPOKEN)
        town.say(EVIL_FOLDER, SPOKEN)
        if name in QUARANTINED:
            await until(lambda: "quarantined" in town.endings())
        if name == "lock":
            await until(lambda: "killed" in town.endings())
        town.say("good", SPOKEN)
        await until(lambda: len(town.heard("good")) == SPOKEN + 1)
        nursery.cancel_scope.cancel()
    assert len(set(town.heard("good"))) == SPOKEN + 1
    assert not [text for text in town.heard(EVIL_FOLDER) if "root:" in text]
    assert Path("/etc/passwd").read_bytes() == passwords  # noqa: ASYNC240 - a canary
    conn = sqlite.open_read_only(settings.database)
    try:
        assert verify(conn, town.home, host=None, now=SystemClock().now()) == []
    finally:
        conn.close()
    for log in town.home.glob("logs/sandboxes/*/*.log"):
        assert log.stat().st_size <= MOST_LOG_BYTES


async def until(true: object) -> None:
    """Wait until *true()* is; the real world has no mock clock."""
    assert callable(true)
    with trio.fail_after(GOOD_SECONDS):
        while not await trio.to_thread.run_sync(true):  # noqa: ASYNC110 - it asks other processes
            await trio.sleep(0.05)
