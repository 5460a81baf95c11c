"""A channel that is disabled neither hears nor delivers, and forgets nothing; enabled, it does both again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from attrs import define, field

from nanoclaw.actors.configured import Workshop
from nanoclaw.admin.channel_desk import ChannelDesk, Rooms
from nanoclaw.channels.base import Channel
from nanoclaw.channels.registry import Asked, Checked, Kind, Means
from nanoclaw.errors import UsageError
from nanoclaw.kit.clock import SystemClock
from nanoclaw.kit.spool import Spool
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import Address
from nanoclaw.store import channels, notices
from nanoclaw.store.ledger import Lane
from tests.support.channels import everywhere
from tests.support.inline_database import InlineDatabase
from tests.support.scripted_channel import ScriptedChannel

NAME = ChannelName("parrot")


@define(eq=False)
class Home:
    """A desk, and the channels that its host has."""

    desk: ChannelDesk
    store: InlineDatabase
    shop: Workshop
    there: dict[ChannelName, Channel]
    nudged: list[Lane] = field(factory=list[Lane])

    async def state(self) -> Mapping[str, object]:
        """What is listed of the channel."""
        found = await self.desk.all({})
        assert isinstance(found, list)
        (one,) = [line for line in found if line["channel"] == NAME]
        assert isinstance(one, dict)
        return one


async def check(_: Means) -> Checked:
    return Checked(account="Polly")


KIND = Kind(
    name="parrot",
    title="Parrot",
    asks=(Asked(name="token", question="Token", secret=True),),
    make=lambda means: ScriptedChannel(means.name),
    check=check,
)


@pytest.fixture
async def home(tmp_path: Path) -> Home:
    """One with a channel that was added, and on which a message waits."""
    store, there, nudged = InlineDatabase(), dict[ChannelName, Channel](), list[Lane]()
    shop = Workshop(
        store=store,
        clock=SystemClock(),
        spool=Spool(tmp_path),
        home=tmp_path,
        engages=everywhere,
        load=lambda _: KIND,
    )

    def forget(name: ChannelName) -> None:
        there.pop(name, None)

    rooms = Rooms(
        add=lambda channel: there.update({channel.name: channel}),
        remove=forget,
        state=lambda name: "running" if name in there else "stopped",
        channels=there,
        nudge=nudged.extend,
    )
    desk = ChannelDesk(shop, rooms)
    await desk.add({"kind": "parrot", "settings": {"token": "t"}})
    room = Address(channel=NAME, platform_id="room")
    await store.transact(notices.tell_chat, None, room, key="k", text="hello", now=shop.clock.now())
    return Home(desk, store, shop, there, nudged)


async def test_a_disabled_channel_is_gone_and_says_so_and_keeps_all_that_it_knew(home: Home) -> None:
    await home.store.transact(channels.set_mark, NAME, "since", "7", now=home.shop.clock.now())
    await home.desk.disable({"channel": NAME})
    assert home.there == {}
    state = await home.state()
    assert (state["state"], state["why"]) == (
        "off",
        "disabled; what agents say there waits: nanoclaw channels enable parrot",
    )
    assert await home.shop.make_all() == {}, "nor does the next life of the host have it"
    home.nudged.clear()
    await home.desk.enable({"channel": NAME})
    assert set(home.there) == {NAME}
    assert (await home.state())["state"] == "running"
    assert [lane.channel for lane in home.nudged] == [NAME], "what waited is looked at"
    assert await home.store.read(channels.mark, NAME, "since") == "7"


async def test_enabling_what_runs_makes_no_second_one(home: Home) -> None:
    before = dict(home.there)
    await home.desk.enable({"channel": NAME})
    assert home.there == before


async def test_what_cannot_be_made_is_enabled_and_broken_with_its_reason(home: Home) -> None:
    await home.desk.disable({"channel": NAME})
    home.shop.secrets.remove(NAME)
    with pytest.raises(UsageError, match="parrot is enabled, but it cannot be heard: its token is missing"):
        await home.desk.enable({"channel": NAME})
    assert (await home.state())["state"] == "broken"


@pytest.mark.parametrize("verb", ["enable", "disable"])
async def test_a_channel_that_was_not_added_is_neither(home: Home, verb: str) -> None:
    with pytest.raises(UsageError, match="no channel called 'macaw' was added"):
        await home.desk.looks[f"channels {verb}"]({"channel": "macaw"})
