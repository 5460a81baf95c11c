"""A channel that shows only so much at once, on a platform that is a list, and may outlive a host that dies."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

import trio
from attrs import define, field, frozen

from nanoclaw.channels.base import Draft, Outgoing, Receive
from nanoclaw.core.delivery import InDoubt
from nanoclaw.core.parts import Limits
from nanoclaw.core.speech import Ability, ShowEdit
from nanoclaw.errors import DeliveryError
from nanoclaw.model.ids import ChannelName


class Once(Enum):
    """How the platform makes it that a message is there once."""

    KEY = "key"  # it drops a second one with the same key
    READ_BACK = "read back"  # the channel looks, when it is told that the message may be there
    NONE = "none"


@frozen(kw_only=True)
class Posted:
    """What stands on the platform."""

    key: str
    text: str
    files: tuple[str, ...]
    answers: str | None


@define(eq=False)
class LimitedPlatform:
    """What people see; its messages are called by their numbers."""

    posts: list[Posted] = field(factory=list[Posted])

    def texts(self) -> list[str]:
        """What stands there, in order."""
        return [post.text for post in self.posts]


@define(eq=False)
class LimitedChannel:
    """One account there. Each delivery waits once before the platform has the message, and once after."""

    name: ChannelName
    platform: LimitedPlatform
    once: Once = Once.NONE
    in_doubt: InDoubt = InDoubt.SEND_AGAIN
    limits: Limits = field(factory=lambda: Limits(text=64))
    script: list[Exception | None] = field(factory=list[Exception | None])
    """What becomes of the next deliveries, before the platform has them."""
    lost: set[int] = field(factory=set[int])
    """After so many messages on the platform, the answer to the last is lost once."""
    alive: Callable[[], None] = lambda: None
    """Passed before the platform is touched."""
    abilities: frozenset[Ability] = frozenset()
    looks: int = field(default=0, init=False)
    """How often it has read back."""
    threaded: bool = field(default=False, init=False)

    @property
    def keyed(self) -> bool:
        """As `Channel` has it."""
        return self.once is not Once.NONE

    def measure(self, text: str) -> int:
        """A sign is a sign."""
        return len(text)

    async def run(
        self,
        receive: Receive,
        *,
        ready: Callable[[], None],
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Hear nothing."""
        task_status.started()
        await trio.sleep_forever()

    async def deliver(self, message: Outgoing) -> str | None:
        """Post it, or find it, or change what it changes; its id is the place where it stands."""
        assert len(message.text) <= self.limits.text
        await trio.lowlevel.checkpoint()
        trouble = self.script.pop(0) if self.script else None
        if trouble is not None:
            raise trouble
        self.alive()
        place = self._put(message)
        await trio.lowlevel.checkpoint()
        if place + 1 in self.lost:
            self.lost.remove(place + 1)
            raise DeliveryError(channel=self.name, why="cut", retryable=True, reached=True)
        return str(place)

    async def show_draft(self, draft: Draft) -> None:
        """It shows none."""
        await trio.lowlevel.checkpoint()

    def _put(self, message: Outgoing) -> int:
        posts = self.platform.posts
        keys = [post.key for post in posts]
        post = Posted(
            key=message.key,
            text=message.text,
            files=tuple(file.name for file in message.files),
            answers=message.answers,
        )
        if isinstance(message.native, ShowEdit):
            posts[int(message.native.platform_message_id)] = post
            return int(message.native.platform_message_id)
        looks = self.once is Once.READ_BACK and message.again
        self.looks += looks
        if message.key in keys and (looks or self.once is Once.KEY):
            return keys.index(message.key)
        posts.append(post)
        return len(posts) - 1
