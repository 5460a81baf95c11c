"""What a homeserver tells, as the specification shows it, and the same mangled: an event of ours, or nothing and why.

From spec.matrix.org/v1.15/client-server-api: the examples of `GET /sync`, `m.room.message`, `m.sticker`,
`m.room.redaction`, `m.room.encrypted`, `m.room.member`, and of replacements and threads.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from nanoclaw.channels.matrix.codec import Account, Meaning, Nothing, Said, Unreadable, understand
from nanoclaw.channels.matrix.rooms import Room, inviter, people_of
from nanoclaw.channels.matrix.wire import Sync, UnfitError, read, read_event
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import Revision, RevisionKind
from tests.channels.mangled import mangled

ME = Account(channel=ChannelName("matrix"), user="@nano:example.org")
WHO = "@example:example.org"
ROOM = Room(id="!jEsUZKDJdhlrceRyVU:example.org", people={WHO: "Example", "@bob:b.org": "", ME.user: ""})
UNSIGNED = {"age": 1234, "membership": "join"}


def event(kind: str, content: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "content": content,
        "event_id": "$143273582443PhrSn:example.org",
        "origin_server_ts": 1432735824653,
        "room_id": "!jEsUZKDJdhlrceRyVU:example.org",
        "sender": WHO,
        "type": kind,
        "unsigned": UNSIGNED,
        **more,
    }


FISH = {"body": "I am a fish", "msgtype": "m.text", "format": "org.matrix.custom.html", "formatted_body": "<b>I</b>"}
TEXT = event("m.room.message", FISH)
EMOTE = event("m.room.message", {"body": "thinks this is an example emote", "msgtype": "m.emote"})
NOTICE = event("m.room.message", {"body": "This is an example notice", "msgtype": "m.notice"})
FILE = event(
    "m.room.message",
    {
        "body": "something-important.doc",
        "filename": "something-important.doc",
        "info": {"mimetype": "application/msword", "size": 46144},
        "msgtype": "m.file",
        "url": "mxc://example.org/FHyPlCeYUSFFxlgbQYZmoEoe",
    },
)
STICKER = event(
    "m.sticker",
    {
        "body": "Landing",
        "info": {"h": 200, "mimetype": "image/png", "size": 73602, "w": 140},
        "url": "mxc://matrix.org/sHhqkFCvSkFwtmvtETOtKnLP",
    },
)
THREAD = event(
    "m.room.message",
    {**FISH, "m.relates_to": {"rel_type": "m.thread", "event_id": "$root", "is_falling_back": True}},
)
EDIT = event(
    "m.room.message",
    {
        "body": "* Hello! My name is bar",
        "msgtype": "m.text",
        "m.new_content": {"body": "Hello! My name is bar", "msgtype": "m.text"},
        "m.relates_to": {"rel_type": "m.replace", "event_id": "$some_event_id"},
    },
)
REDACTION = event("m.room.redaction", {"reason": "Spamming", "redacts": "$fukweghifu23:localhost"})
OLD_REDACTION = event("m.room.redaction", {"reason": "Spamming"}, redacts="$fukweghifu23:localhost")
ENCRYPTED = event(
    "m.room.encrypted",
    {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "AwgAEnACgAkLmt6qF84IK", "session_id": "X3lUlvLELLYxeTx4yOVu6"},
)
MEMBER = event(
    "m.room.member",
    {"avatar_url": "mxc://example.org/SEsfnsuifSDFSSEF", "displayname": "Example", "membership": "join"},
    state_key=WHO,
)
SYNC: dict[str, Any] = {
    "account_data": {"events": [{"content": {"tags": {}}, "type": "org.example.custom.config"}]},
    "next_batch": "s72595_4483_1934",
    "presence": {"events": []},
    "rooms": {
        "invite": {
            "!696r7674:example.com": {
                "invite_state": {
                    "events": [
                        {
                            "content": {"name": "My Room Name"},
                            "sender": "@alice:example.com",
                            "state_key": "",
                            "type": "m.room.name",
                        },
                        {
                            "content": {"membership": "invite"},
                            "sender": "@alice:example.com",
                            "state_key": ME.user,
                            "type": "m.room.member",
                        },
                    ]
                }
            }
        },
        "join": {
            "!726s6s6q:example.com": {
                "ephemeral": {"events": [{"content": {"user_ids": [WHO]}, "type": "m.typing"}]},
                "state": {"events": [MEMBER]},
                "summary": {"m.heroes": [WHO], "m.invited_member_count": 0, "m.joined_member_count": 2},
                "timeline": {"events": [TEXT], "limited": True, "prev_batch": "t34-23535_0_0"},
                "unread_notifications": {"highlight_count": 1, "notification_count": 5},
            }
        },
        "knock": {"!223asd456:example.com": {"knock_state": {"events": []}}},
        "leave": {},
    },
}
EVERY = (TEXT, EMOTE, NOTICE, FILE, STICKER, THREAD, EDIT, REDACTION, OLD_REDACTION, ENCRYPTED, MEMBER)


def meaning(payload: dict[str, Any]) -> Meaning | str:
    found = read_event(payload)
    return found if isinstance(found, str) else understand(found, ROOM, ME)


@pytest.mark.parametrize(
    ("payload", "text", "thread", "files"),
    [
        (TEXT, "I am a fish", None, 0),
        (EMOTE, "* Example thinks this is an example emote", None, 0),
        (FILE, "", None, 1),
        (STICKER, "Landing", None, 0),
        (THREAD, "I am a fish", "$root", 0),
    ],
)
def test_what_somebody_says_is_heard(payload: dict[str, Any], text: str, thread: str | None, files: int) -> None:
    found = meaning(payload)
    assert isinstance(found, Said)
    assert (found.event.sender_id, found.event.text, found.event.thread_id) == (f"matrix:{WHO}", text, thread)
    assert len(found.files) == files


def test_what_is_changed_and_taken_back_names_its_message_in_rooms_of_every_version() -> None:
    edit = meaning(EDIT)
    assert isinstance(edit, Revision)
    assert edit.claimed, "servers pass on anybody's"
    assert (edit.kind, edit.platform_message_id, edit.text) == (
        RevisionKind.EDIT,
        "$some_event_id",
        "Hello! My name is bar",
    )
    for payload in (REDACTION, OLD_REDACTION):
        gone = meaning(payload)
        assert isinstance(gone, Revision)
        assert (gone.kind, gone.platform_message_id) == (RevisionKind.DELETION, "$fukweghifu23:localhost")


def test_notices_and_state_are_nothing_and_what_is_encrypted_is_said_to_be() -> None:
    assert isinstance(meaning(NOTICE), Nothing)
    assert isinstance(meaning(MEMBER), Nothing)
    assert meaning(ENCRYPTED) == Unreadable()


def test_an_answer_of_sync_says_what_is_new_and_who_asks_us_in() -> None:
    found = read(Sync, SYNC)
    room = found.rooms.join["!726s6s6q:example.com"]
    assert (found.next_batch, room.timeline.limited, room.timeline.prev_batch) == (
        "s72595_4483_1934",
        True,
        "t34-23535_0_0",
    )
    assert room.timeline.events == (TEXT,)
    assert people_of(list(room.state.events)) == {WHO: "Example"}
    (invitation,) = found.rooms.invite.values()
    assert inviter(list(invitation.invite_state.events), ME.user) == "@alice:example.com"


@given(mangled((*EVERY, SYNC)))
def test_whatever_is_told_is_an_event_or_nothing_or_unfit(payload: dict[str, Any]) -> None:
    payload = json.loads(json.dumps(payload))
    found = meaning(payload)
    if isinstance(found, Said | Revision):
        told = found.event if isinstance(found, Said) else found
        assert told.sender_id.startswith("matrix:@")
    try:
        news = read(Sync, payload)
    except UnfitError:
        return
    for room in news.rooms.join.values():
        people_of([one for one in (read_event(raw) for raw in room.state.events) if not isinstance(one, str)])
