"""What the contract suite needs of each adapter: its fake platform, and ways to be a person on it.

A rig speaks of the platform as people see it. All of it goes over real sockets on loopback; nothing of the adapter is
replaced. The rigs are listed in `rigs.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from enum import Enum
from pathlib import Path
from typing import Protocol, TypeAlias

from attrs import field, frozen

from nanoclaw.channels.registry import Kind
from tests.channels.contract.putting_off import Form


class Can(Enum):
    """What a platform has, beyond messages in and out. Whatever a rig does not list is not tried on it."""

    THREADS = "threads"
    GROUPS = "groups"  # chats of several people, in which not everything is said to us
    EDITS = "edits"  # people change what they said
    DELETIONS = "deletions"  # people take back what they said
    FILES_IN = "files in"
    FILES_OUT = "files out"
    GAPS = "gaps"  # what was said while nobody listened is told, or can be asked for, afterwards
    RENAMES = "renames"  # what people call themselves is theirs to change


class Trouble(Enum):
    """What the platform does with the next request that would show a message."""

    BUSY = "busy"  # 429 in the platform's own form: come again in a fifth of a second; nothing is shown
    BROKEN = "broken"  # 5xx; nothing is shown
    SILENT = "silent"  # the request is read, and the connection cut without an answer; nothing is shown
    LOST = "lost"  # the message is shown, and the connection cut without an answer
    CUT = "cut"  # the message is shown, and the connection cut in the middle of the answer
    HANGS = "hangs"  # the request is read, and never answered; nothing is shown
    HELD = "held"  # the message is shown, and the request never answered
    TOO_LARGE = "too large"  # 413, or what the platform says instead: it will never be shown
    FORBIDDEN = "forbidden"  # 403, or what the platform says instead: it will never be shown
    MARKUP = "markup"  # 400: the markup is not understood; the same without markup would be


@frozen(kw_only=True)
class Shown:
    """A message of ours as people see it now."""

    id: str
    """The platform's, as `deliver` returns it."""
    text: str
    """What people read: without markup."""
    files: Mapping[str, bytes] = field(factory=dict[str, bytes])
    thread: str | None = None
    """As the events have it."""
    pings: bool = False
    """Does it call everybody in the chat?"""


class Rig(Protocol):
    """A fake platform on which an account of ours is in two chats: a group `chat`, and `direct` with one person.

    Where `Can.GROUPS` is not listed, `chat` is a conversation like any other. Ids are what the adapter's events have:
    `platform_id`, `platform_message_id`, `thread_id`.
    """

    @property
    def kind(self) -> Kind:
        """The adapter."""
        ...

    @property
    def settings(self) -> Mapping[str, str]:
        """What a channel on this platform is told: all settings, the fake's `url` among them."""
        ...

    @property
    def can(self) -> frozenset[Can]:
        """What the platform has."""
        ...

    @property
    def troubles(self) -> frozenset[Trouble]:
        """What may go wrong on it in a way that the adapter sees."""
        ...

    @property
    def chat(self) -> str:
        """The platform's id of the group."""
        ...

    @property
    def direct(self) -> str:
        """The platform's id of the conversation with the person `ada`."""
        ...

    async def say(
        self,
        text: str,
        *,
        who: str = "ada",
        name: str = "Ada",
        chat: str | None = None,
        thread: str | None = None,
        mention: bool = True,
        files: Mapping[str, bytes] | None = None,
    ) -> str:
        """Somebody says something; the message's id. Does not wait until it was heard.

        Args:
          text: What they type, which the adapter's event has as its text, a mention of us aside.
          who: The immutable part of who it is: `sender_id` is `<channel>:<that>`, as far as the platform's ids go.
          name: What they call themselves.
          chat: Where; None: `chat`.
          thread: In which thread; None: in the chat itself.
          mention: Do they address us? In `direct` they always do.
          files: By name.
        """
        ...

    async def edit(self, message: str, text: str) -> None:
        """Whoever said *message* changes it."""
        ...

    async def delete(self, message: str) -> None:
        """Whoever said *message* takes it back."""
        ...

    async def tell_again(self) -> None:
        """The platform tells everything that it has told before once more, as platforms do after trouble."""
        ...

    def is_acknowledged(self, message: str) -> bool | None:
        """Has the platform been told that we have *message*? None: this platform is never told."""
        ...

    async def drop(self) -> None:
        """Cut all connections that are open now; new ones are taken."""
        ...

    def script(self, *troubles: Trouble) -> None:
        """Have the next requests that would show a message go wrong like this, one after the other."""
        ...

    def put_off(self, form: Form, seconds: float) -> None:
        """Have the next request that would show a message be told to come again after *seconds*."""
        ...

    def shown(self, chat: str) -> Sequence[Shown]:
        """Our messages in that chat and its threads, in the order in which they came."""
        ...


OpenRig: TypeAlias = Callable[[Path], AbstractAsyncContextManager[Rig]]
"""Starts a fake platform, with a folder for whatever it keeps."""
