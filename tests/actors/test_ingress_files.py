"""Ingress and the spool: what is heard stays, everything else is gone when the platform gets its answer."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from attrs import define
from trio.testing import MockClock

from nanoclaw.actors.ingress import Ingress
from nanoclaw.actors.spool_sweep import SpoolSweep
from nanoclaw.channels.base import NotHeard, Stored
from nanoclaw.errors import StoreBrokenError, StoreError, StoreFullError
from nanoclaw.kit.clock import TrioClock
from nanoclaw.kit.spool import Spool
from nanoclaw.model.files import NewAttachment
from nanoclaw.model.ids import UserId
from nanoclaw.model.messages import InboundEvent, Revision, RevisionKind
from nanoclaw.store.setup import Operator, first_start
from tests.support.central import CHANNEL, NOW, said
from tests.support.inline_database import InlineDatabase


@define
class Door:
    """A store with one agent that hears Ada, and the way in."""

    store: InlineDatabase
    spool: Spool
    ingress: Ingress

    def sent(self, number: int = 1, **words: object) -> InboundEvent:
        """An event with a file that is in the spool."""
        with self.spool.begin() as writing:
            writing.write(b"bytes")
            file = writing.finish()
        event = said(number, **words)  # type: ignore[arg-type]  # any field, by its name
        return attrs.evolve(event, attachments=(NewAttachment(name="a.txt", file=file),))

    def spooled(self) -> int:
        """How many files there are."""
        return len(list(self.spool.folder.iterdir()))


@pytest.fixture
async def door(autojump_clock: MockClock, tmp_path: Path) -> Door:
    store = InlineDatabase()
    minted = iter(range(1000))
    operator = Operator(user=UserId(f"{CHANNEL}:ada"), name="Ada", channel=CHANNEL, platform_id="room")
    await store.transact(
        first_start, agent="Nano", operator=operator, mint=lambda prefix: f"{prefix}-{next(minted)}", now=NOW
    )
    spool = Spool(tmp_path)
    ingress = Ingress(store, TrioClock(NOW), spool, {CHANNEL: False}, *(lambda _: None,) * 3)
    return Door(store, spool, ingress)


async def test_the_file_of_a_message_that_is_heard_stays(door: Door) -> None:
    assert await door.ingress.receive(door.sent()) == Stored()
    assert door.spooled() == 1


async def test_the_file_of_a_message_that_nobody_hears_is_gone(door: Door) -> None:
    assert isinstance(await door.ingress.receive(door.sent(room="elsewhere")), NotHeard)
    assert isinstance(await door.ingress.receive(door.sent(2, sender="Mallory", is_group=False)), NotHeard)
    assert door.spooled() == 0


async def test_the_file_of_a_message_that_was_known_is_gone_and_the_first_one_stays(door: Door) -> None:
    await door.ingress.receive(door.sent())
    (first,) = door.spool.folder.iterdir()
    assert await door.ingress.receive(door.sent()) == Stored()
    assert list(door.spool.folder.iterdir()) == [first]


async def test_the_file_of_a_message_that_was_taken_back_is_gone(door: Door) -> None:
    await door.ingress.receive(door.sent())
    revision = Revision(
        channel=CHANNEL,
        platform_message_id="1",
        revision="1",
        kind=RevisionKind.DELETION,
        sender_id=UserId(f"{CHANNEL}:ada"),
        sender="Ada",
    )
    assert await door.ingress.receive(revision) == Stored()
    assert door.spooled() == 0


@pytest.mark.parametrize(("failure", "left"), [(StoreFullError, 0), (StoreError, 0), (StoreBrokenError, 1)])
async def test_where_nothing_was_written_the_file_goes_and_where_nobody_knows_it_waits_for_the_next_start(
    door: Door, monkeypatch: pytest.MonkeyPatch, failure: type[StoreError], left: int
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(door.store, "transact", fail)
    with pytest.raises(failure):
        await door.ingress.receive(door.sent())
    assert door.spooled() == left
    monkeypatch.undo()  # the next start has a disk that works
    await SpoolSweep(door.store, door.spool).whole()
    assert door.spooled() == 0


async def test_the_sweep_at_the_start_leaves_what_a_message_needs(door: Door) -> None:
    await door.ingress.receive(door.sent())
    door.sent(2)
    door.spool.begin()
    assert door.spooled() == 3
    await SpoolSweep(door.store, door.spool).whole()
    assert door.spooled() == 1
