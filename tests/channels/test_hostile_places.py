"""Whatever chats, threads and files are called on a platform, what is shown of them is one line of plain text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from nanoclaw.channels.discord import codec as discord
from nanoclaw.channels.discord.objects import Channel, User
from nanoclaw.channels.discord.objects import Message as DiscordMessage
from nanoclaw.channels.matrix.codec import Account, Said, understand
from nanoclaw.channels.matrix.rooms import Room
from nanoclaw.channels.matrix.wire import Event, clean, read_event
from nanoclaw.channels.slack import codec as slack
from nanoclaw.channels.slack.objects import Me
from nanoclaw.channels.slack.objects import Message as SlackMessage
from nanoclaw.channels.telegram.hearing import Heard, Listener
from nanoclaw.channels.telegram.wire import Me as TelegramMe
from nanoclaw.channels.telegram.wire import read_update
from nanoclaw.cli.words import printable
from nanoclaw.core.notices import visible
from nanoclaw.model.files import NewAttachment, Spooled
from nanoclaw.model.ids import ChannelName, SpoolId
from nanoclaw.model.messages import InboundEvent
from nanoclaw.store import approvals, entities
from tests.channels.test_hostile_names import HOSTILE
from tests.support.central import World

HERE = ChannelName("here")


def on_telegram(name: str) -> InboundEvent:
    chat = {"id": -1001, "type": "supergroup", "title": name}
    made = {"message_id": 5, "date": 1, "chat": chat, "forum_topic_created": {"name": name}}
    sender = {"id": 8, "is_bot": False, "first_name": name, "username": name}
    said: dict[str, Any] = {"message_id": 9, "date": 1, "chat": chat, "from": sender, "text": "@nano hi"}
    said |= {"message_thread_id": 5, "is_topic_message": True, "reply_to_message": made}
    said |= {"entities": [{"type": "mention", "offset": 0, "length": 5}]}
    listener = Listener(name=HERE, me=TelegramMe(id=77, username="nano"), engages=lambda *_: True)
    heard = listener.hear(read_update({"update_id": 3, "message": said}))
    assert isinstance(heard, Heard)
    assert isinstance(heard.told, InboundEvent)
    return heard.told


def on_discord(name: str) -> InboundEvent:
    thread, parent = Channel(id="7", type=11, name=name, parent_id="6"), Channel(id="6", type=0, name=name)
    author = User(id="8", username=name)
    message = DiscordMessage(
        id="5", channel_id="7", guild_id="3", author=author, content="<@9> hi", mentions=(User(id="9"),)
    )
    place = discord.place_of("7", "3", thread, parent)
    heard = discord.read_message(HERE, message, place, discord.Me(id="9"), lambda *_: True)
    assert isinstance(heard, discord.Heard)
    return heard.event


def on_slack(name: str) -> InboundEvent:
    called = slack.called(name, name, name, "U8")
    names = slack.Names(people={"U8": called}, chat=slack.called(name, "", "", "") or None)
    message = SlackMessage(ts="1700000000.000100", channel="C1", user="U8", team="T2", text="<@U9> hi")
    heard = slack.read_message(HERE, message, Me(user_id="U9", team_id="T1"), names, lambda *_: True)
    assert isinstance(heard, slack.Heard)
    return heard.event


def on_matrix(name: str) -> InboundEvent:
    people = {"@8:b.org": clean(name), "@nano:b.org": "", "@c:b.org": ""}
    room = Room(id="!hall:b.org", name=clean(name), people=people)
    content = {"msgtype": "m.text", "body": "hi", "m.mentions": {"user_ids": ["@nano:b.org"]}}
    event = read_event({"event_id": "$1", "type": "m.room.message", "sender": "@8:b.org", "content": content})
    assert isinstance(event, Event)
    meaning = understand(event, room, Account(channel=HERE, user="@nano:b.org"))
    assert isinstance(meaning, Said)
    return meaning.event


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("heard", [on_telegram, on_discord, on_slack, on_matrix])
def test_a_chat_is_remembered_and_asked_about_by_a_name_that_is_fit_to_show(
    heard: Callable[[str], InboundEvent], name: str
) -> None:
    world = World()
    world.agent()
    event = heard(name)
    assert event.sender_id.endswith("8") or event.sender_id == "here:@8:b.org"
    world.accept(event)
    (chat,) = entities.messaging_groups(world.conn)
    assert chat.name.strip()
    assert len(chat.name) <= 80
    assert chat.name.isprintable()
    (asked,) = approvals.approvals(world.conn)
    shown = approvals.shown_of(asked)
    for line in (shown.title, *shown.lines):
        assert line.isprintable(), "a name makes no line of its own on a card"
    assert len("".join(shown.lines)) < 1_000
    cell = printable(chat.name)
    assert (cell.plain, cell.spans) == (chat.name, []), "nothing in a table is markup"


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_file_is_kept_under_a_name_that_is_fit_to_show(name: str) -> None:
    world = World()
    world.wire(world.chat("-1001", channel=HERE), world.agent())
    file = Spooled(id=SpoolId("a" * 32), size=1, digest="0" * 64)
    came = NewAttachment(name=name, mime_type=name, file=file)
    world.accept(evolve(on_telegram("Lab"), attachments=(came,)))
    ((kept, mime),) = world.conn.execute("SELECT name, mime_type FROM attachments")
    for shown in (str(kept), str(mime)):
        assert visible(shown) == shown
        assert "\n" not in shown
    assert str(kept).strip()
    assert len(str(kept).encode()) <= 255
    assert not {"/", "\\"} & set(str(kept))
