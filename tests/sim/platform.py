"""A simulated platform and the channel to it: it asks again until it is answered, and takes messages when it likes."""

from __future__ import annotations

from collections.abc import Callable

import trio
from attrs import define, field

from nanoclaw.channels.base import Draft, Outgoing, Receive, Stored
from nanoclaw.core.delivery import InDoubt
from nanoclaw.core.speech import Ability
from nanoclaw.errors import DeliveryError, NobodyThereError, StoreError
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import InboundEvent
from tests.sim.history import Acknowledged, Fault, History, Offered, Posted
from tests.sim.mortal import Mortal
from tests.sim.weather import Weather

AGAIN_SECONDS = 20.0


@define(eq=False)
class Platform:
    """The other end: it outlives every host."""

    name: ChannelName
    keyed: bool
    in_doubt: InDoubt
    weather: Weather
    history: History
    nursery: trio.Nursery
    waiting: list[InboundEvent] = field(factory=list[InboundEvent], init=False)
    """What nobody has said they have."""
    news: trio.Event = field(factory=trio.Event, init=False)
    posts: list[str] = field(factory=list[str], init=False)
    """The keys of all that was posted."""

    def say(self, event: InboundEvent) -> None:
        """Somebody says something, or the platform tells it once more."""
        self.waiting.append(event)
        self.news.set()

    def post(self, message: Outgoing) -> str:
        """Show *message*; with keys, only once."""
        again = message.key in self.posts
        if not (again and self.keyed):
            self.posts.append(message.key)
            room = f"{message.to.channel} {message.to.platform_id}"
            self.history.note(Posted(message.key, room, again))
        return f"{self.name}-{self.posts.index(message.key)}"


@define(eq=False)
class SimChannel:
    """Implements `Channel` for one life of a host."""

    platform: Platform
    mortal: Mortal
    threaded: bool = field(default=False, init=False)
    abilities: frozenset[Ability] = field(default=frozenset(), init=False)

    @property
    def name(self) -> ChannelName:
        """Of the platform."""
        return self.platform.name

    @property
    def keyed(self) -> bool:
        """As the platform is."""
        return self.platform.keyed

    @property
    def in_doubt(self) -> InDoubt:
        """As its manners are."""
        return self.platform.in_doubt

    async def run(
        self,
        receive: Receive,
        *,
        ready: Callable[[], None],
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Bring the host what it has not acknowledged, oldest first or not, and now and then twice at once."""
        task_status.started()
        platform = self.platform
        while True:
            while platform.waiting:
                event = platform.waiting[self._pick()]
                async with trio.open_nursery() as nursery:
                    if platform.weather.strikes(0.3):
                        nursery.start_soon(self._offer, receive, event)
                    await self._offer(receive, event)
            platform.news = trio.Event()
            with self.mortal.waiting():
                await platform.news.wait()
            ready()

    async def deliver(self, message: Outgoing) -> str | None:
        """See `Channel.deliver`: in bad weather it is too slow, refuses, or takes the message and says nothing."""
        weather, luck = self.platform.weather, self.platform.weather.luck
        self.mortal.step()
        with self.mortal.waiting():
            await trio.sleep(0.1)
        if weather.platform_away:
            raise NobodyThereError(channel=self.name)
        if weather.strikes():
            trouble = luck.choice(("429", "500", "taken", "hangs", "403"))
            self.platform.history.note(Fault(f"{self.name} {trouble} for {message.key}"))
            match trouble:
                case "429":
                    after = luck.choice((0.5, 30.0, 1800.0))
                    raise DeliveryError(channel=self.name, why="too many", retryable=True, retry_after=after)
                case "500":
                    raise DeliveryError(channel=self.name, why="trouble", retryable=True)
                case "403":
                    raise DeliveryError(channel=self.name, why="forbidden", retryable=False)
                case _:
                    self.platform.post(message)
                    with self.mortal.waiting():
                        await trio.sleep(1.0 if trouble == "taken" else 120.0)
                    raise DeliveryError(channel=self.name, why="no answer", retryable=True, reached=True)
        posted = self.platform.post(message)
        self.mortal.step()
        return posted

    async def show_draft(self, _: Draft) -> None:
        """It shows none."""
        await trio.lowlevel.checkpoint()

    def _pick(self) -> int:
        """Which event comes first: in bad weather, any."""
        last = len(self.platform.waiting) - 1
        return self.platform.weather.luck.randint(0, last) if self.platform.weather.strikes() else 0

    async def _offer(self, receive: Receive, event: InboundEvent) -> None:
        history, waiting = self.platform.history, self.platform.waiting
        name = f"{event.channel} {event.platform_message_id}"
        history.note(Offered(name, f"{event.channel} {event.platform_id}"))
        try:
            receipt = await receive(event)
        except StoreError:
            with self.mortal.waiting():
                await trio.sleep(AGAIN_SECONDS)
            return
        self.mortal.step()
        history.note(Acknowledged(name, isinstance(receipt, Stored)))
        if event in waiting:
            waiting.remove(event)
