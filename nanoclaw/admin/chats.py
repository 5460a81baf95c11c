"""`nanoclaw chats`: where people talk, and what becomes of strangers there."""

from __future__ import annotations

from typing import Annotated

import attrs
from attrs import frozen

from nanoclaw.admin import references
from nanoclaw.admin.dependants import refuse_if_used
from nanoclaw.admin.verb import Answer, Line, Request, Says, Verb
from nanoclaw.errors import UsageError
from nanoclaw.model.approvals import ApprovalKind, ApprovalState
from nanoclaw.model.entities import AgentLabels, MessagingGroup, UnknownSenderPolicy
from nanoclaw.model.ids import ChannelName, MessagingGroupId
from nanoclaw.store import entities
from nanoclaw.store.approvals import settle
from nanoclaw.store.dependants import forget_in_records
from nanoclaw.store.wirings import wirings_of
from schema.sqlite import Connection


@frozen(kw_only=True)
class List:
    """Which ones."""

    channel: Annotated[str | None, Says("only those of this channel")] = None


@frozen(kw_only=True)
class Get:
    """Which one."""

    chat: Annotated[str, Says("its name, its id, or CHANNEL/PLATFORM-ID", positional=True)]


@frozen(kw_only=True)
class Create:
    """A new one."""

    channel: Annotated[str, Says("the channel it is on, such as terminal", positional=True)]
    platform_id: Annotated[str, Says("what its platform calls it for good", positional=True)]
    name: Annotated[str | None, Says("what people call it; by default PLATFORM-ID")] = None
    group: Annotated[bool, Says("several people are in it, not only one and the agent")] = False
    unknown_sender_policy: Annotated[
        UnknownSenderPolicy, Says("what becomes of somebody who has no right to speak to an agent there")
    ] = UnknownSenderPolicy.STRICT


@frozen(kw_only=True)
class Update:
    """What changes; what is not said stays."""

    chat: Annotated[str, Says("its name, its id, or CHANNEL/PLATFORM-ID", positional=True)]
    name: Annotated[str | None, Says("what people call it")] = None
    group: Annotated[bool | None, Says("whether several people are in it")] = None
    unknown_sender_policy: Annotated[
        UnknownSenderPolicy | None, Says("what becomes of somebody who has no right to speak to an agent there")
    ] = None
    agent_labels: Annotated[
        AgentLabels | None,
        Says("whether an agent's messages begin with its name, where its platform does not show who speaks"),
    ] = None
    denied: Annotated[bool | None, Says("whether no agent shall hear it, ever; for chats without wirings")] = None


def list_chats(conn: Connection, asked: List, _: Request) -> Answer:
    """All chats, or one channel's."""
    rows = tuple(_line(conn, chat) for chat in entities.messaging_groups(conn) if asked.channel in (None, chat.channel))
    return Answer(
        rows=rows,
        hidden=("id",),
        said=None if rows else "no chat yet: a channel brings it when it is first written to, or nanoclaw chats create",
    )


def get(conn: Connection, asked: Get, _: Request) -> Answer:
    """One chat."""
    return Answer(rows=(_line(conn, references.chat(conn, asked.chat)),), one=True)


def create(conn: Connection, asked: Create, request: Request) -> Answer:
    """Make a chat known before anybody has written there."""
    channel = ChannelName(asked.channel)
    if not channel or not asked.platform_id or ":" in channel or "/" in channel:
        raise UsageError("a chat needs the name of its channel, without : and /, and its platform's name for it")
    if (known := entities.messaging_group(conn, channel, asked.platform_id)) is not None:
        raise UsageError(f"{channel}/{asked.platform_id} is known already, as {known.name} ({known.id})")
    chat = MessagingGroup(
        id=MessagingGroupId(request.mint("chat")),
        channel=channel,
        platform_id=asked.platform_id,
        name=(asked.name or asked.platform_id).strip() or asked.platform_id,
        is_group=asked.group,
        unknown_sender_policy=asked.unknown_sender_policy,
        created_at=request.now,
    )
    entities.add_messaging_group(conn, chat)
    absent = "" if channel in request.threaded else f" There is no channel {channel} in this host yet."
    return Answer(
        rows=(_line(conn, chat),),
        one=True,
        said=f"made the chat {chat.name}; let an agent hear it with: nanoclaw wirings create {chat.id} GROUP.{absent}",
    )


def update(conn: Connection, asked: Update, request: Request) -> Answer:
    """Change a chat. Messages that come from now on meet it as it is now."""
    chat = references.chat(conn, asked.chat)
    if asked.name is not None and not asked.name.strip():
        raise UsageError("a chat needs a name")
    if asked.denied and wirings_of(conn, chat.id):
        raise UsageError(
            f"agents hear {chat.name}: delete its wirings first; nanoclaw wirings list --chat {chat.id} shows them"
        )
    changed = attrs.evolve(
        chat,
        name=chat.name if asked.name is None else asked.name.strip(),
        is_group=chat.is_group if asked.group is None else asked.group,
        unknown_sender_policy=asked.unknown_sender_policy or chat.unknown_sender_policy,
        agent_labels=asked.agent_labels or chat.agent_labels,
        denied_at={None: chat.denied_at, False: None, True: chat.denied_at or request.now}[asked.denied],
    )
    if changed == chat:
        raise UsageError("nothing to change: it is so already, or see nanoclaw chats update --help")
    entities.update_messaging_group(conn, changed)
    if asked.denied:
        settle(
            conn,
            ApprovalKind.CHAT,
            ApprovalState.REJECTED,
            "denied from the command line",
            by=request.operator,
            now=request.now,
            chat=chat.id,
        )
    return Answer(rows=(_line(conn, changed),), one=True, said=f"changed {changed.name}")


def delete(conn: Connection, asked: Get, request: Request) -> Answer:
    """Forget a chat that nothing refers to."""
    chat = references.chat(conn, asked.chat)
    refuse_if_used(conn, "messaging_groups", chat.id, f"the chat {chat.name}")
    request.confirm(f"Delete the chat {chat.name} ({chat.channel}/{chat.platform_id})?")
    for kind in (ApprovalKind.CHAT, ApprovalKind.SENDER):
        settle(
            conn,
            kind,
            ApprovalState.EXPIRED,
            "the chat was deleted",
            by=request.operator,
            now=request.now,
            chat=chat.id,
        )
    forget_in_records(conn, "messaging_groups", chat.id)
    entities.delete_messaging_group(conn, chat.id)
    return Answer(one=True, said=f"deleted the chat {chat.name}; if somebody writes to us there, it is known again")


def _line(conn: Connection, chat: MessagingGroup) -> Line:
    return {
        "id": chat.id,
        "name": chat.name,
        "channel": chat.channel,
        "platform_id": chat.platform_id,
        "group": chat.is_group,
        "unknown_sender_policy": chat.unknown_sender_policy.value,
        "agent_labels": chat.agent_labels.value,
        "agents": len(wirings_of(conn, chat.id)),
        "denied": chat.denied_at is not None,
    }


VERBS = (
    Verb("chats", "list", List, list_chats),
    Verb("chats", "get", Get, get),
    Verb("chats", "create", Create, create, writes=True),
    Verb("chats", "update", Update, update, writes=True),
    Verb("chats", "delete", Get, delete, writes=True, destroys=True),
)
