"""What Discord tells, as its documentation shows it, and the same mangled: an event of ours, or nothing and why.

From discord.com/developers/docs: resources/message#message-object (the example and the reply, the forward, the sticker,
the join), topics/gateway-events (Message Update, Message Delete, Message Delete Bulk), and
interactions/receiving-and-responding and components/reference#button (the press).
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from nanoclaw.channels.discord.codec import (
    Heard,
    Me,
    Nothing,
    Place,
    read_deletion,
    read_edit,
    read_interaction,
    read_message,
)
from nanoclaw.channels.discord.objects import Deleted, Interaction, ManyDeleted, Message
from nanoclaw.channels.reading import UnfitError, read
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import InboundEvent, Revision
from tests.channels.mangled import mangled

HERE, ME = ChannelName("discord"), Me(id="1000000000000000001", roles=frozenset({"1000000000000000002"}))
HALL = Place(platform_id="290926798999357250", thread_id=None, is_group=True, name="general")
MASON = {
    "username": "Mason",
    "discriminator": "9999",
    "id": "53908099506183680",
    "global_name": None,
    "avatar": "a_bab14f271d565501444b2ca3be944b25",
}
SAID: dict[str, Any] = {
    "reactions": [{"count": 1, "me": False, "emoji": {"id": None, "name": "\U0001f525"}, "burst_colors": []}],
    "attachments": [],
    "tts": False,
    "embeds": [],
    "timestamp": "2017-07-11T17:27:07.299000+00:00",
    "mention_everyone": False,
    "id": "334385199974967042",
    "pinned": False,
    "edited_timestamp": None,
    "author": MASON,
    "mention_roles": [],
    "mention_channels": [],
    "content": "Supa Hot",
    "channel_id": "290926798999357250",
    "mentions": [],
    "type": 0,
}
FILE = {
    "id": "1",
    "filename": "a.png",
    "size": 3,
    "url": "https://cdn.discordapp.com/a.png",
    "content_type": "image/png",
}
ANSWER = {**SAID, "type": 19, "message_reference": {"message_id": "1"}, "referenced_message": {"author": {"id": ME.id}}}
FORWARD = {**SAID, "content": "", "message_snapshots": [{"message": {"content": "as it was", "attachments": [FILE]}}]}
STICKER = {**SAID, "content": "", "sticker_items": [{"id": "749054660769218631", "name": "Wave", "format_type": 3}]}
EDITED = {**SAID, "content": "Supa Cold", "edited_timestamp": "2017-07-11T17:28:00.000000+00:00"}
JOINED = {**SAID, "content": "", "type": 7}
HOOK = {**SAID, "webhook_id": "223704706495545344"}
BOT = {**SAID, "author": {**MASON, "bot": True}}
DELETED = {"id": "334385199974967042", "channel_id": "290926798999357250", "guild_id": "290926798626357999"}
MANY = {"ids": ["334385199974967042"], "channel_id": "290926798999357250", "guild_id": "290926798626357999"}
PRESSED: dict[str, Any] = {
    "version": 1,
    "type": 3,
    "token": "unique_interaction_token",
    "message": {"type": 0, "id": "846561032154218506", "channel_id": "345626669114982402", "content": "This is it"},
    "member": {"user": MASON, "roles": ["290926798626357999"], "permissions": "17179869183", "nick": None},
    "id": "846462639134605312",
    "guild_id": "290926798626357999",
    "data": {"custom_id": "yes|question-1", "component_type": 2},
    "channel_id": "345626669114982999",
    "application_id": "290926444748734465",
}


def message(payload: dict[str, Any]) -> Heard | Nothing:
    return read_message(HERE, read(Message, payload), HALL, ME, lambda _chat, _thread: True)


@pytest.mark.parametrize(
    ("payload", "text", "mention", "files"),
    [
        (SAID, "Supa Hot", False, 0),
        ({**SAID, "attachments": [FILE]}, "Supa Hot", False, 1),
        ({**SAID, "content": f"<@{ME.id}> hello", "mentions": [{"id": ME.id}]}, "hello", True, 0),
        ({**SAID, "content": "<@&1000000000000000002> hello", "mention_roles": [*ME.roles]}, None, True, 0),
        (ANSWER, "Supa Hot", True, 0),
        (FORWARD, "as it was", False, 1),
        (STICKER, "[sticker: Wave]", False, 0),
    ],
    ids=range(7),
)
def test_what_somebody_says_is_heard(payload: dict[str, Any], text: str | None, mention: bool, files: int) -> None:
    found = message(payload)
    assert isinstance(found, Heard)
    event = found.event
    assert (event.mention, len(found.files), event.sender_id) == (mention, files, "discord:53908099506183680")
    assert text is None or event.text == text


@pytest.mark.parametrize("payload", [JOINED, HOOK, BOT, {**SAID, "content": ""}], ids=["join", "hook", "bot", "empty"])
def test_what_nobody_says_is_nothing(payload: dict[str, Any]) -> None:
    assert isinstance(message(payload), Nothing)


def test_changes_deletions_and_presses_are_what_they_are() -> None:
    edit = read_edit(HERE, read(Message, EDITED), ME)
    assert isinstance(edit, Revision)
    assert edit.text == "Supa Cold"
    assert isinstance(read_edit(HERE, read(Message, SAID), ME), Nothing), "Discord has added a preview"
    assert read_deletion(HERE, read(Deleted, DELETED)).platform_message_id == DELETED["id"]
    assert read(ManyDeleted, MANY).ids == (DELETED["id"],)
    press = read_interaction(HERE, read(Interaction, PRESSED), HALL)
    assert isinstance(press, InboundEvent)
    assert press.choice is not None
    assert (press.choice.question, press.choice.said, press.sender_id) == (
        "question-1",
        "yes",
        "discord:53908099506183680",
    )


@given(mangled((SAID, ANSWER, FORWARD, STICKER, EDITED, HOOK, DELETED, MANY, PRESSED)))
def test_whatever_is_told_is_an_event_or_nothing_or_unfit(payload: dict[str, Any]) -> None:
    payload = json.loads(json.dumps(payload))
    for what in (
        lambda: message(payload),
        lambda: read_edit(HERE, read(Message, payload), ME),
        lambda: read_deletion(HERE, read(Deleted, payload)),
        lambda: read(ManyDeleted, payload),
        lambda: read_interaction(HERE, read(Interaction, payload), HALL),
    ):
        try:
            found = what()
        except UnfitError:
            continue
        event = found.event if isinstance(found, Heard) else found
        assert not isinstance(event, InboundEvent) or event.sender_id.startswith("discord:")
