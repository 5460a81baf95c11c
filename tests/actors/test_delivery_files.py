"""Files that go out: handed to the channel with every attempt, and gone once their message is delivered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from attrs import define
from trio.testing import MockClock

from nanoclaw.actors.delivery import Delivery
from nanoclaw.core.delivery import DeliveryPolicy, InDoubt
from nanoclaw.errors import DeliveryError, NobodyThereError
from nanoclaw.kit.clock import TrioClock
from nanoclaw.kit.spool import Spool
from nanoclaw.kit.tree import TreeNode
from nanoclaw.model.files import LedgerFile
from nanoclaw.model.ids import OutboundId
from nanoclaw.model.messages import NewLedgerRow
from nanoclaw.store import dead, files, ledger
from nanoclaw.store.ledger import Lane
from schema import payloads
from schema.sqlite import fetch
from tests.support.central import CHANNEL, NOW, ROOM, World
from tests.support.inline_database import InlineDatabase
from tests.support.scripted_channel import ScriptedChannel

REFUSED = DeliveryError(channel=CHANNEL, why="no", retryable=False)
BUSY = DeliveryError(channel=CHANNEL, why="busy", retryable=True)
IN_DOUBT = DeliveryError(channel=CHANNEL, why="cut", retryable=True, reached=True)


@define
class Post:
    """A message that had a file, once it is decided."""

    store: InlineDatabase
    spool: Spool
    channel: ScriptedChannel
    delivery: Delivery
    decisions: trio.MemoryReceiveChannel[None]
    """One for each time that a message of it was decided, but the first."""

    def spooled(self) -> list[str]:
        """What is in the spool."""
        return sorted(path.name for path in self.spool.folder.iterdir())

    def state(self) -> str:
        """What became of the message."""
        return str(next(self.store.conn.execute("SELECT state FROM ledger"))[0])


@asynccontextmanager
async def post(
    folder: Path, *script: Exception | None, in_doubt: InDoubt = InDoubt.SEND_AGAIN, lost: bool = False
) -> AsyncIterator[Post]:
    store, spool = InlineDatabase(), Spool(folder)
    session = World(conn=store.conn).session()
    decide, decisions = trio.open_memory_channel[None](5)
    channel = ScriptedChannel(CHANNEL, in_doubt=in_doubt, script=list(script))
    delivery = Delivery(
        store,
        TrioClock(NOW),
        spool,
        {CHANNEL: channel},
        lambda _: decide.send_nowait(None),
        TreeNode("delivery"),
        policy=DeliveryPolicy(most_attempts=3, first_pause=10, longest_pause=100, jitter=0),
    )
    with spool.begin() as writing:
        writing.write(b"bytes")
        file = writing.finish()
    new = NewLedgerRow(
        id=OutboundId("one"),
        epoch=None,
        runner_id=None,
        digest="d",
        seq=None,
        in_reply_to=None,
        to=ROOM,
        kind="chat",
        content=payloads.write(payloads.ChatOut(text="", files=("whatever it was called",))),
        files=(LedgerFile(name="a.txt", size=file.size, digest=file.digest, spool_id=file.id),),
    )
    await store.transact(ledger.add, new, session=session, now=NOW)
    if lost:
        spool.remove([file.id])
    async with trio.open_nursery() as nursery:
        await nursery.start(delivery.run)
        await decisions.receive()
        yield Post(store, spool, channel, delivery, decisions)
        nursery.cancel_scope.cancel()
    store.close()


async def test_the_channel_gets_the_file_with_its_name_and_afterwards_it_is_gone(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with post(tmp_path) as p:
        assert p.channel.files == [{"a.txt": b"bytes"}]
        assert (p.state(), p.spooled()) == ("delivered", [])


async def test_it_is_there_for_every_attempt(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with post(tmp_path, BUSY, NobodyThereError(channel=CHANNEL), None) as p:
        assert p.channel.files == [{"a.txt": b"bytes"}] * 3
        assert (p.state(), p.spooled()) == ("delivered", [])


@pytest.mark.parametrize(
    ("trouble", "in_doubt", "state"),
    [(REFUSED, InDoubt.SEND_AGAIN, "dead"), (IN_DOUBT, InDoubt.PARK, "unknown")],
)
async def test_a_message_that_ends_without_arriving_keeps_its_file_and_is_whole_if_it_is_sent_again(
    autojump_clock: MockClock, tmp_path: Path, trouble: DeliveryError, in_doubt: InDoubt, state: str
) -> None:
    async with post(tmp_path, trouble, in_doubt=in_doubt) as p:
        (letter,) = dead.dead_letters(p.store.conn, 10)
        assert (p.state(), len(p.spooled())) == (state, 1)
        assert [row["spool_id"] for row in fetch(p.store.conn, files.NEEDED)] == p.spooled()
        dead.retry(p.store.conn, letter, now=NOW)
        p.delivery.nudge([Lane(ROOM.channel, ROOM.platform_id)])
        await p.decisions.receive()
        assert p.channel.files == [{"a.txt": b"bytes"}] * 2
        assert (p.state(), p.spooled()) == ("delivered", [])


async def test_a_message_that_is_set_aside_needs_its_file_no_more(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with post(tmp_path, REFUSED) as p:
        (letter,) = dead.dead_letters(p.store.conn, 10)
        dead.drop(p.store.conn, letter, now=NOW)
        assert files.needed(p.store.conn) == frozenset()


async def test_a_message_whose_file_is_gone_is_dead_and_its_channel_is_not_asked(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with post(tmp_path, lost=True) as p:
        assert p.state() == "dead"
        assert p.channel.tried == []
        error = next(p.store.conn.execute("SELECT error FROM ledger"))[0]
        assert error == "its file a.txt is no longer there"
