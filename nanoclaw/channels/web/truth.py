"""What the page needs of the truth. It keeps nothing of its own, so that it can be closed at any moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from attrs import frozen

from nanoclaw.core.conversations import Conversation, File, Person, Stretch
from nanoclaw.kit.written import Written


@frozen(kw_only=True)
class Agent:
    """An agent that a conversation can be begun with."""

    id: str
    name: str


class Truth(Protocol):
    """Conversations and those who may see them. All of it raises `StoreError` where the store does."""

    async def conversations(self, person: Person) -> Sequence[Conversation]:
        """Those of *person*."""
        ...

    async def agents(self, person: Person) -> Sequence[Agent]:
        """Those that *person* may begin a conversation with."""
        ...

    async def begin(self, person: Person, agent: str, name: str) -> str | None:
        """Begin a conversation with the agent of that id; returns its id, or None if that is not for *person*."""
        ...

    async def behind(self, conversation: str, position: int) -> Stretch:
        """What came to be in it after *position*, as much as a page takes at a time."""
        ...

    async def before(self, conversation: str, position: int | None) -> Stretch:
        """What was in it before *position*; None: the end of it."""
        ...

    async def knows(self, message: str) -> bool:
        """Is a message of that id stored?"""
        ...

    async def file_at(self, person: Person, position: int, number: int) -> File | None:
        """A file of the message at *position*, if *person* may see it."""
        ...

    async def let_in(self, link: str, login: str) -> Person | None:
        """Use up a link for a login, both given by their digests; None: that link lets nobody in."""
        ...

    async def person_of(self, login: str) -> Person | None:
        """Whose login this is, by its digest."""
        ...

    async def end(self, login: str) -> None:
        """That login holds no more."""
        ...

    async def may_look(self, person: Person) -> bool:
        """May *person* see the whole house? Whoever owns it, or manages all agents."""
        ...

    async def house(self) -> Written:
        """The running house: its `tree`, and its `overview`."""
        ...

    async def timeline(self, session: str) -> Mapping[str, object] | None:
        """What happened in that session lately; None: there is none."""
        ...
