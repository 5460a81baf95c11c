"""Every adapter: what agents say is shown once, whole and in order, whatever goes wrong on the way."""

from __future__ import annotations

import pytest

from nanoclaw.channels.base import HasLimits
from nanoclaw.model.messages import LedgerState
from tests.channels.contract.house import ContractHouse
from tests.channels.contract.rig import Can, Trouble
from tests.channels.contract.rigs import kinds, kinds_in

PINGS = "@everyone @here <!channel> <!here> <!everyone> @room @channel"


def words(text: str) -> list[str]:
    return text.split()


async def test_a_reply_is_shown_in_its_chat_under_the_name_that_is_kept(house: ContractHouse) -> None:
    async with house.living():
        row = await house.settled(house.say("hello there"))
        assert row.state is LedgerState.DELIVERED, row.error
        (shown,) = house.rig.shown(house.rig.chat)
        assert words(shown.text) == ["hello", "there"]
        assert row.platform_message_id in (shown.id, None)


async def test_messages_of_one_chat_are_shown_in_their_order(house: ContractHouse) -> None:
    async with house.living():
        rows = [house.say(f"number {number}") for number in range(6)]
        for row in rows:
            await house.settled(row)
        shown = [one.text.strip() for one in house.rig.shown(house.rig.chat)]
    assert shown == [f"number {number}" for number in range(6)]


async def test_a_long_message_is_shown_whole_in_parts_that_fit(house: ContractHouse) -> None:
    async with house.living():
        channel: object = house.channel
        assert isinstance(channel, HasLimits)
        most = min(channel.limits.text, 20_000)
        text = "\n\n".join(f"paragraph {number} " + "word " * 30 for number in range(most // 150 * 2))
        row = await house.settled(house.say(text))
        assert row.state is LedgerState.DELIVERED, row.error
        shown = house.rig.shown(house.rig.chat)
        if channel.limits.text <= most:
            assert len(shown) > 1
        assert row.parts == len(shown)
        assert [word for one in shown for word in words(one.text)] == words(text)


@pytest.mark.parametrize("house", kinds(Can.FILES_OUT), indirect=True)
async def test_a_file_is_shown_with_its_message(house: ContractHouse) -> None:
    data = bytes(range(256)) * 50
    async with house.living():
        row = await house.settled(house.say("see this", files={"all.bin": data}))
        assert row.state is LedgerState.DELIVERED, row.error
        shown = house.rig.shown(house.rig.chat)
        assert [file for one in shown for file in one.files.items()] == [("all.bin", data)]
        assert [word for one in shown for word in words(one.text)] == ["see", "this"]


AT_ONCE = [one for one in Trouble if one not in {Trouble.HANGS, Trouble.HELD}]
"""What is known as soon as it happens; the others are in `test_waiting.py`."""


@pytest.mark.parametrize(("house", "trouble"), kinds_in(AT_ONCE), indirect=["house"], ids=str)
async def test_whatever_goes_wrong_a_message_is_shown_once_or_its_end_is_on_record(
    house: ContractHouse, trouble: Trouble
) -> None:
    async with house.living():
        house.rig.script(trouble)
        first = house.say("a *message* with markup")
        second = house.say("the next")
        row = await house.settled(first)
        assert (await house.settled(second)).state is LedgerState.DELIVERED
        shown = [one.text for one in house.rig.shown(house.rig.chat)]
        assert "next" in shown[-1]
        times = len(shown) - 1
    if trouble in {Trouble.FORBIDDEN, Trouble.TOO_LARGE}:
        assert (row.state, times) == (LedgerState.DEAD, 0)
        assert row.error
    elif trouble in {Trouble.LOST, Trouble.CUT} and not house.channel.keyed:
        assert row.state in {LedgerState.DELIVERED, LedgerState.UNKNOWN}
        assert times in {1, 2}, "better twice than never, or a person decides"
    else:
        assert (row.state, times) == (LedgerState.DELIVERED, 1), row.error


async def test_several_troubles_in_a_row_cost_no_message(house: ContractHouse) -> None:
    async with house.living():
        house.rig.script(Trouble.BUSY, Trouble.BROKEN, Trouble.BUSY)
        rows = [house.say(f"number {number}") for number in range(3)]
        assert [(await house.settled(row)).state for row in rows] == [LedgerState.DELIVERED] * 3
        assert [one.text.strip() for one in house.rig.shown(house.rig.chat)] == [f"number {n}" for n in range(3)]


async def test_nobody_is_called_that_the_platform_would_call_together(house: ContractHouse) -> None:
    async with house.living():
        for host in (False, True):
            row = await house.settled(house.say(f"hear {PINGS}", host=host))
            assert row.state is LedgerState.DELIVERED, row.error
        shown = house.rig.shown(house.rig.chat)
    assert len(shown) == 2
    assert not any(one.pings for one in shown)
    assert all("everyone" in one.text for one in shown)


async def test_the_words_of_the_host_are_shown_sign_for_sign(house: ContractHouse) -> None:
    text = "a*b* _c_ `d` <b>e</b> [f](https://example.org/) &amp; # g ~h~ ||i||"
    async with house.living():
        row = await house.settled(house.say(text, host=True))
        assert row.state is LedgerState.DELIVERED, row.error
        (shown,) = house.rig.shown(house.rig.chat)
    assert shown.text.strip() == text
