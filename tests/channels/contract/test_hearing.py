"""Every adapter: what people say is heard once, in order, and acknowledged only once it is stored."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from nanoclaw.model.messages import Revision, RevisionKind
from tests.channels.contract.house import ContractHouse
from tests.channels.contract.rig import Can
from tests.channels.contract.rigs import kinds


async def test_what_is_said_is_heard_with_who_said_it_and_where(house: ContractHouse) -> None:
    async with house.living():
        group, direct = await house.heard(
            await house.rig.say("in the group"), await house.rig.say("in private", chat=house.rig.direct)
        )
    assert (group.text, group.platform_id) == ("in the group", house.rig.chat)
    assert (direct.text, direct.platform_id) == ("in private", house.rig.direct)
    assert direct.mention
    if Can.GROUPS in house.rig.can:
        assert (group.is_group, direct.is_group) == (True, False)
        assert group.sender_id == direct.sender_id
    assert group.sender_id.startswith(f"{house.name}:")


@pytest.mark.parametrize("house", kinds(Can.GROUPS), indirect=True)
async def test_in_a_group_only_what_is_said_to_us_is(house: ContractHouse) -> None:
    async with house.living():
        plain, addressed = await house.heard(
            await house.rig.say("just talk", mention=False), await house.rig.say("you there", mention=True)
        )
    assert not plain.mention
    assert addressed.mention


async def test_a_message_is_acknowledged_only_after_it_is_stored(house: ContractHouse) -> None:
    house.gate = gate = trio.Event()
    async with house.living():
        async with trio.open_nursery() as nursery:
            said: list[str] = []

            async def say() -> None:
                said.append(await house.rig.say("keep this"))

            # A platform that calls us waits for the answer.
            nursery.start_soon(say)
            await house.until(lambda: house.asked)
            assert not (said and house.rig.is_acknowledged(said[0]))
            gate.set()
        (event,) = await house.heard(said[0])
        assert event.text == "keep this"
        if house.rig.is_acknowledged(said[0]) is not None:
            await house.until(lambda: house.rig.is_acknowledged(said[0]))


async def test_what_is_told_again_is_stored_once(house: ContractHouse) -> None:
    async with house.living():
        await house.heard(await house.rig.say("one"), await house.rig.say("two"))
        await house.rig.tell_again()
        await house.heard(await house.rig.say("three"))
    async with house.living():
        await house.rig.tell_again()
        await house.heard(await house.rig.say("four"))
    assert sorted(house.stored()) == ["four", "one", "three", "two"]


async def test_the_order_in_a_chat_is_kept(house: ContractHouse) -> None:
    texts = [f"number {number}" for number in range(12)]
    async with house.living():
        await house.heard(*[await house.rig.say(text) for text in texts])
    # Calls of a platform that calls us are made apart from each other, and have no order.
    assert house.stored() == texts or (Can.GROUPS not in house.rig.can and sorted(house.stored()) == sorted(texts))


@pytest.mark.parametrize("house", kinds(Can.GAPS), indirect=True)
async def test_a_connection_that_is_cut_loses_nothing(house: ContractHouse) -> None:
    async with house.living():
        await house.heard(await house.rig.say("before"))
        await house.rig.drop()
        await house.heard(await house.rig.say("in between"))
        await house.rig.drop()
        await house.heard(await house.rig.say("after"))
    assert house.stored() == ["before", "in between", "after"]


@asynccontextmanager
async def back_after_it_was_said(house: ContractHouse, text: str) -> AsyncGenerator[None]:
    """Nobody is there while *text* is said; in the block somebody is again, and has heard it."""
    async with trio.open_nursery() as nursery:
        said: list[str] = []

        async def say() -> None:
            said.append(await house.rig.say(text))

        # A platform that calls us goes on calling until we are there.
        nursery.start_soon(say)
        await wait_all_tasks_blocked(0.01)
        async with house.living():
            await house.until(lambda: bool(said))
            await house.heard(said[0])
            yield


@pytest.mark.parametrize("house", kinds(Can.GAPS), indirect=True)
async def test_what_was_said_while_no_host_was_there_is_heard_afterwards(house: ContractHouse) -> None:
    async with house.living():
        await house.heard(await house.rig.say("before"))
    async with back_after_it_was_said(house, "while away"):
        await house.heard(await house.rig.say("back"))
    assert house.stored() == ["before", "while away", "back"]


@pytest.mark.parametrize("house", kinds(Can.GAPS), indirect=True)
async def test_what_was_said_meanwhile_where_nothing_was_ever_heard_is_heard_afterwards(house: ContractHouse) -> None:
    async with house.living():
        await house.heard(await house.rig.say("before", chat=house.rig.direct))
    async with back_after_it_was_said(house, "while away"):
        pass
    assert house.stored() == ["before", "while away"]


@pytest.mark.parametrize("house", kinds(Can.EDITS), indirect=True)
async def test_what_people_change_and_take_back_is_told(house: ContractHouse) -> None:
    async with house.living():
        message = await house.rig.say("first")
        await house.heard(message)
        await house.rig.edit(message, "second")
        await house.until(lambda: any(isinstance(one, Revision) for one in house.told))
        changed = next(one for one in house.told if isinstance(one, Revision))
        assert (changed.kind, changed.platform_message_id) == (RevisionKind.EDIT, message)
        assert changed.text == "second"
        if Can.DELETIONS in house.rig.can:
            await house.rig.delete(message)
            await house.until(
                lambda: any(isinstance(one, Revision) and one.kind is RevisionKind.DELETION for one in house.told)
            )


@pytest.mark.parametrize("house", kinds(Can.FILES_IN), indirect=True)
async def test_files_come_with_their_message(house: ContractHouse) -> None:
    data = bytes(range(256)) * 100
    async with house.living():
        (event,) = await house.heard(await house.rig.say("look", files={"../../etc/passwd": data}))
        assert event.text == "look"
        (file,) = event.attachments
        assert (house.folder / file.file.id).read_bytes() == data


@pytest.mark.parametrize("house", kinds(Can.THREADS), indirect=True)
async def test_what_is_said_in_a_thread_is_answered_there(house: ContractHouse) -> None:
    async with house.living():
        (first,) = await house.heard(await house.rig.say("begins"))
        thread = first.thread_id or "7"
        (event,) = await house.heard(await house.rig.say("goes on", thread=thread))
        assert event.thread_id == thread
        await house.settled(house.say("an answer", thread=thread))
        (shown,) = house.rig.shown(house.rig.chat)
        assert shown.thread == thread
