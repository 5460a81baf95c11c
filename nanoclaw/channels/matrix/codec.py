"""Matrix events as events of ours, and messages of ours as contents of events. Pure.

https://spec.matrix.org/v1.15/client-server-api/: "Instant messaging", "Rich replies", "Event replacements",
"Threading", "User and room mentions", "Event annotations and reactions", "Redactions". Whoever sends an event chose its
content: who they are is its `sender`, which their homeserver vouches for, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from attrs import frozen

from nanoclaw.channels.dialects import matrix_html
from nanoclaw.channels.matrix.rooms import Room, is_user
from nanoclaw.channels.matrix.wire import Content, Event, clean
from nanoclaw.model.ids import ChannelName, UserId
from nanoclaw.model.messages import InboundEvent, Revision, RevisionKind

MESSAGE, REACTION, REDACTION, ENCRYPTED = "m.room.message", "m.reaction", "m.room.redaction", "m.room.encrypted"
STICKER = "m.sticker"
NOTICE = "m.notice"
FILES = frozenset({"m.image", "m.file", "m.audio", "m.video"})
HTML = "org.matrix.custom.html"
_QUOTED = re.compile(r"\A(?:>[^\n]*(?:\n|\Z))+\n?")
_MXC = re.compile(r"mxc://([A-Za-z0-9.:\[\]-]{1,255})/([A-Za-z0-9_-]{1,255})")


@frozen(kw_only=True)
class Account:
    """Who we are, and under what name our house knows the channel."""

    channel: ChannelName
    user: str


@frozen(kw_only=True)
class RemoteFile:
    """A file that a message points to."""

    server: str
    media: str
    name: str
    mime_type: str | None


@frozen(kw_only=True)
class Said:
    """Somebody said something; its files are still to be fetched."""

    event: InboundEvent
    files: tuple[RemoteFile, ...] = ()


@frozen
class Unreadable:
    """It is encrypted."""


@frozen
class Nothing:
    """It is nothing for us."""

    why: str


Meaning: TypeAlias = Said | Revision | Unreadable | Nothing


def understand(event: Event, room: Room, me: Account) -> Meaning:
    """What *event* of *room* means. Whatever is in it, nothing is raised."""
    if event.sender == me.user:
        return Nothing("our own")
    if not is_user(event.sender):
        return Nothing("its sender is no user id")
    if event.type == ENCRYPTED:
        return Unreadable()
    if event.type == REDACTION:
        return _taken_back(event, room, me)
    if event.type not in {MESSAGE, STICKER}:
        return Nothing("events of this type are not heard")
    if not event.content:
        return Nothing("it was taken back before we saw it")
    relation = _mapping(event.content.get("m.relates_to"))
    if relation.get("rel_type") == "m.replace":
        return _changed(event, relation, room, me)
    return _said(event, relation, room, me)


def _said(event: Event, relation: Content, room: Room, me: Account) -> Meaning:
    content = event.content
    kind = STICKER if event.type == STICKER else clean(content.get("msgtype"))
    if kind == NOTICE:
        return Nothing("a notice, which nobody answers")
    text, files = _body(content, kind, room.called(event.sender), is_reply="m.in_reply_to" in relation)
    if not text and not files:
        return Nothing("it says nothing")
    thread = clean(relation.get("event_id")) if relation.get("rel_type") == "m.thread" else ""
    group = room.is_group(me.user)
    heard = InboundEvent(
        channel=me.channel,
        platform_message_id=event.event_id,
        platform_id=room.id,
        thread_id=thread or None,
        mention=not group or _mentions(content, text, me.user),
        is_group=group,
        chat_name=room.name,
        sender_id=_user(event, me),
        sender=room.called(event.sender),
        text=text,
    )
    return Said(event=heard, files=files)


def _changed(event: Event, relation: Content, room: Room, me: Account) -> Meaning:
    target, new = clean(relation.get("event_id")), _mapping(event.content.get("m.new_content"))
    text, _ = _body(new, clean(new.get("msgtype")), room.called(event.sender), is_reply=False)
    if not target or not text:
        return Nothing("a change of nothing, or to nothing")
    return Revision(
        channel=me.channel,
        platform_message_id=target,
        revision=event.event_id,
        kind=RevisionKind.EDIT,
        sender_id=_user(event, me),
        sender=room.called(event.sender),
        text=text,
        # spec.matrix.org/latest/client-server-api/#event-replacements: a server passes on anybody's, of any event.
        claimed=True,
    )


def _taken_back(event: Event, room: Room, me: Account) -> Meaning:
    target = event.redacts or clean(event.content.get("redacts"))
    if not target:
        return Nothing("it takes nothing back")
    return Revision(
        channel=me.channel,
        platform_message_id=target,
        revision=event.event_id,
        kind=RevisionKind.DELETION,
        sender_id=_user(event, me),
        sender=room.called(event.sender),
    )


def _body(content: Content, kind: str, sender: str, *, is_reply: bool) -> tuple[str, tuple[RemoteFile, ...]]:
    """The text of a message, and its files. A text beside a file is one only where the file has a name besides."""
    body = clean(content.get("body"))
    if is_reply and body.startswith("> <@"):
        body = _QUOTED.sub("", body, count=1)  # older clients repeat what they answer
    if kind == "m.emote":
        return f"* {sender} {body}".rstrip(), ()
    if kind == "m.location":
        return " ".join(filter(None, (body, clean(content.get("geo_uri"))))), ()
    if kind not in FILES:
        return body, ()
    named = clean(content.get("filename"))
    caption = body if named and named != body else ""
    found = _MXC.fullmatch(clean(content.get("url")))
    name = named or body or "file"
    if found is None:
        return "\n".join(filter(None, (caption, f"[{name}: the file has no address that we can use]"))), ()
    mime = clean(_mapping(content.get("info")).get("mimetype")) or None
    return caption, (RemoteFile(server=found[1], media=found[2], name=name, mime_type=mime),)


def _mentions(content: Content, text: str, user: str) -> bool:
    """Is *user* addressed? Newer clients say whom they mean; of older ones, a link or the id itself counts."""
    if isinstance(meant := content.get("m.mentions"), Mapping):
        users = meant.get("user_ids")
        return isinstance(users, list) and user in users
    html = clean(content.get("formatted_body"))
    names = (user, user.replace("@", "%40"), user.replace(":", "%3A"))
    linked = any(f'https://matrix.to/#/{name}"' in html for name in names)
    return linked or re.search(rf"(?<!\S){re.escape(user)}(?![\w.:-]*\w)", text) is not None


def _user(event: Event, me: Account) -> UserId:
    return UserId(f"{me.channel}:{event.sender}")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def text_content(text: str, *, speaker: str | None, notice: bool = False) -> dict[str, Any]:
    """A message: of an agent, what it wrote and how that looks; of the host itself, sign for sign.

    Nobody is notified because of what is in the text: only `m.mentions` says whom a message means, and it means nobody.
    """
    said: dict[str, Any] = {"msgtype": NOTICE if notice else "m.text", "body": text, "m.mentions": {}}
    if speaker is not None and (html := matrix_html.render(text)) != text:
        said |= {"format": HTML, "formatted_body": html}
    return said


def plain_content(content: Content) -> dict[str, Any]:
    """The same without its looks, also within a change."""
    plain = {name: value for name, value in content.items() if name not in {"format", "formatted_body"}}
    if "m.new_content" in plain:
        plain["m.new_content"] = plain_content(plain["m.new_content"])
    return plain


def edit_content(target: str, content: Content) -> dict[str, Any]:
    """The message *target* says *content* from now on. Clients that know no changes show a new message."""
    replaced = {"rel_type": "m.replace", "event_id": target}
    return {**content, "body": f"* {content['body']}", "m.new_content": dict(content), "m.relates_to": replaced}


def reaction_content(target: str, emoji: str) -> dict[str, Any]:
    """A reaction to the message *target*."""
    return {"m.relates_to": {"rel_type": "m.annotation", "event_id": target, "key": emoji}}


def file_content(name: str, mime_type: str, size: int, url: str) -> dict[str, Any]:
    """A file, shown as what it is."""
    kind = mime_type.partition("/")[0]
    msgtype = f"m.{kind}" if f"m.{kind}" in FILES else "m.file"
    info = {"mimetype": mime_type, "size": size}
    return {"msgtype": msgtype, "body": name, "filename": name, "url": url, "info": info, "m.mentions": {}}


def related(content: Content, *, thread: str | None, answers: str | None) -> dict[str, Any]:
    """*content* where it belongs: in its thread, or as an answer. Clients without threads show it as an answer."""
    if thread is not None:
        last = {"event_id": answers or thread}
        relation = {"rel_type": "m.thread", "event_id": thread, "is_falling_back": True, "m.in_reply_to": last}
    elif answers is not None:
        relation = {"m.in_reply_to": {"event_id": answers}}
    else:
        return dict(content)
    return {**content, "m.relates_to": relation}
