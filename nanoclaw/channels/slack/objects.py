"""What we read of Slack's objects (docs.slack.dev/reference)."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen


@frozen(kw_only=True)
class File:
    """A file that came with a message."""

    id: str
    name: str | None = None
    mimetype: str | None = None
    size: int = 0
    url_private: str = ""
    url_private_download: str = ""


@frozen(kw_only=True)
class Edited:
    """When a message was changed, and by whom."""

    user: str = ""
    ts: str = ""


@frozen(kw_only=True)
class Metadata:
    """What a program keeps with its message."""

    event_type: str = ""
    event_payload: dict[str, Any] = field(factory=dict[str, Any])


@frozen(kw_only=True)
class Message:
    """A message, as it stands in a conversation or as an event tells of it."""

    type: str = "message"
    subtype: str | None = None
    ts: str = ""
    thread_ts: str | None = None
    channel: str | None = None
    channel_type: str | None = None
    user: str | None = None
    team: str | None = None
    user_team: str | None = None
    bot_id: str | None = None
    text: str = ""
    files: tuple[File, ...] = ()
    edited: Edited | None = None
    reply_count: int = 0
    """Of a message that a thread has begun with: how many answers there are, in a history."""
    metadata: Metadata | None = None


@frozen(kw_only=True)
class Event:
    """What an envelope of the events API tells: a message, or what became of one."""

    type: str
    subtype: str | None = None
    channel: str | None = None
    message: Message | None = None
    previous_message: Message | None = None
    deleted_ts: str | None = None
    ts: str = ""
    thread_ts: str | None = None


@frozen(kw_only=True)
class Payload:
    """An event, and the workspace that it is of."""

    team_id: str = ""
    event: dict[str, Any]


@frozen(kw_only=True)
class Presser:
    """Who pressed a button."""

    id: str
    team_id: str | None = None
    username: str | None = None
    name: str | None = None


@frozen(kw_only=True)
class Action:
    """What was pressed."""

    action_id: str = ""
    action_ts: str = ""
    value: str | None = None


@frozen(kw_only=True)
class Somewhere:
    """A conversation that is named."""

    id: str


@frozen(kw_only=True)
class Pressed:
    """Buttons that somebody pressed."""

    type: str
    user: Presser
    actions: tuple[Action, ...] = ()
    channel: Somewhere | None = None
    message: Message | None = None


@frozen(kw_only=True)
class Envelope:
    """What the socket says."""

    type: str
    envelope_id: str | None = None
    payload: Any = None
    reason: str | None = None


@frozen(kw_only=True)
class Me:
    """Who we are."""

    user_id: str
    team_id: str
    user: str = ""
    team: str = ""
    bot_id: str | None = None


@frozen(kw_only=True)
class Profile:
    """What somebody calls themselves."""

    display_name: str = ""
    real_name: str = ""


@frozen(kw_only=True)
class User:
    """Somebody."""

    name: str = ""
    profile: Profile = Profile()


@frozen(kw_only=True)
class Conversation:
    """A channel, a group or a conversation of two."""

    id: str
    name: str | None = None
    is_im: bool = False


@frozen(kw_only=True)
class Cursor:
    """Where the next page begins; empty: there is none."""

    next_cursor: str = ""


@frozen(kw_only=True)
class Page:
    """Some messages."""

    messages: tuple[Message, ...] = ()
    response_metadata: Cursor | None = None


@frozen(kw_only=True)
class Conversations:
    """Some conversations."""

    channels: tuple[Conversation, ...] = ()
    response_metadata: Cursor | None = None


@frozen(kw_only=True)
class Upload:
    """Where a file is to be put."""

    upload_url: str
    file_id: str
