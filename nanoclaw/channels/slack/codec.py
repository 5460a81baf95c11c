"""What Slack tells, as events of ours; or nothing, and why. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import unescape
from typing import TypeAlias

from attrs import frozen

from nanoclaw.channels.slack.objects import Event, File, Me, Message, Pressed
from nanoclaw.core.notices import plain
from nanoclaw.model.ids import ChannelName, QuestionId, UserId
from nanoclaw.model.messages import Choice, InboundEvent, Revision, RevisionKind

SAID = frozenset({None, "file_share", "thread_broadcast", "me_message"})
"""The subtypes of messages that somebody said."""
MOST_NAME = 80
SEPARATOR = "|"
_SPECIAL = re.compile(r"<([^<>]*)>")
_ID = re.compile(r"[A-Z0-9]{1,40}", re.ASCII)
TS = re.compile(r"[0-9]{1,12}\.[0-9]{1,9}", re.ASCII)

Engages: TypeAlias = Callable[[str, str | None], bool]


@frozen
class Nothing:
    """There is nothing in it for us."""

    why: str


@frozen(kw_only=True)
class Heard:
    """Somebody said something; its files are still there."""

    event: InboundEvent
    files: tuple[File, ...] = ()


@frozen(kw_only=True)
class Names:
    """What people and conversations are called, by id."""

    people: Mapping[str, str]
    chat: str | None = None


def message_id(channel: str, ts: str) -> str:
    """What the rest of the house calls a message: a time is one message's only in its conversation."""
    return f"{channel}:{ts}"


def read_id(message: str) -> tuple[str, str] | None:
    """The conversation and the time of a message of that id; None: it is no such id."""
    channel, separator, ts = message.partition(":")
    return (channel, ts) if separator and channel and TS.fullmatch(ts) else None


def is_direct(message: Message) -> bool:
    """Is it in a conversation of two?"""
    return message.channel_type == "im" or (message.channel_type is None and (message.channel or "").startswith("D"))


def why_not(message: Message, me: Me) -> str | None:
    """Why it is nothing that a person said; None: it is."""
    if message.user == me.user_id:
        return "we said it ourselves"
    if message.bot_id is not None or message.subtype == "bot_message":
        return "a program said it"
    if not message.user or not message.channel or TS.fullmatch(message.ts) is None:
        return "nobody said it"
    if message.subtype not in SAID:
        return "Slack itself says it"
    return None


def people_in(message: Message) -> frozenset[str]:
    """The ids of those who said it and whom it names."""
    named = (one[1:].partition("|")[0] for one in _SPECIAL.findall(message.text) if one.startswith("@"))
    return frozenset(one for one in (message.user or "", *named) if _ID.fullmatch(one))


def read_message(
    name: ChannelName, message: Message, me: Me, names: Names, engages: Engages, *, mentioned: bool = False
) -> Heard | Nothing:
    """A message that is new to us. *mentioned*: Slack says that it is for us."""
    channel, user = message.channel, message.user
    if (why := why_not(message, me)) is not None or channel is None or user is None:
        return Nothing(why or "nobody said it")
    direct = is_direct(message)
    mention = direct or mentioned or addresses(message, me)
    begins = message.thread_ts is None and not direct
    thread = message.thread_ts or (None if direct else message.ts)
    if not mention and not engages(channel, None if begins else thread):
        return Nothing("nobody listens there")
    text = text_of(message.text, me, names.people)
    if not text.strip() and not message.files:
        return Nothing("it says nothing that we can show")
    sender = names.people.get(user) or user
    event = InboundEvent(
        channel=name,
        platform_message_id=message_id(channel, message.ts),
        platform_id=channel,
        thread_id=thread,
        starts_thread=begins,
        mention=mention,
        is_group=not direct,
        chat_name=sender if direct else names.chat,
        sender_id=user_id(name, message.user_team or message.team or me.team_id, user),
        sender=sender,
        text=text,
    )
    return Heard(event=event, files=message.files)


def read_change(name: ChannelName, event: Event, me: Me, names: Names) -> Revision | Nothing:
    """A message that was changed or taken back. Who took it back Slack does not say: it is put down to its author."""
    channel, before = event.channel, event.previous_message
    now = event.message
    if event.subtype == "message_deleted" or (now is not None and now.subtype == "tombstone"):
        ts, author = event.deleted_ts or (now.ts if now is not None else ""), before
        kind, text, revision = RevisionKind.DELETION, "", "deleted"
    elif event.subtype == "message_changed" and now is not None:
        if now.edited is None or (before is not None and before.text == now.text):
            return Nothing("its words are the same")
        ts, author, kind, revision = now.ts, now, RevisionKind.EDIT, now.edited.ts
        text = text_of(now.text, me, names.people)
    else:
        return Nothing("it is no change that we know")
    if channel is None or author is None or not author.user or TS.fullmatch(ts) is None:
        return Nothing("nobody said it")
    if author.bot_id is not None or author.user == me.user_id:
        return Nothing("a program said it")
    return Revision(
        channel=name,
        platform_message_id=message_id(channel, ts),
        revision=revision,
        kind=kind,
        sender_id=user_id(name, author.user_team or author.team or me.team_id, author.user),
        sender=names.people.get(author.user) or author.user,
        text=text,
    )


def read_press(name: ChannelName, pressed: Pressed, me: Me, names: Names) -> InboundEvent | Nothing:
    """A button of ours that somebody pressed; Slack vouches for who it was."""
    action = next(iter(pressed.actions), None)
    if pressed.type != "block_actions" or action is None or action.value is None or pressed.channel is None:
        return Nothing("it is no press of a button")
    said, separator, question = action.value.partition(SEPARATOR)
    if not separator or not said or not question or not pressed.user.id or TS.fullmatch(action.action_ts) is None:
        return Nothing("that button is none of ours")
    channel, user = pressed.channel.id, pressed.user
    message = pressed.message
    direct = channel.startswith("D")
    return InboundEvent(
        channel=name,
        # Two people may press at the same moment.
        platform_message_id=f"{message_id(channel, action.action_ts)}:{user.id}",
        platform_id=channel,
        thread_id=None if message is None else message.thread_ts,
        mention=True,
        is_group=not direct,
        chat_name=names.chat,
        sender_id=user_id(name, user.team_id or me.team_id, user.id),
        sender=names.people.get(user.id) or user.id,
        text=said,
        choice=Choice(question=QuestionId(question), said=said),
    )


def addresses(message: Message, me: Me) -> bool:
    """Does it name us?"""
    return any(one.partition("|")[0] == f"@{me.user_id}" for one in _SPECIAL.findall(message.text))


def text_of(text: str, me: Me, people: Mapping[str, str]) -> str:
    """Slack's text as people read it. Our own name in front, by which we are addressed, is left out."""
    said = re.sub(rf"\A\s*<@{re.escape(me.user_id)}(\|[^<>]*)?>\s*(?=\S)", "", text)
    return unescape_entities(_SPECIAL.sub(lambda found: _special(found[1], people), said))


def unescape_entities(text: str) -> str:
    """The three signs that Slack escapes, and no other."""
    return re.sub(r"&(?:amp|lt|gt);", lambda found: unescape(found[0]), text)


def _special(said: str, people: Mapping[str, str]) -> str:
    target, _, label = said.partition("|")
    match target[:1]:
        case "@":
            return f"@{people.get(target[1:]) or label or target[1:]}"
        case "#":
            return f"#{label or target[1:]}"
        case "!":
            word = target[1:].partition("^")[0]
            return label or f"@{word}"
        case _:
            return target if not label or label == target else f"[{label}]({target})"


def user_id(name: ChannelName, team: str, user: str) -> UserId:
    """Theirs for good, whatever they call themselves; another workspace's people are others."""
    return UserId(f"{name}:{team}-{user}")


def called(display: str, real: str, handle: str, user: str) -> str:
    """What somebody calls themselves; their id, if that is nothing."""
    return next((name for said in (display, real, handle) if (name := plain(said, MOST_NAME))), user)
