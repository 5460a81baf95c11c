"""What a Matrix event means, whatever its sender put into it. Samples follow the examples of the specification."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.channels.matrix.codec import Account, Nothing, Said, Unreadable, text_content, understand
from nanoclaw.channels.matrix.rooms import Room, inviter, is_user, may_invite, people_of
from nanoclaw.channels.matrix.wire import Event, Sync, UnfitError, clean, read, read_event
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import InboundEvent, Revision

ME = Account(channel=ChannelName("matrix"), user="@nano:example.org")
HALL = Room(id="!hall:example.org", people={"@ada:example.org": "Ada", "@bob:b.org": "", ME.user: "Nano"})
HOSTILE = [
    "telegram:1", "matrix:@owner:example.org", "owner", "$(id)", "; rm -rf /", "../../x", "{{7*7}}", "\u202eevil",
    "x" * 10_000, "", "😀", "\0", "\ud800", "@ada:example.org",
]  # fmt: skip


def _event(content: Mapping[str, object], kind: str = "m.room.message", sender: str = "@ada:example.org") -> Event:
    found = read_event({"event_id": "$1", "type": kind, "sender": sender, "content": content})
    assert isinstance(found, Event)
    return found


def _text(body: object) -> dict[str, object]:
    return {"msgtype": "m.text", "body": body}


def _said(content: Mapping[str, object]) -> InboundEvent:
    meaning = understand(_event({**_text("hello"), **content}), HALL, ME)
    assert isinstance(meaning, Said)
    return meaning.event


@pytest.mark.parametrize("name", HOSTILE)
def test_who_somebody_is_comes_from_their_server_and_never_from_what_they_call_themselves(name: str) -> None:
    room = Room(id="!hall:example.org", name=clean(name), people={"@ada:example.org": clean(name)})
    content = {"msgtype": "m.text", "body": name or "-", "sender": name, "sender_id": name, "displayname": name}
    meaning = understand(_event(content), room, ME)
    assert isinstance(meaning, Said)
    assert meaning.event.sender_id == "matrix:@ada:example.org"
    assert meaning.event.text.encode()


def test_the_same_name_at_another_server_is_somebody_else() -> None:
    theirs = understand(_event(_text("hi"), sender="@ada:evil.example"), HALL, ME)
    assert isinstance(theirs, Said)
    assert theirs.event.sender_id == "matrix:@ada:evil.example"


@pytest.mark.parametrize("sender", ["ada", "@ada", "@ada:", "@a b:x", "matrix:@ada:example.org", "@a:" + "x" * 300])
def test_who_is_no_user_is_not_heard(sender: str) -> None:
    assert not is_user(sender)
    assert understand(_event(_text("hi"), sender=sender), HALL, ME) == Nothing("its sender is no user id")


@pytest.mark.parametrize(
    ("content", "meant"),
    [
        ({"m.mentions": {"user_ids": [ME.user]}}, True),
        ({"m.mentions": {}, "body": f"{ME.user}: hi"}, False),
        ({"m.mentions": {"room": True}}, False),
        ({"m.mentions": {"user_ids": ME.user}}, False),
        ({"formatted_body": '<a href="https://matrix.to/#/@nano:example.org">Nano</a>'}, True),
        ({"formatted_body": '<a href="https://matrix.to/#/%40nano:example.org">Nano</a>'}, True),
        ({"formatted_body": '<a href="https://matrix.to/#/@nano:example.organ">x</a>'}, False),
        ({"body": f"hey {ME.user}, hi"}, True),
        ({"body": "hey @nano:example.org.evil.com"}, False),
        ({"body": "hey Nano"}, False),
    ],
)
def test_we_are_addressed_by_our_id_alone(content: dict[str, object], meant: bool) -> None:
    assert _said(content).mention is meant


def test_a_thread_and_an_answer_are_where_they_were_said() -> None:
    thread = {"rel_type": "m.thread", "event_id": "$root", "m.in_reply_to": {"event_id": "$2"}, "is_falling_back": True}
    assert _said({"m.relates_to": thread}).thread_id == "$root"
    answer = {"m.in_reply_to": {"event_id": "$2"}}
    older = _said({"body": "> <@bob:b.org> what?\n> really?\n\nyes\n> no", "m.relates_to": answer})
    assert (older.thread_id, older.text) == (None, "yes\n> no")


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (_event({"msgtype": "m.notice", "body": "beep"}), "a notice, which nobody answers"),
        (_event(_text("hi"), sender=ME.user), "our own"),
        (_event({}), "it was taken back before we saw it"),
        (_event(_text(7)), "it says nothing"),
        (_event({"topic": "x"}, "m.room.topic"), "events of this type are not heard"),
        (_event({}, "m.room.redaction"), "it takes nothing back"),
        (_event({"body": "x", "m.relates_to": {"rel_type": "m.replace"}}), "a change of nothing, or to nothing"),
    ],
)
def test_what_is_nothing_for_us_says_why(event: Event, why: str) -> None:
    assert understand(event, HALL, ME) == Nothing(why)


def test_what_is_encrypted_is_said_to_be() -> None:
    assert understand(_event({"ciphertext": "…"}, "m.room.encrypted"), HALL, ME) == Unreadable()


_NAMES = ["msgtype", "body", "m.relates_to", "rel_type", "event_id", "m.mentions", "user_ids", "m.new_content"]
_NAMES += ["url", "filename", "info", "formatted_body", "redacts", "m.in_reply_to"]
_WORDS = ["m.text", "m.image", "m.replace", "m.thread", "mxc://a/b"]
_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | st.sampled_from(HOSTILE),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(_NAMES), inner | st.sampled_from(_WORDS), max_size=6)
    ),
    max_leaves=12,
)


@given(st.sampled_from(["m.room.message", "m.room.redaction", "m.sticker", "m.room.member"]), _JSON)
def test_whatever_an_event_holds_it_has_a_meaning_that_can_be_stored(kind: str, content: object) -> None:
    found = read_event({"event_id": "$1", "type": kind, "sender": "@ada:example.org", "content": content})
    if isinstance(found, str):
        return
    meaning = understand(found, HALL, ME)
    if isinstance(meaning, Said | Revision):
        told = meaning.event if isinstance(meaning, Said) else meaning
        assert told.sender_id == "matrix:@ada:example.org"
        assert "\0" not in told.text + told.sender
        json.dumps(told.text, ensure_ascii=False).encode()


@pytest.mark.parametrize("answer", [None, [], {}, {"next_batch": 7}, {"next_batch": "s", "rooms": {"join": []}}])
def test_an_answer_that_makes_no_sense_is_refused(answer: object) -> None:
    with pytest.raises(UnfitError):
        read(Sync, answer)


def test_who_may_ask_us_in_is_named_by_id_or_by_server() -> None:
    state = [{"type": "m.room.member", "state_key": ME.user, "sender": "@ada:example.org", "content": {}}]
    assert inviter(state, ME.user) == "@ada:example.org"
    assert inviter(["x", {"type": "m.room.member"}], ME.user) is None
    assert may_invite("@ada:example.org", " @bob:b.org , example.org")
    assert may_invite("@ada:example.org", "*")
    assert not may_invite("@ada:example.org.evil", "example.org, @ada:example.org")
    assert not may_invite("@ada:example.org", "")


@given(st.lists(st.tuples(st.sampled_from(["@a:b", "@c:d"]), _JSON | st.sampled_from(["join", "leave", "invite"]))))
def test_who_is_in_a_room_is_found_whatever_their_events_hold(members: list[tuple[str, object]]) -> None:
    events = [
        {"event_id": "$1", "type": "m.room.member", "sender": user, "state_key": user, "content": {"membership": what}}
        for user, what in members
    ]
    last = dict(members)
    assert people_of(events).keys() == {user for user, what in last.items() if what in ("join", "invite")}


def test_what_an_agent_says_calls_nobody_and_shows_no_picture_of_somebody_elses() -> None:
    """AT-19."""
    words = "@room @ada:example.org [bank](https://evil.example) ![i](https://evil.example/?q=s) <img src=x> <b>x</b>"
    for speaker in ("Nano", None):
        said = text_content(words, speaker=speaker)
        assert (said["m.mentions"], said["body"]) == ({}, words)
        assert not re.search("<img|<b>|matrix.to", said.get("formatted_body", ""))
