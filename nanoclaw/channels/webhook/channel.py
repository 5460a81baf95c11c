"""Webhooks as a channel: programs elsewhere call, each source is a chat, and replies go to an address, if any.

Nobody but whoever has the secret of a source can make it speak. A call is answered with success once what it says is
stored, so a caller that hears nothing may call again: the same call is one event, also for the next life of the host.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import NoReturn

import structlog
import trio
from attrs import define, field

from nanoclaw.channels.base import Draft, Health, NotHeard, Outgoing, Receive, Stored
from nanoclaw.channels.http import Platform, open_platform
from nanoclaw.channels.reconnect import stay_connected
from nanoclaw.channels.webhook.codec import Untold, read
from nanoclaw.channels.webhook.refusals import Refusals
from nanoclaw.channels.webhook.replies import LIMITS, Replies, body_of, signed
from nanoclaw.channels.webhook.server import BACKLOG, Answer, Bounds, Server, Take
from nanoclaw.channels.webhook.signatures import Head, Refused, judge_head
from nanoclaw.channels.webhook.sources import Sources
from nanoclaw.core.delivery import InDoubt
from nanoclaw.core.parts import Limits
from nanoclaw.core.speech import Ability
from nanoclaw.errors import DeliveryError, NobodyThereError, StoreError
from nanoclaw.kit.clock import Clock
from nanoclaw.model.ids import ChannelName

log = structlog.get_logger()

SAYS_NOTHING = "a webhook only calls, and nothing can be said to it: write to another destination"
NO_FILES = "a webhook takes no files: write to another destination"


@define(eq=False)
class WebhookChannel:
    """The sources of one port."""

    name: ChannelName
    _host: str
    _port: int
    """0: any."""
    _sources: Sources
    _clock: Clock
    _replies: Replies | None = None
    """None: nothing can be said."""
    _bounds: Bounds = field(factory=Bounds, kw_only=True)
    threaded: bool = field(default=False, init=False)
    keyed: bool = field(default=True, init=False)
    """Whoever is called drops what has an id that they have."""
    limits: Limits = field(default=LIMITS, init=False)
    in_doubt: InDoubt = field(default=InDoubt.PARK, init=False)
    abilities: frozenset[Ability] = field(default=frozenset({Ability.SPEAKER}), init=False)
    port: int | None = field(default=None, init=False)
    """Where it hears calls; None: it does not."""
    _platform: Platform | None = field(default=None, init=False)
    _refusals: Refusals = field(init=False)
    _heard: float | None = field(default=None, init=False)
    _trouble: str = field(default="", init=False)

    def __attrs_post_init__(self) -> None:
        self._refusals = Refusals(self.name)

    async def run(
        self,
        receive: Receive,
        *,
        ready: Callable[[], None],
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> NoReturn:
        """Hear calls until cancelled. Where the port cannot be had, it is tried for again and again."""
        started = False

        def begun() -> None:
            nonlocal started
            if not started:
                started = True
                task_status.started()
                ready()

        def troubled(why: str) -> None:
            self._trouble = why
            begun()

        async def live(well: Callable[[], None]) -> None:
            listener = await self._listen()
            self.port = int(listener.socket.getsockname()[1])
            try:
                async with listener:
                    well()
                    await Server(self._judge, self._taker(receive), self._refusals.note, self._bounds).run(listener)
            finally:
                self.port = None

        async with self._way_back():
            await stay_connected(self.name, live, troubled=troubled)

    async def deliver(self, message: Outgoing) -> str | None:
        """See `Channel`. The id is the key. Without a reply URL, there is nobody to deliver to."""
        await trio.lowlevel.checkpoint()
        if self._replies is None or message.files:
            why = SAYS_NOTHING if self._replies is None else NO_FILES
            raise DeliveryError(channel=self.name, why=why, retryable=False)
        if self._platform is None:
            raise NobodyThereError(channel=self.name)
        now = self._clock.now()
        body = body_of(message, now)
        await self._platform.request(
            "POST", self._replies.url, content=body, headers=signed(self._replies.key, message.key, body, now)
        )
        return message.key

    def measure(self, text: str) -> int:
        """See `HasLimits`."""
        return len(text)

    async def show_draft(self, draft: Draft) -> None:
        """Nobody sees one."""
        await trio.lowlevel.checkpoint()

    def health(self) -> Health:
        """When a call was last verified."""
        return Health(self._heard, self._trouble)

    @asynccontextmanager
    async def _way_back(self) -> AsyncGenerator[None]:
        """What replies are posted with, for as long as the channel runs."""
        if self._replies is None:
            yield
            return
        async with open_platform(self.name, self._replies.url, clock=self._clock) as platform:
            self._platform = platform
            try:
                yield
            finally:
                self._platform = None

    async def _listen(self) -> trio.SocketListener:
        try:
            (listener, *more) = await trio.open_tcp_listeners(self._port, host=self._host, backlog=BACKLOG)
        except OSError as exc:
            why = f"calls cannot be heard at {self._host} port {self._port}: {exc.strerror or exc}"
            raise DeliveryError(channel=self.name, why=why, retryable=True) from None
        for one in more:
            await one.aclose()
        return listener

    def _judge(self, head: Head) -> Refused | None:
        found = judge_head(head, self._sources, self._clock.now())
        return found if isinstance(found, Refused) else None

    def _taker(self, receive: Receive) -> Take:
        async def take(head: Head, body: bytes) -> Answer:
            found = read(self.name, self._sources[head.path], head.headers, body, self._clock.now())
            if isinstance(found, Refused):
                await trio.lowlevel.checkpoint()
                self._refusals.note(head.path, found)
                return Answer(found.status, found.why)
            self._heard = trio.current_time()
            if isinstance(found, Untold):
                await trio.lowlevel.checkpoint()
                return Answer(200, f"not told: {found.why}")
            try:
                receipt = await receive(found)
            except StoreError as exc:
                log.warning("webhook_not_stored", path=head.path, why=str(exc))
                return Answer(503, "it could not be stored just now")
            match receipt:
                case Stored():
                    return Answer(200, "stored")
                case NotHeard():
                    return Answer(200, "recorded; no agent hears this source")

        return take
