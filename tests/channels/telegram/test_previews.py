"""A reply that is written to one person on Telegram: a preview that grows, and nothing that has to be taken away."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nanoclaw.channels.base import Draft
from nanoclaw.channels.live_drafts import MARK, WRITING
from nanoclaw.channels.telegram.drafts import GROUP_SECONDS, slower
from tests.channels.ear import soon
from tests.channels.telegram.rig import ADA
from tests.channels.telegram.test_channel import House, living, saying, to
from tests.support.channels import MarksInMemory
from tests.support.telegram.fake import open_telegram


async def offer(house: House, text: str) -> None:
    await soon(lambda: "getUpdates" in [name for name, _ in house.fake.calls])
    house.channel._drafts.first = house.channel._drafts.every = 0.01
    await house.channel.show_draft(Draft(reply="r1", to=to(ADA), text=text, tool=None, speaker="Nano"))


async def test_one_person_sees_a_preview_that_grows_until_the_reply_is_there(tmp_path: Path) -> None:
    marks = MarksInMemory()
    async with open_telegram() as fake, living(tmp_path, fake, marks) as house:
        for text in ("a **bold", "a **bold** word & more"):
            await offer(house, text)
            await soon(lambda: bool(fake.drafts))
        await soon(lambda: fake.drafts == {ADA: f"a bold word & more{WRITING}"})
        assert len({body["draft_id"] for name, body in fake.calls if name == "sendMessageDraft"}) == 1
        await house.channel.deliver(saying("a **bold** word & more", to=to(ADA)))
        await soon(lambda: json.loads(marks.kept[MARK]) == [])
        assert [one["text"] for one in fake.shown] == ["a bold word & more"]
        assert fake.drafts == {}
        assert "deleteMessage" not in [name for name, _ in fake.calls]


async def test_a_server_that_knows_no_previews_is_asked_once_for_each_reply(tmp_path: Path) -> None:
    async with open_telegram() as fake, living(tmp_path, fake) as house:
        fake.previews = False
        await offer(house, "one")
        await soon(lambda: [name for name, _ in fake.calls].count("sendMessageDraft") == 1)
        await offer(house, "one two")
        await house.channel.deliver(saying("one two three", to=to(ADA)))
        assert [name for name, _ in fake.calls].count("sendMessageDraft") == 1
        assert [one["text"] for one in fake.shown] == ["one two three"]


@pytest.mark.parametrize(("chat", "seconds"), [(-100, GROUP_SECONDS), (ADA, 0.0)])
def test_a_group_has_room_for_what_is_said_there_besides(chat: int, seconds: float) -> None:
    assert slower(to(chat)) == seconds
