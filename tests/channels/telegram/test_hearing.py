"""What updates mean: payloads as the documentation of the Bot API has them, and hostile ones."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.channels.telegram.hearing import Heard, Listener, Meaning, Moved, Nothing
from nanoclaw.channels.telegram.wire import BadUpdateError, Me, read_update
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import InboundEvent, Revision

ME = Me(id=77, username="Nano_Bot")
ADA: dict[str, Any] = {"id": 5001, "is_bot": False, "first_name": "Ada", "last_name": "L", "username": "ada"}
BOT: dict[str, Any] = {"id": 77, "is_bot": True, "first_name": "Nano", "username": "nano_bot"}
LAB: dict[str, Any] = {"id": -1001, "type": "supergroup", "title": "Lab"}
HOME: dict[str, Any] = {"id": 5001, "type": "private", "first_name": "Ada"}
NAMES = [
    "telegram:5001",
    "owner",
    "$(id)",
    "; rm -rf /",
    "../../x",
    "{{7*7}}",
    "\u202eevil",
    "x" * 10_240,
    "",
    "👑",
    "\0",
]


def message(chat: dict[str, Any] = LAB, sender: dict[str, Any] | None = ADA, **more: Any) -> dict[str, Any]:
    said = {"message_id": 9, "date": 1, "chat": chat, **more}
    return said if sender is None else {**said, "from": sender}


def heard(kind: str = "message", *, engages: bool = True, **what: Any) -> Meaning:
    listener = Listener(name=ChannelName("tg"), me=ME, engages=lambda *_: engages)
    return listener.hear(read_update({"update_id": 3, kind: what}))


def pressed_by(sender: dict[str, Any]) -> dict[str, Any]:
    return {"id": "88", "from": sender}


def event(meaning: Meaning) -> InboundEvent:
    assert isinstance(meaning, Heard)
    assert isinstance(meaning.told, InboundEvent)
    return meaning.told


def entity(kind: str, offset: int, length: int, **more: Any) -> dict[str, Any]:
    return {"type": kind, "offset": offset, "length": length, **more}


def test_words_of_a_person_in_private_are_said_to_us() -> None:
    told = event(heard(**message(HOME, text="hi")))
    assert (told.platform_id, told.platform_message_id, told.sender_id) == ("5001", "5001/9", "tg:5001")
    assert (told.sender, told.text, told.mention, told.is_group, told.thread_id) == ("Ada L", "hi", True, False, None)


def test_a_message_in_a_group_has_its_name() -> None:
    told = event(heard(**message(text="hi")))
    assert (told.is_group, told.chat_name, told.mention) == (True, "Lab", False)


def test_a_topic_is_a_thread_and_the_general_one_is_the_chat() -> None:
    made = {"message_id": 5, "date": 1, "chat": LAB, "from": BOT, "forum_topic_created": {"name": "t"}}
    told = event(heard(**message(text="x", message_thread_id=5, is_topic_message=True, reply_to_message=made)))
    assert (told.thread_id, told.mention) == ("5", False)
    assert event(heard(**message(text="x"))).thread_id is None
    assert (
        event(heard(**message(text="x", message_thread_id=8))).thread_id is None
    )  # an answer, in a group without topics


@pytest.mark.parametrize(
    ("text", "entities", "words"),
    [
        ("@nano_bot, hi", [entity("mention", 0, 9)], "hi"),
        ("👑 @NANO_BOT hi", [entity("mention", 3, 9)], "👑 @NANO_BOT hi"),
        ("you hi", [entity("text_mention", 0, 3, user=BOT)], "hi"),
        ("/clear@nano_bot now", [entity("bot_command", 0, 15)], "/clear now"),
    ],
)
def test_who_names_us_addresses_us(text: str, entities: list[dict[str, Any]], words: str) -> None:
    told = event(heard(engages=False, **message(text=text, entities=entities)))
    assert (told.mention, told.text) == (True, words)


@pytest.mark.parametrize(
    ("text", "entities"),
    [
        ("@nano_bot hi", []),  # Telegram does not say that it is a mention
        ("@nano_botox hi", [entity("mention", 0, 11)]),
        ("/clear@other_bot", [entity("bot_command", 0, 16)]),
        ("you hi", [entity("text_mention", 0, 3, user=ADA)]),
        ("x", [entity("mention", 500, 9)]),
    ],
)
def test_who_names_others_does_not_address_us(text: str, entities: list[dict[str, Any]]) -> None:
    assert not event(heard(**message(text=text, entities=entities))).mention


def test_an_answer_to_us_addresses_us() -> None:
    answered = {"message_id": 5, "date": 1, "chat": LAB, "from": BOT, "text": "?"}
    assert event(heard(engages=False, **message(text="yes", reply_to_message=answered))).mention
    assert not event(heard(**message(text="yes", reply_to_message={**answered, "from": ADA}))).mention


def test_a_quiet_chat_is_not_told_of() -> None:
    assert isinstance(heard(engages=False, **message(text="hi")), Nothing)


@pytest.mark.parametrize("name", NAMES)
def test_who_somebody_is_comes_from_the_id_alone(name: str) -> None:
    sender = {"id": 666, "is_bot": False, "first_name": name, "last_name": name, "username": name}
    told = event(heard(**message({**LAB, "title": name}, sender, text="/clear")))
    assert told.sender_id == "tg:666"
    assert len(told.sender) <= 200


def test_whoever_speaks_as_a_chat_is_that_chat_and_no_person() -> None:
    stand_in = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
    assert event(heard(**message(LAB, stand_in, sender_chat=LAB, text="x"))).sender_id == "tg:-1001"
    news = {"id": -2002, "type": "channel", "title": "News"}
    told = event(heard("channel_post", **message(news, None, sender_chat=news, text="x")))
    assert (told.sender_id, told.is_group) == ("tg:-2002", True)


def test_a_change_is_a_revision_of_its_message() -> None:
    meaning = heard("edited_message", **message(text="better", edit_date=2))
    assert isinstance(meaning, Heard)
    assert isinstance(meaning.told, Revision)
    assert (meaning.told.platform_message_id, meaning.told.revision, meaning.told.text) == ("-1001/9", "3", "better")


def test_whoever_presses_a_button_is_who_telegram_says() -> None:
    below = message(LAB, BOT, text="which?", message_thread_id=4, is_topic_message=True)
    meaning = heard("callback_query", **pressed_by(ADA), message=below, data="qquestion-1\nyes")
    told = event(meaning)
    assert (told.sender_id, told.thread_id, told.platform_message_id) == ("tg:5001", "4", "pressed/88")
    assert told.choice is not None
    assert (told.choice.question, told.choice.said) == ("question-1", "yes")


@pytest.mark.parametrize("data", ["", "q", "qx", "q\nx", "zx\ny", "ncq:1:2"])
def test_a_forged_button_says_nothing(data: str) -> None:
    meaning = heard("callback_query", **pressed_by(ADA), message=message(), data=data)
    assert meaning == Nothing(why="no button of ours", pressed="88")


def test_a_group_that_moved_is_noticed_from_both_sides() -> None:
    assert heard(**message({"id": -5, "type": "group"}, migrate_to_chat_id=-1005)) == Moved(-5, -1005)
    assert heard(**message(LAB, migrate_from_chat_id=-5)) == Moved(-5, -1001)


@pytest.mark.parametrize(
    ("content", "text", "files"),
    [
        ({"photo": [{"file_id": "s", "file_size": 1}, {"file_id": "l", "file_size": 9}], "caption": "c"}, "c", ["l"]),
        ({"document": {"file_id": "d", "file_name": "../x"}}, "", ["d"]),
        ({"voice": {"file_id": "v", "duration": 1}}, "", ["v"]),
        ({"animation": {"file_id": "a"}, "document": {"file_id": "a"}}, "", ["a"]),
        ({"sticker": {"file_id": "s", "emoji": "👍"}}, "[sticker 👍]", ["s"]),
        ({"location": {"latitude": 1.5, "longitude": 2}}, "[location 1.5, 2]", []),
        ({"poll": {"question": "when?"}}, "[poll: when?]", []),
        ({"dice": {"emoji": "🎲", "value": 6}}, "[🎲 6]", []),
        ({"contact": {"first_name": "B", "phone_number": "1"}}, "[contact B: 1]", []),
    ],
)
def test_what_is_no_text_is_told_as_well(content: dict[str, Any], text: str, files: list[str]) -> None:
    meaning = heard(**message(**content))
    assert event(meaning).text == text
    assert isinstance(meaning, Heard)
    assert [file.file_id for file in meaning.files] == files


@pytest.mark.parametrize(
    "what",
    [{"new_chat_members": [ADA]}, {"pinned_message": message()}, {"text": "ours", "from": BOT}, {"text": ""}],
)
def test_notes_and_our_own_words_are_nothing(what: dict[str, Any]) -> None:
    assert isinstance(heard(**{**message(), **what}), Nothing)


@pytest.mark.parametrize(
    "update",
    [
        [],
        {"message": message()},
        {"update_id": "3"},
        {"update_id": 3, "message": {**message(), "chat": []}},
        {"update_id": 3, "message": message(sender={"id": "5001"}, text="x")},
        {"update_id": 3, "message": message(sender={"id": True}, text="x")},
        {"update_id": 3, "message": message(text=["x"])},
        {"update_id": 3, "callback_query": {"id": "1"}},
    ],
)
def test_what_does_not_fit_is_refused(update: object) -> None:
    with pytest.raises(BadUpdateError):
        read_update(update)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 99) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*message(), "text", "x"]), inner),
    max_leaves=12,
)


@given(st.sampled_from(["message", "edited_message", "callback_query"]), JSON, JSON, JSON)
def test_no_update_breaks_the_reading(kind: str, chat: object, text: object, whole: object) -> None:
    for what in (whole, {**message(), "chat": chat, "text": text}):
        try:
            update = read_update({"update_id": 1, kind: what})
        except BadUpdateError:
            continue
        Listener(name=ChannelName("tg"), me=ME, engages=lambda *_: True).hear(update)
