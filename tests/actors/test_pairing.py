"""Codes at the door: the first who says one in private owns the home, and others learn nothing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import define, evolve
from trio.testing import MockClock

from nanoclaw.actors.ingress import Ingress
from nanoclaw.actors.pairing import Pairing, lucky_digits
from nanoclaw.channels.base import NotHeard, Receipt, Stored
from nanoclaw.core.pairing import LIFETIME, MOST_WRONG
from nanoclaw.errors import StoreFullError, UsageError
from nanoclaw.kit.clock import TrioClock
from nanoclaw.kit.spool import Spool
from nanoclaw.model.ids import ChannelName, UserId
from nanoclaw.model.messages import Address
from nanoclaw.store import drops, entities, people, wirings
from nanoclaw.store.ledger import Lane
from nanoclaw.store.pairing import WELCOME
from nanoclaw.store.setup import Operator, first_start
from schema.sqlite import Connection, scalar
from tests.support.central import CHANNEL, NOW, said
from tests.support.inline_database import InlineDatabase

TERMINAL = Address(channel=ChannelName("terminal"), platform_id="local")
EVE = UserId(f"{CHANNEL}:eve")


@define
class Door:
    """A home whose owner is at the terminal, and the way in."""

    store: InlineDatabase
    ingress: Ingress
    pairing: Pairing
    lanes: list[Lane]

    async def begin(self) -> object:
        return await self.pairing.begin({"channel": CHANNEL})

    async def say(self, text: str, number: int = 1, who: str = "eve", **more: Any) -> Receipt:
        event = evolve(said(number), text=text, is_group=False, sender_id=UserId(f"{CHANNEL}:{who}"))
        return await self.ingress.receive(evolve(event, platform_id=who, **more))

    async def owns(self, who: UserId = EVE) -> bool:
        return (await self.store.read(people.rights_of, who)).owner


@pytest.fixture
async def door(autojump_clock: MockClock, tmp_path: Path) -> Door:
    store, minted, lanes = InlineDatabase(), iter(range(1000)), list[Lane]()
    operator = Operator(user=UserId("terminal:operator"), name="Ada", channel=TERMINAL.channel, platform_id="local")

    def mint(prefix: str) -> str:
        return f"{prefix}-{next(minted)}"

    def nudge(these: Iterable[Lane]) -> None:
        lanes.extend(these)

    await store.transact(first_start, agent="Nano", operator=operator, mint=mint, now=NOW)
    clock = TrioClock(NOW)
    pairing = Pairing(store, clock, {CHANNEL, TERMINAL.channel}, TERMINAL, nudge, lambda: None, luck=lambda: "0427")
    ingress = Ingress(
        store, clock, Spool(tmp_path), {CHANNEL: False}, lambda _: None, lambda _: None, nudge, pairing=pairing
    )
    return Door(store, ingress, pairing, lanes)


async def test_whoever_says_the_code_owns_the_home_and_is_heard_by_its_agents(door: Door) -> None:
    assert await door.begin() == {"channel": CHANNEL, "code": "0427", "minutes": 10.0}
    assert await door.say("0427") == Stored()
    assert await door.owns()

    def chat_of(conn: Connection) -> tuple[int, object]:
        chat = entities.messaging_group(conn, CHANNEL, "eve")
        assert chat is not None
        said_there = scalar(conn, "SELECT content FROM ledger WHERE platform_id = 'eve'")
        return len(wirings.wirings_of(conn, chat.id)), said_there

    heard_by, welcome = await door.store.read(chat_of)
    assert heard_by == 1
    assert WELCOME in str(welcome)
    assert len(door.lanes) == 1


async def test_the_code_is_good_once_and_the_same_message_again_is_no_second_one(door: Door) -> None:
    await door.begin()
    await door.say("0427")
    assert await door.say("0427") == Stored()
    await door.say("0427", number=2, who="mallory")
    assert not await door.owns(UserId(f"{CHANNEL}:mallory"))
    assert await door.store.read(lambda conn: scalar(conn, "SELECT count(*) FROM ledger")) == 1


async def test_guessing_is_recorded_answered_by_nothing_and_kills_the_code(door: Door) -> None:
    await door.begin()
    for number in range(MOST_WRONG):
        receipt = await door.say(f"100{number}", number, who=f"guesser-{number}")
        assert isinstance(receipt, NotHeard)
    await door.say("0427", number=99)
    assert not await door.owns()
    assert door.lanes == []
    kept = await door.store.read(drops.recent)
    assert [drop.reason for drop in kept].count("wrong-code") == MOST_WRONG
    assert not any("100" in drop.detail for drop in kept)


async def test_a_code_is_over_after_ten_minutes(autojump_clock: MockClock, door: Door) -> None:
    await door.begin()
    await trio.sleep(LIFETIME.total_seconds())
    await door.say("0427")
    assert not await door.owns()


@pytest.mark.parametrize("more", [{"is_group": True}, {"channel": "elsewhere", "sender_id": "elsewhere:eve"}])
async def test_it_has_to_be_said_in_private_on_its_channel(door: Door, more: dict[str, Any]) -> None:
    await door.begin()
    await door.say("0427", **more)
    assert not await door.owns()
    assert not await door.owns(UserId("elsewhere:eve"))


async def test_numbers_of_those_who_have_rights_are_messages(door: Door) -> None:
    await door.begin()
    await door.say("0427")
    await door.begin()
    assert await door.say("1000", number=2) == Stored()
    await door.say("0427", number=3, who="bob")
    assert await door.owns(UserId(f"{CHANNEL}:bob"))


async def test_a_code_that_could_not_be_stored_is_good_for_the_same_message(door: Door) -> None:
    await door.begin()
    whole = door.store.transact

    async def full(*_: object, **__: object) -> object:
        raise StoreFullError("no space")

    object.__setattr__(door.store, "transact", full)
    with pytest.raises(StoreFullError):
        await door.say("0427")
    object.__setattr__(door.store, "transact", whole)
    await door.say("0427", number=2, who="mallory")
    assert not await door.owns(UserId(f"{CHANNEL}:mallory"))
    await door.say("0427")
    assert await door.owns()


async def test_of_two_at_the_same_moment_one_is_the_first(door: Door) -> None:
    await door.begin()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(door.say, "0427", 1, "eve")
        nursery.start_soon(door.say, "0427", 2, "bob")
    assert [await door.owns(), await door.owns(UserId(f"{CHANNEL}:bob"))].count(True) == 1


async def test_only_channels_that_there_are_can_be_paired(door: Door) -> None:
    for name in ("terminal", "nowhere", ""):
        with pytest.raises(UsageError):
            await door.pairing.begin({"channel": name})


def test_codes_have_four_digits() -> None:
    assert {len(lucky_digits()) for _ in range(50)} == {4}
