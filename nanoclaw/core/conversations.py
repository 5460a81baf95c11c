"""What a web page shows: whose conversations there are, and what was said in them. Pure."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TypeAlias

from attrs import field, frozen
from attrs.validators import matches_re

from nanoclaw.core.speech import Ability, Native
from nanoclaw.model.ids import ChannelName, OutboundId, QuestionId, SpoolId, UserId

WEB = ChannelName("web")
HANDLE = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
"""What a person on the page is called for good: it is in their user id and in the ids of their conversations."""
_CONVERSATION = re.compile(rf"({HANDLE.pattern})/([a-z0-9-]{{1,64}})")
MAIN = "main"
"""The conversation that everybody has."""
ABILITIES = frozenset(Ability)
"""What the page can show besides text and files."""


@frozen(kw_only=True)
class Person:
    """Somebody who was let in."""

    handle: str = field(validator=matches_re(HANDLE))
    name: str
    """What the operator calls them."""

    @property
    def user(self) -> UserId:
        """Who they are to the rest of the house."""
        return UserId(f"{WEB}:{self.handle}")

    @property
    def main(self) -> str:
        """The conversation that they have from the beginning."""
        return f"{self.handle}/{MAIN}"

    def owns(self, conversation: str) -> bool:
        """May they see and speak in it? Each conversation is one person's."""
        return owner_of(conversation) == self.handle


def owner_of(conversation: str) -> str | None:
    """The handle of whose conversation this is; None: there can be no such conversation."""
    found = _CONVERSATION.fullmatch(conversation)
    return None if found is None else found[1]


def handle_of(user: UserId) -> str | None:
    """The handle of a user of the page; None: they are of another channel."""
    channel, _, handle = user.partition(":")
    return handle if channel == WEB and HANDLE.fullmatch(handle) else None


@frozen(kw_only=True)
class Conversation:
    """One of a person's conversations."""

    id: str
    """Its id as a chat of this channel."""
    name: str
    agents: tuple[str, ...]
    """The names of those who hear it."""
    last: int
    """The position of the last that was said in it; 0: nothing was."""


@frozen(kw_only=True)
class File:
    """A file that came with a message."""

    name: str
    size: int
    spool_id: SpoolId


@frozen(kw_only=True)
class Said:
    """A person said it."""

    position: int
    """The order in which things came to be on the page; no two have the same."""
    id: str
    """The id that the message had on its way in."""
    at: datetime
    sender: str
    text: str
    files: tuple[File, ...] = ()


@frozen(kw_only=True)
class Shown:
    """An agent, or the host itself, said it."""

    position: int
    key: OutboundId
    """By which edits and reactions name it."""
    at: datetime
    speaker: str | None
    """None: the host itself."""
    text: str
    native: Native | None
    files: tuple[File, ...] = ()
    waits: bool = False
    """Is it a question that waits for an answer?"""
    answer: str | None = None
    """The answer that it was given."""


@frozen(kw_only=True)
class Answered:
    """A question was answered. Whoever sees the question first sees the answer with it."""

    position: int
    question: QuestionId
    answer: str


Item: TypeAlias = Said | Shown | Answered


@frozen(kw_only=True)
class Stretch:
    """A part of a conversation, in its order."""

    items: tuple[Item, ...]
    last: int
    """The position of the last that was looked at; what follows is behind it."""
    more: bool
    """Is there more, in the direction in which was looked?"""
