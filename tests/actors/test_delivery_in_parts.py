"""Messages that a platform cannot show at once: in parts, in order, each once as far as the platform allows."""

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
from nanoclaw.core.parts import GONE, Limits
from nanoclaw.core.speech import Ability
from nanoclaw.errors import DeliveryError, NobodyThereError
from nanoclaw.kit.clock import TrioClock
from nanoclaw.kit.spool import Spool
from nanoclaw.kit.tree import TreeNode
from nanoclaw.model.files import LedgerFile
from nanoclaw.model.ids import OutboundId, SessionId
from nanoclaw.model.messages import NewLedgerRow
from nanoclaw.store import dead, inbound, ledger
from schema import payloads
from schema.rows import OutKind
from schema.sqlite import fetch
from tests.support.central import CHANNEL, NOW, ROOM, World
from tests.support.inline_database import InlineDatabase
from tests.support.inline_threads import InlineThreads
from tests.support.limited_channel import LimitedChannel, LimitedPlatform, Once

WORDS = ["one", "two", "six", "ten", "end"]
LONG = "\n\n".join(f"{word} {'x' * 50}" for word in WORDS)
PARTS = LONG.split("\n\n")
BUSY = DeliveryError(channel=CHANNEL, why="busy", retryable=True)
ASKED_TO_WAIT = DeliveryError(channel=CHANNEL, why="slow down", retryable=True, retry_after=5)
IN_DOUBT = DeliveryError(channel=CHANNEL, why="cut", retryable=True, reached=True)
REFUSED = DeliveryError(channel=CHANNEL, why="no", retryable=False)


@define
class Scene:
    """A session that says things, and a platform."""

    store: InlineDatabase
    spool: Spool
    session: SessionId
    delivery: Delivery
    platform: LimitedPlatform
    said: int = 0

    def say(self, text: str, *files: int, kind: OutKind = OutKind.CHAT, content: str | None = None) -> OutboundId:
        """Put a message with files of so many bytes into the ledger, and nudge."""
        self.said += 1
        row = OutboundId(f"m{self.said}")
        names = [f"f{number}" for number in range(len(files))]
        kept = []
        for name, size in zip(names, files, strict=True):
            with self.spool.begin() as writing:
                writing.write(b"x" * size)
                done = writing.finish()
            kept.append(LedgerFile(name=name, size=size, digest=done.digest, spool_id=done.id))
        new = NewLedgerRow(
            id=row,
            epoch=None,
            runner_id=None,
            digest="d",
            seq=None,
            in_reply_to=None,
            to=ROOM,
            kind=kind.value,
            content=content or payloads.write(payloads.ChatOut(text=text, files=tuple(names))),
            files=tuple(kept),
        )
        ledger.add(self.store.conn, new, session=self.session, now=NOW)
        self.delivery.nudge([ledger.Lane(CHANNEL, ROOM.platform_id)])
        return row

    def states(self) -> list[tuple[str, int, str | None]]:
        """What became of each message: its state, its attempts, and why."""
        rows = fetch(self.store.conn, "SELECT state, attempts, error FROM ledger ORDER BY position")
        errors = [None if row["error"] is None else str(row["error"]) for row in rows]
        return [(str(row["state"]), int(str(row["attempts"])), error) for row, error in zip(rows, errors, strict=True)]

    def spooled(self) -> list[str]:
        """What is in the spool."""
        return [path.name for path in self.spool.folder.iterdir()]

    def notes(self) -> list[str]:
        """What the agent was told."""
        return [row.content for row in inbound.open_rows(self.store.conn, self.session) if not row.trigger]


@asynccontextmanager
async def scene(folder: Path, *script: Exception | None, **channel: object) -> AsyncIterator[Scene]:
    store, spool = InlineDatabase(), Spool(folder)
    session = World(conn=store.conn).session()
    platform = LimitedPlatform()
    limited = LimitedChannel(CHANNEL, platform, script=list(script), **channel)  # type: ignore[arg-type]  # by name
    delivery = Delivery(
        *(store, TrioClock(NOW), spool, {CHANNEL: limited}, lambda _: None, TreeNode("delivery")),
        policy=DeliveryPolicy(most_attempts=3, first_pause=10, longest_pause=100, jitter=0),
        threads=InlineThreads(),
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(delivery.run)
        yield Scene(store, spool, session, delivery, platform)
        nursery.cancel_scope.cancel()
    store.close()


async def test_a_long_message_arrives_in_parts_with_its_file_at_the_end(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with scene(tmp_path) as s:
        s.say(LONG, 3)
        s.say("short")
        await trio.sleep(1)
        assert s.platform.texts() == [*PARTS, "short"]
        assert [post.files for post in s.platform.posts] == [(), (), (), (), ("f0",), ()]
        assert [post.key for post in s.platform.posts] == [*(f"m1/{number}" for number in range(5)), "m2"]
        assert s.states() == [("delivered", 1, None)] * 2
        assert s.spooled() == []


async def test_a_send_goes_on_with_the_part_that_failed_and_each_part_has_all_attempts(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with scene(tmp_path, BUSY, BUSY, None, BUSY, ASKED_TO_WAIT, BUSY, None) as s:
        s.say(LONG)
        await trio.sleep(100)
        assert s.platform.texts() == PARTS
        assert s.states() == [("delivered", 1, None)]


@pytest.mark.parametrize(("once", "twice"), [(Once.KEY, 0), (Once.READ_BACK, 0), (Once.NONE, 1)])
async def test_only_a_part_in_doubt_can_be_there_twice_and_only_where_nothing_tells(
    tmp_path: Path, autojump_clock: MockClock, once: Once, twice: int
) -> None:
    async with scene(tmp_path, once=once, lost={3}) as s:
        s.say(LONG)
        await trio.sleep(100)
        assert s.platform.texts() == [*PARTS[:3], *[PARTS[2]] * twice, *PARTS[3:]]
        channel = s.delivery._channels[CHANNEL]
        assert isinstance(channel, LimitedChannel)
        assert channel.looks == (once is Once.READ_BACK)


async def test_where_doubt_parks_the_rest_waits_for_a_person_and_goes_on_there(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with scene(tmp_path, None, None, IN_DOUBT, in_doubt=InDoubt.PARK) as s:
        row = s.say(LONG)
        await trio.sleep(100)
        assert s.platform.texts() == PARTS[:2]
        ((state, _, error),) = s.states()
        assert (state, error) == ("unknown", "part 3 of 5: test: cut")
        letter = ledger.get(s.store.conn, row)
        assert letter is not None
        dead.retry(s.store.conn, letter, now=NOW)
        s.delivery.nudge([ledger.Lane(CHANNEL, ROOM.platform_id)])
        await trio.sleep(100)
        assert s.platform.texts() == PARTS


async def test_a_part_that_is_refused_for_good_ends_the_message_and_its_agent_hears_which(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with scene(tmp_path, None, REFUSED) as s:
        s.say(LONG)
        await trio.sleep(1)
        assert s.states() == [("dead", 1, "part 2 of 5: test: no")]
        assert any("part 2 of 5" in note for note in s.notes())


async def test_nobody_being_there_costs_no_attempt_in_the_middle_either(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with scene(tmp_path, None, NobodyThereError(channel=CHANNEL)) as s:
        s.say(LONG)
        await trio.sleep(1)
        assert s.states() == [("pending", 0, None)]
        s.delivery.ready(CHANNEL)
        await trio.sleep(1)
        assert s.platform.texts() == PARTS


async def test_files_that_are_too_large_are_left_out_and_the_agent_is_told(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with scene(tmp_path, limits=Limits(text=64, file_bytes=10, files=1)) as s:
        s.say("see", 3, 11, 4)
        s.say("", 12)
        await trio.sleep(1)
        assert [(post.text, post.files, post.key) for post in s.platform.posts] == [
            ("see", ("f0",), "m1/0"),
            ("", ("f2",), "m1/1"),
        ]
        assert [state for state, _, _ in s.states()] == ["delivered", "dead"]
        first, second = s.notes()
        assert "was sent without these files: f1 (larger than the" in first
        assert "f0: larger than the" in second
        assert len(s.spooled()) == 1, "a dead letter keeps its files, as it may be sent again"


async def test_an_edit_changes_the_parts_where_they_stand(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with scene(tmp_path, abilities=frozenset({Ability.EDIT})) as s:
        row = ledger.get(s.store.conn, s.say(LONG))
        assert row is not None
        assert row.seq is not None
        await trio.sleep(1)
        s.say("", kind=OutKind.EDIT, content=payloads.write(payloads.Edit(seq=row.seq, text=PARTS[1])))
        await trio.sleep(1)
        assert s.platform.texts() == [PARTS[1], *[GONE] * 4]
        longer = "\n\n".join(["new " + "y" * 50, *PARTS])
        s.say("", kind=OutKind.EDIT, content=payloads.write(payloads.Edit(seq=row.seq, text=longer)))
        await trio.sleep(1)
        assert s.platform.texts() == longer.split("\n\n")
        assert {state for state, _, _ in s.states()} == {"delivered"}
