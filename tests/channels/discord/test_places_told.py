"""What Discord tells of servers, channels and threads, as its documentation shows it, and the same mangled.

From discord.com/developers/docs: topics/gateway-events (Ready, Guild Create, Channel Create, Thread List Sync), and
resources/channel#channel-object (the text channel, the thread, the conversation of two).
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from nanoclaw.channels.discord.codec import Me, Place, read_interaction
from nanoclaw.channels.discord.objects import Channel, Guild, Interaction, Ready, Threads
from nanoclaw.channels.discord.places import Places
from nanoclaw.channels.reading import UnfitError, read
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import InboundEvent
from tests.channels.mangled import mangled

MASON = {"username": "Mason", "discriminator": "9999", "id": "53908099506183680", "global_name": None}
READY = {
    "v": 10,
    "user": {"id": "1000000000000000001", "username": "nano", "bot": True},
    "guilds": [{"id": "41771983423143937", "unavailable": True}],
    "session_id": "x",
    "resume_gateway_url": "wss://gateway.discord.gg",
    "application": {"id": "290926444748734465", "flags": 0},
}
TEXT: dict[str, Any] = {
    "id": "41771983423143937",
    "guild_id": "41771983423143937",
    "name": "general",
    "type": 0,
    "position": 6,
    "permission_overwrites": [],
    "rate_limit_per_user": 2,
    "nsfw": True,
    "topic": "24/7 chat about how to gank Mike #2",
    "last_message_id": "155117677105512449",
    "parent_id": "399942396007890945",
    "default_auto_archive_duration": 60,
}
THREAD: dict[str, Any] = {
    "id": "41771983423143999",
    "guild_id": "41771983423143937",
    "parent_id": "41771983423143937",
    "owner_id": "41771983423143937",
    "name": "don't buy dota-2",
    "type": 11,
    "last_message_id": "155117677105512449",
    "message_count": 1,
    "member_count": 5,
    "rate_limit_per_user": 2,
    "thread_metadata": {"archived": False, "auto_archive_duration": 1440, "locked": False},
    "total_message_sent": 1,
}
DIRECT = {
    "last_message_id": "3343820033257021450",
    "type": 1,
    "id": "319674150115610528",
    "recipients": [{"username": "test", "discriminator": "9999", "id": "82198898841029460"}],
}
GUILD = {
    "id": "41771983423143937",
    "name": "A server",
    "large": False,
    "channels": [TEXT],
    "threads": [THREAD],
    "roles": [
        {"id": "41771983423143937", "name": "@everyone", "permissions": "0"},
        {"id": "2", "name": "nano", "managed": True, "tags": {"bot_id": "1000000000000000001"}},
    ],
}
GONE_GUILD = {"id": "41771983423143937", "unavailable": True}
SYNC = {"guild_id": "41771983423143937", "channel_ids": ["41771983423143937"], "threads": [THREAD], "members": []}
ALONE = {
    "version": 1,
    "type": 3,
    "token": "unique_interaction_token",
    "message": {"type": 0, "id": "846561032154218506", "channel_id": "319674150115610528", "content": "This is it"},
    "user": MASON,
    "id": "846462639134605312",
    "data": {"custom_id": "yes|question-1", "component_type": 2},
    "channel_id": "319674150115610528",
    "application_id": "290926444748734465",
}


def known() -> Places:
    places = Places(me=Me(id=read(Ready, READY).user.id))
    places.know_guild(read(Guild, GUILD))
    places.know([read(Channel, DIRECT)])
    return places


@pytest.mark.parametrize(
    ("channel", "guild", "place"),
    [
        (TEXT["id"], TEXT["guild_id"], Place(platform_id=TEXT["id"], thread_id=None, is_group=True, name="general")),
        (
            THREAD["id"],
            TEXT["guild_id"],
            Place(platform_id=TEXT["id"], thread_id=THREAD["id"], is_group=True, name="general"),
        ),
        (DIRECT["id"], None, Place(platform_id=str(DIRECT["id"]), thread_id=None, is_group=False)),
        ("7", "8", Place(platform_id="7", thread_id=None, is_group=True)),
    ],
    ids=["text", "thread", "direct", "unknown"],
)
def test_channels_are_where_they_are(channel: str, guild: str | None, place: Place) -> None:
    assert known().place(channel, guild) == place


def test_our_roles_are_those_that_were_made_for_us_and_a_server_that_is_away_has_none() -> None:
    me = known().me
    assert me is not None
    assert me.roles == {"2"}
    assert read(Guild, GONE_GUILD).channels == ()


def test_threads_that_we_may_see_now_are_known_and_those_that_are_gone_are_not() -> None:
    places = Places()
    places.know(read(Threads, SYNC).threads)
    assert places.is_thread(THREAD["id"])
    places.forget(read(Channel, {name: THREAD[name] for name in ("id", "guild_id", "parent_id", "type")}).id)
    assert not places.is_thread(THREAD["id"])


def test_who_presses_in_a_conversation_of_two_is_named_beside_and_not_as_a_member() -> None:
    press = read_interaction(ChannelName("discord"), read(Interaction, ALONE), known().place(str(DIRECT["id"]), None))
    assert isinstance(press, InboundEvent)
    assert (press.sender_id, press.is_group) == ("discord:53908099506183680", False)


@given(mangled((READY, TEXT, THREAD, DIRECT, GUILD, SYNC, ALONE)))
def test_whatever_is_told_of_places_is_known_or_unfit(payload: dict[str, Any]) -> None:
    payload = json.loads(json.dumps(payload))
    places = known()
    for cls in (Ready, Channel, Guild, Threads, Interaction):
        try:
            found = read(cls, payload)
        except UnfitError:
            continue
        if isinstance(found, Guild):
            places.know_guild(found)
        elif isinstance(found, Channel):
            places.know([found])
            assert places.place(found.id, found.guild_id).platform_id in (found.id, found.parent_id)
