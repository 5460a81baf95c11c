"""What Slack tells, as its documentation shows it, and the same mangled: an event of ours, or nothing and why.

From docs.slack.dev: reference/events/message (a plain one, in a thread, with files, `me_message`, `bot_message`,
`message_changed`, `message_deleted`, `channel_join`), reference/events/app_mention,
apis/events-api/using-socket-mode (the envelope, hello, disconnect), and
reference/interaction-payloads/block_actions-payload (the press).
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from nanoclaw.channels.reading import UnfitError, read
from nanoclaw.channels.slack.codec import Heard, Names, Nothing, read_change, read_message, read_press
from nanoclaw.channels.slack.objects import Envelope, Event, Me, Message, Payload, Pressed
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import InboundEvent, Revision, RevisionKind
from tests.channels.mangled import mangled

HERE, ME = ChannelName("slack"), Me(user_id="U0LAN0Z89", team_id="T061EG9R6")
NAMES = Names(people={"U061F7AUR": "Ada"})
SAID: dict[str, Any] = {
    "type": "message",
    "channel": "C123ABC456",
    "user": "U061F7AUR",
    "text": "Hello world",
    "ts": "1355517523.000005",
    "team": "T061EG9R6",
    "event_ts": "1355517523.000005",
    "channel_type": "channel",
}
FILE = {"id": "F1", "name": "tedair.gif", "mimetype": "image/gif", "size": 137531, "url_private": "https://x.example/t"}
SHARED = {**SAID, "subtype": "file_share", "files": [FILE], "upload": True}
ANSWER = {**SAID, "thread_ts": "1355517500.000001", "parent_user_id": "U061F7AUR"}
DIRECT = {**SAID, "channel": "D024BE91L", "channel_type": "im"}
MENTION = {**SAID, "type": "app_mention", "text": "<@U0LAN0Z89> is it everything a river should be?"}
SELF = {**SAID, "subtype": "me_message"}
BOT = {**SAID, "subtype": "bot_message", "bot_id": "BB12033", "username": "github", "icons": {}}
JOIN = {**SAID, "subtype": "channel_join", "text": "<@U061F7AUR> has joined the channel"}
CHANGED: dict[str, Any] = {
    "type": "message",
    "subtype": "message_changed",
    "channel": "C123ABC456",
    "ts": "1358878755.000001",
    "hidden": True,
    "message": {
        "type": "message",
        "user": "U061F7AUR",
        "text": "Hello, world!",
        "ts": "1355517523.000005",
        "edited": {"user": "U061F7AUR", "ts": "1358878755.000001"},
    },
    "previous_message": {"type": "message", "user": "U061F7AUR", "text": "Hello world", "ts": "1355517523.000005"},
}
DELETED: dict[str, Any] = {
    "type": "message",
    "subtype": "message_deleted",
    "hidden": True,
    "channel": "C123ABC456",
    "ts": "1358878755.000001",
    "deleted_ts": "1355517523.000005",
    "previous_message": {"type": "message", "user": "U061F7AUR", "text": "Hello world", "ts": "1355517523.000005"},
}
PRESSED: dict[str, Any] = {
    "type": "block_actions",
    "team": {"id": "T061EG9R6", "domain": "example"},
    "user": {"id": "U061F7AUR", "username": "ada", "team_id": "T061EG9R6"},
    "api_app_id": "A02",
    "token": "Shh_its_a_seekrit",
    "container": {"type": "message", "message_ts": "1355517523.000005"},
    "trigger_id": "12466734323.1395872398",
    "channel": {"id": "C123ABC456", "name": "review-updates"},
    "message": {"type": "message", "user": "U0LAN0Z89", "ts": "1355517523.000005", "text": "Sure?", "bot_id": "B1"},
    "response_url": "https://hooks.slack.com/actions/x",
    "actions": [
        {
            "action_id": "WaXA",
            "block_id": "=qXel",
            "value": "yes|question-1",
            "type": "button",
            "action_ts": "1548426417.840180",
        }
    ],
}
ENVELOPE: dict[str, Any] = {
    "payload": {"token": "x", "team_id": "T061EG9R6", "event": SAID, "type": "event_callback"},
    "envelope_id": "dbdd0ef3-1543-4f94-bfb4-133d0e6c1545",
    "type": "events_api",
    "accepts_response_payload": False,
}
HELLO = {"type": "hello", "connection_info": {"app_id": "A1234"}, "num_connections": 1, "debug_info": {"host": "x"}}
DISCONNECT = {"type": "disconnect", "reason": "warning", "debug_info": {"host": "wss-111.slack.com"}}
TOMBSTONE = {**CHANGED, "message": {**CHANGED["message"], "subtype": "tombstone", "text": "This message was deleted."}}


def message(payload: dict[str, Any]) -> Heard | Nothing:
    mentioned = payload.get("type") == "app_mention"
    return read_message(HERE, read(Message, payload), ME, NAMES, lambda _chat, _thread: True, mentioned=mentioned)


@pytest.mark.parametrize(
    ("payload", "thread", "mention"),
    [
        (SAID, "1355517523.000005", False),
        (SHARED, "1355517523.000005", False),
        (ANSWER, "1355517500.000001", False),
        (DIRECT, None, True),
        (MENTION, "1355517523.000005", True),
        (SELF, "1355517523.000005", False),
    ],
    ids=["plain", "file", "thread", "direct", "mention", "me"],
)
def test_what_somebody_says_is_heard(payload: dict[str, Any], thread: str | None, mention: bool) -> None:
    found = message(payload)
    assert isinstance(found, Heard)
    event = found.event
    assert (event.thread_id, event.mention, event.sender_id) == (thread, mention, "slack:T061EG9R6-U061F7AUR")
    assert event.text in {"Hello world", "is it everything a river should be?"}
    assert len(found.files) == len(payload.get("files", ()))


@pytest.mark.parametrize("payload", [BOT, JOIN, {**SAID, "user": "U0LAN0Z89"}], ids=["bot", "join", "ours"])
def test_what_nobody_says_is_nothing(payload: dict[str, Any]) -> None:
    assert isinstance(message(payload), Nothing)


def test_changes_deletions_presses_and_envelopes_are_what_they_are() -> None:
    for payload, kind, text in ((CHANGED, RevisionKind.EDIT, "Hello, world!"), (DELETED, RevisionKind.DELETION, "")):
        found = read_change(HERE, read(Event, payload), ME, NAMES)
        assert isinstance(found, Revision)
        assert (found.kind, found.text, found.platform_message_id) == (kind, text, "C123ABC456:1355517523.000005")
    gone = read_change(HERE, read(Event, TOMBSTONE), ME, NAMES)
    assert isinstance(gone, Revision)
    assert gone.kind is RevisionKind.DELETION, "it has answers, and so a stone stands where it was"
    preview = {**CHANGED, "message": {**CHANGED["message"], "text": "Hello world"}}
    assert isinstance(read_change(HERE, read(Event, preview), ME, NAMES), Nothing), "Slack has added a preview"
    press = read_press(HERE, read(Pressed, PRESSED), ME, NAMES)
    assert isinstance(press, InboundEvent)
    assert press.choice is not None
    assert (press.choice.question, press.choice.said, press.sender_id) == (
        "question-1",
        "yes",
        "slack:T061EG9R6-U061F7AUR",
    )
    assert read(Payload, read(Envelope, ENVELOPE).payload).event == SAID
    assert read(Envelope, HELLO).envelope_id is None
    assert read(Envelope, DISCONNECT).reason == "warning"


@given(
    mangled((SAID, SHARED, ANSWER, DIRECT, MENTION, BOT, JOIN, CHANGED, TOMBSTONE, DELETED, PRESSED, ENVELOPE, HELLO))
)
def test_whatever_is_told_is_an_event_or_nothing_or_unfit(payload: dict[str, Any]) -> None:
    payload = json.loads(json.dumps(payload))
    for what in (
        lambda: message(payload),
        lambda: read_change(HERE, read(Event, payload), ME, NAMES),
        lambda: read_press(HERE, read(Pressed, payload), ME, NAMES),
        lambda: read(Payload, read(Envelope, payload).payload),
    ):
        try:
            found = what()
        except UnfitError:
            continue
        event = found.event if isinstance(found, Heard) else found
        assert not isinstance(event, InboundEvent) or event.sender_id.startswith("slack:")
