"""What Discord tells, as events of ours; or nothing, and why. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from attrs import frozen

from nanoclaw.channels.discord.objects import DIRECT, THREADS, Attachment, Channel, Deleted, Interaction, Message, User
from nanoclaw.core.notices import plain
from nanoclaw.model.ids import ChannelName, QuestionId, UserId
from nanoclaw.model.messages import Choice, InboundEvent, Revision, RevisionKind

SAID = frozenset({0, 19})
"""The types of messages that somebody said: a plain one, and an answer to another one."""
COMPONENT = 3
"""The type of an interaction that is a press of a button."""
MOST_NAME = 80
DELETED = "deleted"
_PERSON = re.compile(r"<@!?(\d+)>")
_EMOJI = re.compile(r"<a?(:\w+:)\d+>")

Engages: TypeAlias = Callable[[str, str | None], bool]


@frozen(kw_only=True)
class Me:
    """Who we are there."""

    id: str
    roles: frozenset[str] = frozenset()
    """The roles that are ours alone."""


@frozen(kw_only=True)
class Place:
    """Where a message stands."""

    platform_id: str
    thread_id: str | None
    """None: in the chat itself."""
    is_group: bool
    name: str | None = None


@frozen
class Nothing:
    """There is nothing in it for us."""

    why: str


@frozen(kw_only=True)
class Heard:
    """Somebody said something; its files are still there."""

    event: InboundEvent
    files: tuple[Attachment, ...] = ()


def place_of(message_channel: str, guild_id: str | None, channel: Channel | None, parent: Channel | None) -> Place:
    """Where something in that channel stands; *channel* and *parent* are what is known of it and of its parent."""
    if channel is not None and channel.type in THREADS and channel.parent_id is not None:
        name = parent.name if parent is not None else channel.name
        return Place(platform_id=channel.parent_id, thread_id=channel.id, is_group=True, name=_name(name))
    direct = guild_id is None and (channel is None or channel.type == DIRECT)
    name = None if channel is None else _name(channel.name)
    return Place(platform_id=message_channel, thread_id=None, is_group=not direct, name=name)


def read_message(name: ChannelName, message: Message, place: Place, me: Me, engages: Engages) -> Heard | Nothing:
    """A message that is new to us."""
    author = message.author
    if (why := _no_person(message, me)) is not None or author is None:
        return Nothing(why or "nobody said it")
    if message.type not in SAID:
        return Nothing("Discord itself says it")
    thread = place.thread_id
    mention = not place.is_group or addresses(message, me)
    if not mention and not engages(place.platform_id, thread):
        return Nothing("nobody listens there")
    files = (
        *message.attachments,
        *(one for snapshot in message.message_snapshots for one in snapshot.message.attachments),
    )
    text = text_of(message, me)
    if not text.strip() and not files:
        return Nothing("it says nothing that we can show")
    begins = place.is_group and thread is None
    event = InboundEvent(
        channel=name,
        platform_message_id=message.id,
        platform_id=place.platform_id,
        # A thread that is begun with a message has that message's id.
        thread_id=message.id if begins else thread,
        starts_thread=begins,
        mention=mention,
        is_group=place.is_group,
        chat_name=place.name if place.is_group else called(author, message),
        sender_id=user_id(name, author),
        sender=called(author, message),
        text=text,
    )
    return Heard(event=event, files=files)


def read_edit(name: ChannelName, message: Message, me: Me) -> Revision | Nothing:
    """A message that was changed, by its author or by Discord, which adds previews."""
    author = message.author
    if (why := _no_person(message, me)) is not None or author is None:
        return Nothing(why or "nobody said it")
    if message.edited_timestamp is None:
        return Nothing("its words are the same")
    return Revision(
        channel=name,
        platform_message_id=message.id,
        revision=message.edited_timestamp,
        kind=RevisionKind.EDIT,
        sender_id=user_id(name, author),
        sender=called(author, message),
        text=text_of(message, me),
    )


def read_deletion(name: ChannelName, deleted: Deleted) -> Revision:
    """A message that is gone. Discord does not say who took it back: its author, or a moderator."""
    return Revision(
        channel=name,
        platform_message_id=deleted.id,
        revision=DELETED,
        kind=RevisionKind.DELETION,
        sender_id=UserId(f"{name}:unknown"),
        sender="somebody",
    )


def read_interaction(name: ChannelName, pressed: Interaction, place: Place) -> InboundEvent | Nothing:
    """A button of ours that somebody pressed; Discord vouches for who it was."""
    who = pressed.presser
    if pressed.type != COMPONENT or pressed.data is None or who is None or who.bot:
        return Nothing("it is no press of a button by a person")
    said, separator, question = pressed.data.custom_id.partition(SEPARATOR)
    if not separator or not said or not question:
        return Nothing("that button is none of ours")
    return InboundEvent(
        channel=name,
        platform_message_id=pressed.id,
        platform_id=place.platform_id,
        thread_id=place.thread_id,
        mention=True,
        is_group=place.is_group,
        chat_name=place.name,
        sender_id=user_id(name, who),
        sender=called(who),
        text=said,
        choice=Choice(question=QuestionId(question), said=said),
    )


SEPARATOR = "|"


def addresses(message: Message, me: Me) -> bool:
    """Does Discord say that the message is for us: by our name, a role of ours, or as an answer to us?"""
    answered = message.referenced_message
    return (
        any(one.id == me.id for one in message.mentions)
        or bool(me.roles.intersection(message.mention_roles))
        or (answered is not None and answered.author is not None and answered.author.id == me.id)
    )


def text_of(message: Message, me: Me) -> str:
    """Its words, with names for the ids of people. Our own name in front, by which we are addressed, is left out."""
    named = {one.id: called(one) for one in message.mentions}
    said = re.sub(rf"\A\s*<@!?{me.id}>\s*(?=\S)", "", message.content) if me.id.isdigit() else message.content
    parts = [said, *(one.message.content for one in message.message_snapshots)]
    parts += [f"[sticker: {plain(one.name, MOST_NAME)}]" for one in message.sticker_items]
    text = "\n".join(one for one in parts if one)
    text = _PERSON.sub(lambda found: f"@{named[found[1]]}" if found[1] in named else found[0], text)
    return _EMOJI.sub(r"\1", text)


def called(user: User, message: Message | None = None) -> str:
    """What somebody calls themselves; their id, if that is nothing."""
    nick = message.member.nick if message is not None and message.member is not None else None
    return next(
        (name for said in (nick, user.global_name, user.username) if (name := plain(said or "", MOST_NAME))), user.id
    )


def user_id(name: ChannelName, user: User) -> UserId:
    """Theirs for good, whatever they call themselves."""
    return UserId(f"{name}:{user.id}")


def _no_person(message: Message, me: Me) -> str | None:
    """Why it is not a person who said it; None: it is one."""
    if message.author is None or not message.author.id:
        return "nobody said it"
    if message.author.id == me.id:
        return "we said it ourselves"
    if message.author.bot or message.webhook_id is not None:
        return "a program said it"
    return None


def _name(said: str | None) -> str | None:
    return plain(said or "", MOST_NAME) or None
