"""Parrot, a chat server that is made up, as a kind of channel: the example of docs/channels.md."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

import trio
from attrs import define, field, frozen

from nanoclaw.channels.base import Draft, Health, Outgoing, Receive
from nanoclaw.channels.http import Answer, Platform, open_platform
from nanoclaw.channels.reading import UnfitError, read
from nanoclaw.channels.reconnect import stay_connected
from nanoclaw.channels.registry import Asked, Checked, Kind, Means
from nanoclaw.core.delivery import InDoubt
from nanoclaw.core.parts import Limits
from nanoclaw.core.speech import Ability
from nanoclaw.errors import NobodyThereError, UsageError
from nanoclaw.model.ids import ChannelName, UserId
from nanoclaw.model.messages import InboundEvent

T = TypeVar("T")


@frozen
class News:
    """Something that was said, as Parrot writes it."""

    number: int  # of all that was ever said there
    chat: str
    group: bool
    user: int  # who said it: for good, and Parrot has checked it
    called: str
    text: str
    to_us: bool


def understand(channel: ChannelName, news: News) -> InboundEvent:
    """What *news* means."""
    return InboundEvent(
        channel=channel,
        platform_message_id=str(news.number),
        platform_id=news.chat,
        mention=news.to_us or not news.group,
        is_group=news.group,
        sender_id=UserId(f"{channel}:{news.user}"),
        sender=news.called,
        text=news.text,
    )


def connect(means: Means) -> AbstractAsyncContextManager[Platform]:
    """A way to the server."""
    token = means.settings["token"]
    said = {"authorization": f"Bearer {token}"}
    return open_platform(means.name, means.settings["url"], headers=said, secrets=(token,))


def expect(platform: Platform, cls: type[T], answer: Answer) -> T:
    """*answer* as what Parrot is known to say. Raises `DeliveryError` if it is something else."""
    try:
        return read(cls, answer.json)
    except UnfitError as exc:
        raise platform.error(f"this is no Parrot: {exc}", retryable=True, reached=True) from exc


@define(eq=False)
class Parrot:
    """One account on a Parrot."""

    _means: Means
    threaded: bool = field(default=False, init=False)
    keyed: bool = field(default=True, init=False)  # Parrot says nothing twice that has one key
    in_doubt: InDoubt = field(default=InDoubt.SEND_AGAIN, init=False)
    abilities: frozenset[Ability] = field(default=frozenset(), init=False)
    limits: Limits = field(default=Limits(text=500, files=0), init=False)
    _platform: Platform | None = field(default=None, init=False)
    _health: Health = field(default=Health(None), init=False)

    @property
    def name(self) -> ChannelName:
        return self._means.name

    def measure(self, text: str) -> int:
        return len(text)

    def health(self) -> Health:
        return self._health

    async def run(self, receive: Receive, *, ready: Callable[[], None], task_status: trio.TaskStatus[None]) -> None:
        async def live(well: Callable[[], None]) -> None:
            after = await self._means.marks.get("after") or "0"
            self._platform = platform
            ready()
            while True:
                answer = await platform.request("GET", "/news", params={"after": after}, seconds=60)
                self._health = Health(trio.current_time())
                well()
                for news in expect(platform, list[News], answer):
                    event = understand(self.name, news)
                    if event.mention or self._means.engages(event.platform_id, None):
                        await receive(event)
                    after = str(news.number)
                    await self._means.marks.put("after", after)

        async with connect(self._means) as platform:
            task_status.started()
            try:
                await stay_connected(self.name, live, troubled=self._take_trouble)
            finally:
                self._platform = None

    def _take_trouble(self, why: str) -> None:
        self._health = Health(self._health.heard, why)

    async def deliver(self, message: Outgoing) -> str | None:
        if self._platform is None:
            raise NobodyThereError(channel=self.name)
        said = {"chat": message.to.platform_id, "key": message.key, "text": message.text}
        answer = await self._platform.request("POST", "/say", route=message.to.platform_id, body=said)
        return str(expect(self._platform, int, answer))

    async def show_draft(self, draft: Draft) -> None:
        await trio.lowlevel.checkpoint()


async def check(means: Means) -> Checked:
    """Ask Parrot who we are there."""
    async with connect(means) as platform:
        answer = await platform.ask("GET", "/me")
        if answer.status == 401:
            raise UsageError("Parrot does not know this token: make one with /token")
        if (refused := platform.refusal(answer)) is not None:
            raise refused
        account = expect(platform, str, answer)
    return Checked(account=account, notes=("ask it into a group with /invite",))


KIND = Kind(
    name="parrot",
    title="Parrot",
    asks=(
        Asked(name="url", question="Where is the Parrot?", default="https://parrot.example"),
        Asked(name="token", question="Which token has the account?", secret=True),
    ),
    make=Parrot,
    check=check,
)
