"""Ten minutes in which a real homeserver and we do not hear each other: nothing is lost, and nothing doubled."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from nanoclaw.channels.matrix.kind import KIND
from nanoclaw.channels.registry import Kind
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import LedgerState
from tests.channels.contract.house import ContractHouse
from tests.channels.contract.rig import Can
from tests.channels.matrix.town import Town, open_town

pytestmark = [pytest.mark.synapse, pytest.mark.slow, pytest.mark.timeout(240)]
GAP_SECONDS = 600.0
GAP_MESSAGES = 45
"""More than the server tells at once."""


@pytest.fixture
def clock() -> MockClock:
    """As fast as the world, and it can be moved."""
    return MockClock(rate=1.0)


@define(eq=False)
class SynapseRig:
    """As much of a `Rig` as a house needs."""

    town: Town
    kind: Kind = field(default=KIND, init=False)
    can: frozenset[Can] = field(default=frozenset({Can.FILES_OUT}), init=False)
    direct: str = field(default="!nobody:example.org", init=False)

    @property
    def chat(self) -> str:
        return self.town.room

    @property
    def settings(self) -> Mapping[str, str]:
        return {"url": self.town.server.url, "token": self.town.nano.token, "invites": self.town.ada.user}


@pytest.fixture
async def town(clock: MockClock, tmp_path: Path) -> AsyncGenerator[Town]:
    async with open_town(tmp_path / "synapse") as town:
        yield town


async def test_ten_minutes_of_silence_cost_nothing_and_double_nothing(
    clock: MockClock, town: Town, tmp_path: Path
) -> None:
    server, ada, room = town.server, town.ada, town.room
    (tmp_path / "spool").mkdir()
    house = ContractHouse(SynapseRig(town), tmp_path / "spool", ChannelName("matrix"))  # type: ignore[arg-type]  # all a house needs

    async with house.living():
        await house.heard(await ada.say(room, "before"))
        assert (await house.settled(house.say("at once"))).state is LedgerState.DELIVERED

        # The server hangs with our question and our message in its hands, and ten minutes go by.
        server.freeze()
        hanging = house.say("into the silence")
        await house.until(lambda: house.row(hanging).state is LedgerState.SENDING)
        await trio.sleep(0.5)
        clock.jump(GAP_SECONDS)
        await house.until(lambda: house.row(hanging).doubt or house.row(hanging).attempts)
        server.thaw()
        assert (await house.settled(hanging)).state is LedgerState.DELIVERED
        await house.heard(await ada.say(room, "after the silence"))

    # We are away, and the server is ten minutes older when its people go on; the agent has something to say.
    await server.stop()
    server.moved = GAP_SECONDS
    waiting = house.say("said while away")
    await server.start()
    said_there = [await ada.say(room, f"gap {number}") for number in range(GAP_MESSAGES)]
    clock.jump(GAP_SECONDS)
    async with house.living():
        await house.heard(*said_there)
        assert (await house.settled(waiting)).state is LedgerState.DELIVERED
        await house.heard(await ada.say(room, "at last"))

    gap = [f"gap {number}" for number in range(GAP_MESSAGES)]
    assert house.stored() == ["are you there?", "before", "after the silence", *gap, "at last"]
    said = await ada.said(room, town.nano.user)
    assert [one["content"]["body"] for one in said] == ["at once", "into the silence", "said while away"]
    assert said[2]["origin_server_ts"] - said[1]["origin_server_ts"] > GAP_SECONDS * 1_000
