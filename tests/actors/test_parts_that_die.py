"""The host dies at every await point of a message in five parts with a file: the next one goes on with the right part.

Between the two lives the program changes, so that it would cut the message otherwise: what was decided stays.
"""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import pytest
import trio
from attrs import define, field

from nanoclaw.actors.delivery import Delivery
from nanoclaw.core.delivery import DeliveryPolicy, InDoubt
from nanoclaw.core.parts import Limits
from nanoclaw.kit.clock import TrioClock
from nanoclaw.kit.spool import Spool
from nanoclaw.kit.tree import TreeNode
from nanoclaw.model.files import LedgerFile
from nanoclaw.model.ids import OutboundId, SpoolId
from nanoclaw.model.messages import LedgerState, NewLedgerRow
from nanoclaw.store import ledger
from schema import payloads
from tests.support.central import CHANNEL, NOW, ROOM, World
from tests.support.dying import Death, MortalStore, die_everywhere
from tests.support.inline_database import InlineDatabase
from tests.support.inline_threads import InlineThreads
from tests.support.limited_channel import LimitedChannel, LimitedPlatform, Once

PARTS = [f"{word} {'x' * 50}" for word in ("one", "two", "six", "ten", "end")]
ROW = OutboundId("m1")


@define(eq=False)
class Story:
    """One message, one platform, and as many hosts as it takes."""

    folder: Path
    once: Once
    in_doubt: InDoubt
    store: InlineDatabase = field(factory=InlineDatabase)
    platform: LimitedPlatform = field(factory=LimitedPlatform)
    lives: itertools.count[int] = field(factory=itertools.count)

    def __attrs_post_init__(self) -> None:
        (self.folder / "file-1").write_bytes(b"x")
        file = LedgerFile(name="f", size=1, digest="d", spool_id=SpoolId("file-1"))
        new = NewLedgerRow(
            id=ROW,
            epoch=None,
            runner_id=None,
            digest="d",
            seq=None,
            in_reply_to=None,
            to=ROOM,
            kind="chat",
            content=payloads.write(payloads.ChatOut(text="\n\n".join(PARTS), files=("f",))),
            files=(file,),
        )
        ledger.add(self.store.conn, new, session=World(conn=self.store.conn).session(), now=NOW)

    async def live(self, death: Death) -> None:
        """Deliver until the message is decided."""
        decided = trio.Event()
        first = next(self.lives) == 0
        channel = LimitedChannel(
            CHANNEL,
            self.platform,
            once=self.once,
            in_doubt=self.in_doubt,
            limits=Limits(text=64 if first else 80),
            alive=death.alive,
        )
        delivery = Delivery(
            MortalStore(self.store, death),
            TrioClock(NOW),
            Spool(self.folder),
            {CHANNEL: channel},
            lambda _: decided.set(),
            TreeNode("delivery"),
            policy=DeliveryPolicy(jitter=0),
            threads=InlineThreads(),
        )
        if self.state() in {LedgerState.DELIVERED, LedgerState.UNKNOWN}:
            return
        async with trio.open_nursery() as nursery:
            await nursery.start(delivery.run)
            await decided.wait()
            nursery.cancel_scope.cancel()

    def state(self) -> LedgerState:
        """What became of it."""
        row = ledger.get(self.store.conn, ROW)
        assert row is not None
        return row.state


@pytest.mark.parametrize(
    ("once", "in_doubt"),
    [
        (Once.KEY, InDoubt.PARK),
        (Once.READ_BACK, InDoubt.PARK),
        (Once.NONE, InDoubt.SEND_AGAIN),
        (Once.NONE, InDoubt.PARK),
    ],
)
async def test_a_message_in_parts_goes_on_with_the_right_part_wherever_its_host_dies(
    tmp_path: Path, once: Once, in_doubt: InDoubt
) -> None:
    doubled: list[str] = []
    parked: list[int] = []

    def make() -> Story:
        return Story(Path(tempfile.mkdtemp(dir=tmp_path)), once, in_doubt)

    def look(story: Story) -> None:
        posts, state = story.platform.posts, story.state()
        if state is LedgerState.UNKNOWN:
            parked.append(len(posts))
            assert story.platform.texts() == PARTS[: len(posts)]
            return
        assert state is LedgerState.DELIVERED
        told = [text for text, _ in itertools.groupby(story.platform.texts())]
        assert told == PARTS, "every part, in order"
        assert all(post.files == (("f",) if post.text == PARTS[-1] else ()) for post in posts)
        assert len(posts) <= len(PARTS) + 1, "at most the part that was in doubt is there twice"
        doubled.extend(post.key for post in posts[len(PARTS) :])
        story.store.close()

    points = await die_everywhere(make, look)
    assert points > 20
    assert bool(doubled) is (once is Once.NONE and in_doubt is InDoubt.SEND_AGAIN)
    assert set(parked) == (set(range(len(PARTS) + 1)) if once is Once.NONE and in_doubt is InDoubt.PARK else set())
