"""A Telegram channel against a Bot API on loopback."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import define, evolve, field
from trio.testing import wait_all_tasks_blocked

from nanoclaw.channels.base import NotHeard, Outgoing, OutgoingFile, Receipt, Stored
from nanoclaw.channels.telegram.channel import TelegramChannel
from nanoclaw.channels.telegram.kind import check, make
from nanoclaw.core.speech import ShowCard, ShowEdit, ShowQuestion, ShowReaction
from nanoclaw.errors import DeliveryError, NobodyThereError, UsageError
from nanoclaw.model.ids import ChannelName, QuestionId
from nanoclaw.model.messages import Address, InboundEvent, Rejection, Revision, Told
from runner.tools.toolbox import new_id
from schema.payloads import Option
from tests.channels.telegram.rig import ADA, TelegramRig
from tests.support.channels import MarksInMemory, means
from tests.support.fake_http import Reply, reply
from tests.support.telegram.fake import GROUP, FakeTelegram, open_telegram

SENDER = {"id": ADA, "is_bot": False, "first_name": "Ada"}


@define(eq=False)
class House:
    """Takes what a channel tells."""

    fake: FakeTelegram
    channel: TelegramChannel
    told: list[InboundEvent | Revision] = field(factory=list[InboundEvent | Revision])
    gate: trio.Event = field(factory=trio.Event)
    asked: int = 0

    async def receive(self, told: Told) -> Receipt:
        assert not isinstance(told, Rejection)
        self.asked += 1
        self.fake.http.moved()
        await self.gate.wait()
        self.told.append(told)
        self.fake.http.moved()
        return Stored() if told.sender_id else NotHeard("", "")

    async def until_told(self, number: int) -> None:
        await self.fake.http.until(lambda: len(self.told) >= number)


@asynccontextmanager
async def living(folder: Path, fake: FakeTelegram, marks: MarksInMemory | None = None) -> AsyncGenerator[House]:
    rig = TelegramRig(fake)
    channel = make(means("tg", rig.settings, folder, marks=marks))
    assert isinstance(channel, TelegramChannel)
    house = House(fake, channel)
    house.gate.set()
    async with trio.open_nursery() as nursery:

        async def run(*, task_status: trio.TaskStatus[None]) -> None:
            await channel.run(house.receive, ready=lambda: None, task_status=task_status)

        await nursery.start(run)
        yield house
        nursery.cancel_scope.cancel()


@pytest.fixture
async def fake() -> AsyncGenerator[FakeTelegram]:
    async with open_telegram() as telegram:
        yield telegram


@pytest.fixture
async def house(tmp_path: Path, fake: FakeTelegram) -> AsyncGenerator[House]:
    async with living(tmp_path, fake) as living_house:
        yield living_house


def to(chat: int = GROUP, thread: str | None = None) -> Address:
    return Address(channel=ChannelName("tg"), platform_id=str(chat), thread_id=thread)


def saying(text: str = "hi", **more: Any) -> Outgoing:
    return evolve(Outgoing(key="k", to=to(), text=text, answers=None, speaker="Nano", more=False), **more)


def calls(fake: FakeTelegram, method: str) -> list[dict[str, Any]]:
    return [body for name, body in fake.calls if name == method]


async def test_an_update_is_acknowledged_after_it_was_stored(house: House) -> None:
    house.gate = trio.Event()
    number = house.fake.tell("message", house.fake.message(ADA, SENDER, text="hi"))
    await house.fake.http.until(lambda: house.asked == 1)
    await wait_all_tasks_blocked(0.02)
    assert house.fake.confirmed <= number
    house.gate.set()
    await house.fake.http.until(lambda: house.fake.confirmed > number)
    assert [told.text for told in house.told] == ["hi"]


async def test_one_that_makes_no_sense_does_not_stop_the_others(house: House) -> None:
    house.fake.tell("message", {"message_id": "x"})
    house.fake.tell("message", house.fake.message(ADA, SENDER, text="after"))
    await house.until_told(1)
    assert house.told[0].text == "after"


async def test_a_file_comes_with_its_message(house: House, tmp_path: Path) -> None:
    house.fake.files["f1"] = b"data"
    document = {"file_id": "f1", "file_name": "../a b.txt", "mime_type": "text/plain"}
    house.fake.tell("message", house.fake.message(ADA, SENDER, document=document, caption="look"))
    await house.until_told(1)
    told = house.told[0]
    assert isinstance(told, InboundEvent)
    (file,) = told.attachments
    assert (told.text, file.name, file.mime_type, file.file.size) == ("look", "../a b.txt", "text/plain", 4)
    assert (tmp_path / file.file.id).read_bytes() == b"data"


@pytest.mark.parametrize("size", [4, 21 << 20])
async def test_a_file_that_cannot_be_fetched_is_named(house: House, size: int) -> None:
    house.fake.gone.add("f1")
    house.fake.tell("message", house.fake.message(ADA, SENDER, document={"file_id": "f1", "file_size": size}))
    await house.until_told(1)
    assert house.told[0].text.startswith("[document")


async def test_text_is_html_without_previews_and_sign_for_sign_from_the_house(house: House) -> None:
    assert await house.channel.deliver(saying("**a** <b> https://x.y")) == f"{GROUP}/101"
    await house.channel.deliver(saying("**a** <b>", speaker=None))
    assert [one["text"] for one in house.fake.shown] == ["a <b> https://x.y", "**a** <b>"]
    first, second = calls(house.fake, "sendMessage")
    assert first["link_preview_options"] == second["link_preview_options"] == {"is_disabled": True}
    assert "parse_mode" not in second


async def test_an_answer_names_what_it_answers_in_a_group_and_its_topic(house: House) -> None:
    await house.channel.deliver(saying(to=to(thread="7"), answers=f"{GROUP}/9"))
    await house.channel.deliver(saying(to=to(ADA), answers=f"{ADA}/9"))
    await house.channel.deliver(saying(answers="pressed/9"))
    assert [(one["thread"], one["answers"]) for one in house.fake.shown] == [(7, 9), (None, None), (None, None)]


async def test_markup_that_telegram_cannot_read_is_sent_once_more_without(house: House) -> None:
    house.fake.troubles.append("markup")
    await house.channel.deliver(saying("**a** [b](https://c.d)"))
    assert [one["text"] for one in house.fake.shown] == ["a b (https://c.d)"]


async def test_buttons_are_shown_and_go_when_the_message_is_changed(house: House) -> None:
    options = (Option(label="Yes", value="yes"), Option(label="No " * 22, value="t" * 26))
    asked = ShowQuestion(question=QuestionId("question-1"), title="Which?", text="*Now*?", options=options)
    key = await house.channel.deliver(saying("words", native=asked))
    (shown,) = house.fake.shown
    assert shown["text"] == "Which?\n\nNow?"
    assert [row[0]["callback_data"] for row in shown["keyboard"]] == ["qquestion-1\nyes", "qquestion-1\n" + "t" * 26]
    change = saying("Answered: **Yes**", native=ShowEdit(platform_message_id=str(key)))
    await house.channel.deliver(change)
    await house.channel.deliver(change)  # the same again is no change, and no failure
    assert (shown["text"], shown["keyboard"]) == ("Answered: Yes", [])


@pytest.mark.parametrize("name", ["approval:" + "c" * 26 + "/wxyz", new_id()], ids=["card", "question"])
async def test_a_card_or_a_question_fits_into_buttons_and_its_token_comes_back(house: House, name: str) -> None:
    options = (Option(label="Approve", value="t" * 26),)
    asked = ShowQuestion(question=QuestionId(name), title="<b>May it?</b>", text="*x*", options=options)
    await house.channel.deliver(saying("words", native=asked, speaker=None))
    (shown,) = house.fake.shown
    assert len(shown["keyboard"][0][0]["callback_data"].encode()) <= 64
    assert shown["text"] == "<b>May it?</b>\n*x*"
    below = house.fake.message(GROUP, None, text="x")
    query = {"id": "1", "from": SENDER, "message": below, "data": shown["keyboard"][0][0]["callback_data"]}
    house.fake.tell("callback_query", query)
    await house.until_told(1)
    await house.fake.http.until(lambda: len(calls(house.fake, "answerCallbackQuery")) == 1)
    told = house.told[0]
    assert isinstance(told, InboundEvent)
    assert told.choice is not None
    assert (told.choice.question, told.choice.said) == (name, "t" * 26)


async def test_a_question_too_long_for_buttons_is_asked_in_words(house: House) -> None:
    asked = ShowQuestion(question=QuestionId("q" * 70), title="?", text="?", options=(Option(label="A", value="a"),))
    await house.channel.deliver(saying("Which?\n1. A", native=asked))
    assert house.fake.shown[0]["text"].startswith("Which?\n")


async def test_an_emoji_that_is_no_reaction_is_said(house: House) -> None:
    for emoji in ("👍", "🦄"):
        react = ShowReaction(platform_message_id=f"{GROUP}/9", emoji=emoji, quoted="x")
        await house.channel.deliver(saying(emoji, native=react))
    assert len(calls(house.fake, "setMessageReaction")) == 2
    assert [(one["text"], one["answers"]) for one in house.fake.shown] == [("🦄", 9)]


async def test_a_card_has_a_title(house: House) -> None:
    await house.channel.deliver(saying("x", native=ShowCard(title="T", description="*d*")))
    assert house.fake.shown[0]["text"] == "T\n\nd"


@pytest.mark.parametrize(("name", "data"), [("a b.txt", b"x"), ("p.png", b"\x89PNG.."), ("p.jpg", b"no picture")])
async def test_a_file_is_sent(house: House, tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / "copy"
    path.write_bytes(data)
    file = OutgoingFile(name=name, size=len(data), path=path)
    await house.channel.deliver(saying("", files=(file,)))
    assert house.fake.shown[0]["files"] == {name: data}


async def test_a_group_that_moved_keeps_its_name_here(tmp_path: Path, fake: FakeTelegram) -> None:
    marks = MarksInMemory()
    old, new = -55, GROUP
    async with living(tmp_path, fake, marks) as house:
        fake.moved[old] = new
        assert await house.channel.deliver(saying(to=to(old))) == f"{new}/101"
    async with living(tmp_path, fake, marks) as house:
        fake.tell("message", fake.message(new, SENDER, text="hi"))
        await house.until_told(1)
        told = house.told[0]
        assert isinstance(told, InboundEvent)
        assert told.platform_id == str(old)


Outcome = tuple[bool, bool]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (reply({"ok": False, "error_code": 429, "parameters": {"retry_after": 3}}, 429), (True, False)),
        (reply({}, 502), (True, True)),
        (Reply(body=b"<html>"), (True, True)),
        (reply({"ok": False, "description": "Forbidden: bot was blocked by the user"}, 403), (False, False)),
        (reply({"ok": False, "description": "Bad Request: chat not found"}, 400), (False, False)),
    ],
)
async def test_each_way_of_failing_says_what_it_means(house: House, answer: Reply, outcome: Outcome) -> None:
    house.fake.http.fail("/sendMessage", answer)
    with pytest.raises(DeliveryError) as failed:
        await house.channel.deliver(saying())
    assert (failed.value.retryable, failed.value.reached) == outcome
    assert "AAExample" not in str(failed.value)


async def test_it_is_well_as_soon_as_the_platform_knows_it(house: House) -> None:
    await house.fake.http.until(lambda: len(calls(house.fake, "getUpdates")) == 1)
    health = house.channel.health()
    assert health.heard is not None
    assert health.why == ""


async def test_another_reader_is_said_plainly(house: House) -> None:
    other = Reply(status=409, body=b'{"ok":false,"description":"Conflict: terminated by other getUpdates request"}')
    house.fake.http.fail("/getUpdates", other)
    house.fake.wake()
    house.fake.tell("message", house.fake.message(ADA, SENDER, text="hi"))
    await house.fake.http.until(lambda: "another program reads" in house.channel.health().why)


async def test_typing_is_shown_in_its_topic(house: House) -> None:
    await house.channel.show_typing(to(thread="7"))
    assert calls(house.fake, "sendChatAction") == [{"chat_id": GROUP, "message_thread_id": 7, "action": "typing"}]


async def test_nobody_is_there_while_it_does_not_run(tmp_path: Path, fake: FakeTelegram) -> None:
    channel = make(means("tg", TelegramRig(fake).settings, tmp_path))
    with pytest.raises(NobodyThereError):
        await channel.deliver(saying())


async def test_a_direct_chat_has_the_id_of_its_person(house: House) -> None:
    ask: Callable[[Any], Any] = house.channel.open_direct_messages
    assert [await ask(user) for user in ("tg:5", "tg:-5", "tg:x", "other:5")] == ["5", None, None, None]


async def test_settings_are_checked_with_the_platform(tmp_path: Path, fake: FakeTelegram) -> None:
    settings = dict(TelegramRig(fake).settings)
    fake.webhook = "https://x.y"
    checked = await check(means("tg", settings, tmp_path))
    assert checked.account == "@nano_bot"
    assert "webhook" in checked.notes[-1]
    for wrong in ({"token": "123456:BBExampleExampleExample"}, {"token": "x"}, {"in_doubt": "x"}, {"url": "x"}):
        with pytest.raises(UsageError) as refused:
            await check(means("tg", settings | wrong, tmp_path))
        assert "Example" not in str(refused.value)
