"""Updates of every kind that is asked for, as Telegram's documentation shows them, and the same mangled.

From core.telegram.org/bots/webhooks, "Testing your bot with updates" (the messages, the change and the press), and
core.telegram.org/bots/api: Update, Message, ForumTopicCreated, CallbackQuery, InaccessibleMessage.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from nanoclaw.channels.telegram.hearing import Heard, Listener, Meaning, Moved, Nothing
from nanoclaw.channels.telegram.wire import KINDS, BadUpdateError, Me, read_update
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import InboundEvent, Revision
from tests.channels.mangled import mangled

LISTENER = Listener(name=ChannelName("telegram"), me=Me(id=77, username="nano_bot"), engages=lambda *_: True)
TEST = {"last_name": "Test Lastname", "id": 1111111, "first_name": "Test", "username": "Test", "is_bot": False}
PRIVATE = {"last_name": "Test Lastname", "id": 1111111, "first_name": "Test", "username": "Test", "type": "private"}
FORUM = {"id": -1001234567890, "title": "Lab", "type": "supergroup", "is_forum": True}
NEWS = {"id": -1002222222222, "title": "News", "username": "news", "type": "channel"}
SAID: dict[str, Any] = {"date": 1441645532, "chat": PRIVATE, "message_id": 1365, "from": TEST}
BEGUN = {"date": 1441645000, "chat": FORUM, "message_id": 9, "from": TEST, "forum_topic_created": {"name": "Roofs"}}
DOCUMENT = {
    "file_id": "AwADBAADbXXXXXXXXXXXGBdhD2l6_XX",
    "file_name": "Testfile.pdf",
    "mime_type": "application/pdf",
    "file_size": 536392,
}
AUDIO = {"file_id": "AwADBAADbXXXXXXXXXXXGBdhD2l6_XX", "duration": 243, "mime_type": "audio/mpeg", "file_size": 3897500}
VOICE = {"file_id": "AwADBAADbXXXXXXXXXXXGBdhD2l6_XX", "duration": 5, "mime_type": "audio/ogg", "file_size": 23000}
PRESSED = {"id": "4382bfdwdsb323b2d9", "from": TEST, "chat_instance": "-1", "data": "qquestion-1\nyes"}


def update(kind: str, **what: Any) -> dict[str, Any]:
    return {"update_id": 10000, kind: what}


START = update("message", **SAID, text="/start", entities=[{"type": "bot_command", "offset": 0, "length": 6}])
FORWARD = update(
    "message", **SAID, text="forwarded", forward_origin={"type": "user", "sender_user": TEST, "date": 1441645550}
)
ANSWER = update("message", **SAID, text="/start", reply_to_message={**SAID, "message_id": 1334, "text": "Original"})
TOPIC = update(
    "message",
    **{**SAID, "chat": FORUM},
    text="it rains in",
    message_thread_id=9,
    is_topic_message=True,
    reply_to_message=BEGUN,
)
FILES = [update("message", **SAID, **one) for one in ({"document": DOCUMENT}, {"audio": AUDIO}, {"voice": VOICE})]
FILES += [update("message", **SAID, caption="look", **{kind: VOICE}) for kind in ("video", "video_note")]
EDITED = update("edited_message", **SAID, text="Edited text", edit_date=1441646600)
LIVE = update("edited_message", **SAID, location={"latitude": 0.1, "longitude": 0.2}, edit_date=1441646600)
POST = update("channel_post", date=1, chat=NEWS, message_id=3, sender_chat=NEWS, author_signature="Ada", text="News")
REPOST = update("edited_channel_post", date=1, chat=NEWS, message_id=3, sender_chat=NEWS, text="Olds", edit_date=2)
MOVED = update("message", **{**SAID, "chat": {"id": -5, "type": "group", "title": "Lab"}}, migrate_to_chat_id=-100)
PRESS = update("callback_query", **PRESSED, message={**SAID, "text": "which?"})
OLD_PRESS = update("callback_query", **PRESSED, message={"chat": PRIVATE, "message_id": 1365, "date": 0})
INLINE = update("callback_query", **PRESSED, inline_message_id="1234csdbsk4839")
STRANGE = update("chosen_inline_result", result_id="12", query="inline query", **{"from": TEST})
EVERY = (
    *(START, FORWARD, ANSWER, TOPIC, *FILES, EDITED, LIVE, POST, REPOST, MOVED, PRESS, OLD_PRESS, INLINE),
    STRANGE,
)


def heard(payload: dict[str, Any]) -> Meaning:
    return LISTENER.hear(read_update(payload))


def test_there_is_one_of_every_kind_that_is_asked_for() -> None:
    assert {kind for one in EVERY for kind in one} >= set(KINDS)


@pytest.mark.parametrize(
    ("payload", "text", "thread", "who", "files"),
    [
        (START, "/start", None, 1111111, 0),
        (FORWARD, "forwarded", None, 1111111, 0),
        (ANSWER, "/start", None, 1111111, 0),
        (TOPIC, "it rains in", "9", 1111111, 0),
        *[(one, "look" if "caption" in one["message"] else "", None, 1111111, 1) for one in FILES],
        (POST, "News", None, -1002222222222, 0),
        (PRESS, "yes", None, 1111111, 0),
        (OLD_PRESS, "yes", None, 1111111, 0),
    ],
)
def test_what_somebody_says_or_presses_is_heard(
    payload: dict[str, Any], text: str, thread: str | None, who: int, files: int
) -> None:
    found = heard(payload)
    assert isinstance(found, Heard)
    assert isinstance(found.told, InboundEvent)
    assert (found.told.text, found.told.thread_id, len(found.files)) == (text, thread, files)
    assert found.told.sender_id == f"telegram:{who}"


@pytest.mark.parametrize(("payload", "text"), [(EDITED, "Edited text"), (REPOST, "Olds")])
def test_what_is_changed_is_a_revision(payload: dict[str, Any], text: str) -> None:
    found = heard(payload)
    assert isinstance(found, Heard)
    assert isinstance(found.told, Revision)
    assert found.told.text == text


@pytest.mark.parametrize("payload", [LIVE, INLINE, STRANGE])
def test_what_nobody_says_is_nothing(payload: dict[str, Any]) -> None:
    assert isinstance(heard(payload), Nothing)


def test_a_group_that_moves_says_where() -> None:
    assert heard(MOVED) == Moved(-5, -100)


@given(mangled(EVERY))
def test_whatever_is_told_is_an_event_or_nothing_or_unfit(payload: dict[str, Any]) -> None:
    try:
        found = heard(json.loads(json.dumps(payload)))
    except BadUpdateError:
        return
    assert not isinstance(found, Heard) or found.told.sender_id.startswith("telegram:")
