"""What we read of Discord's objects (discord.com/developers/docs/resources)."""

from __future__ import annotations

from typing import Any

from attrs import frozen

THREADS = frozenset({10, 11, 12})
"""The types of channels that are threads."""
DIRECT = 1
"""The type of a conversation of two."""


@frozen(kw_only=True)
class User:
    """Somebody; the id is theirs for good, the names are what they call themselves."""

    id: str
    username: str = ""
    global_name: str | None = None
    bot: bool = False


@frozen(kw_only=True)
class Member:
    """Somebody in a server."""

    nick: str | None = None
    user: User | None = None


@frozen(kw_only=True)
class Attachment:
    """A file; its address is good for a day."""

    filename: str
    size: int
    url: str
    content_type: str | None = None


@frozen(kw_only=True)
class Answered:
    """The message that a message answers."""

    author: User | None = None


@frozen(kw_only=True)
class Forwarded:
    """What a forwarded message says."""

    content: str = ""
    attachments: tuple[Attachment, ...] = ()


@frozen(kw_only=True)
class Snapshot:
    """A message that was forwarded, as it was then."""

    message: Forwarded


@frozen(kw_only=True)
class Sticker:
    """A picture with a name."""

    name: str


@frozen(kw_only=True)
class Message:
    """A message."""

    id: str
    channel_id: str
    guild_id: str | None = None
    author: User | None = None
    member: Member | None = None
    content: str = ""
    edited_timestamp: str | None = None
    type: int = 0
    mentions: tuple[User, ...] = ()
    mention_roles: tuple[str, ...] = ()
    webhook_id: str | None = None
    attachments: tuple[Attachment, ...] = ()
    referenced_message: Answered | None = None
    message_snapshots: tuple[Snapshot, ...] = ()
    sticker_items: tuple[Sticker, ...] = ()
    nonce: Any = None
    """Text, or a number where somebody else made it."""


@frozen(kw_only=True)
class Channel:
    """A channel, a thread or a conversation of two."""

    id: str
    type: int
    name: str | None = None
    parent_id: str | None = None
    guild_id: str | None = None
    last_message_id: str | None = None


@frozen(kw_only=True)
class Tags:
    """Whose role a role is."""

    bot_id: str | None = None


@frozen(kw_only=True)
class Role:
    """A role of a server."""

    id: str
    tags: Tags | None = None


@frozen(kw_only=True)
class Guild:
    """A server, as it is told when we come."""

    id: str
    channels: tuple[Channel, ...] = ()
    threads: tuple[Channel, ...] = ()
    roles: tuple[Role, ...] = ()
    unavailable: bool = False
    """Is all of it out of order just now?"""


@frozen(kw_only=True)
class Threads:
    """Threads of a server."""

    threads: tuple[Channel, ...] = ()


@frozen(kw_only=True)
class Ready:
    """A session has begun."""

    user: User
    guilds: tuple[Guild, ...] = ()
    """The servers that we are in. Each is told by itself next, or once it is there again."""


@frozen(kw_only=True)
class Deleted:
    """A message is gone."""

    id: str
    channel_id: str


@frozen(kw_only=True)
class ManyDeleted:
    """Messages are gone."""

    ids: tuple[str, ...]
    channel_id: str


@frozen(kw_only=True)
class Pressed:
    """What was pressed."""

    custom_id: str = ""


@frozen(kw_only=True)
class Where:
    """The message that has what was pressed."""

    id: str


@frozen(kw_only=True)
class Interaction:
    """Somebody pressed a button."""

    id: str
    type: int
    token: str
    data: Pressed | None = None
    channel_id: str | None = None
    guild_id: str | None = None
    member: Member | None = None
    user: User | None = None
    message: Where | None = None

    @property
    def presser(self) -> User | None:
        """Who Discord says that it was."""
        return self.user if self.member is None else self.member.user
