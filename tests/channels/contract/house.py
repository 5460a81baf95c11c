"""A house with one channel on a fake platform: the real ingress, ledger and delivery around an adapter."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import trio
from attrs import define, evolve, field

from nanoclaw.actors.delivery import Delivery
from nanoclaw.actors.ingress import Ingress
from nanoclaw.actors.listeners import Listeners
from nanoclaw.channels.base import Channel, Receipt, TellsHealth
from nanoclaw.channels.registry import Means
from nanoclaw.core.delivery import DeliveryPolicy
from nanoclaw.kit.clock import Clock, SystemClock
from nanoclaw.kit.spool import Spool
from nanoclaw.kit.tree import TreeNode
from nanoclaw.model.entities import EngageMode, Wiring
from nanoclaw.model.files import LedgerFile
from nanoclaw.model.ids import ChannelName, OutboundId, SessionId
from nanoclaw.model.messages import Address, InboundEvent, LedgerRow, LedgerState, NewLedgerRow, Told
from nanoclaw.store import ledger, wirings
from nanoclaw.store.ledger import Lane
from schema import payloads
from schema.sqlite import fetch
from tests.channels.contract.rig import Can, Rig
from tests.support.central import World
from tests.support.channels import MarksInMemory
from tests.support.inline_database import InlineDatabase

PATIENCE = 30.0
POLICY = DeliveryPolicy(most_attempts=6, first_pause=0.05, longest_pause=0.2, jitter=0)


@define(eq=False)
class ContractHouse:
    """The truth, the marks and the platform outlive the lives of the channel, each of which is a `with living()`."""

    rig: Rig
    folder: Path
    name: ChannelName
    told: list[Told] = field(factory=list[Told], init=False)
    """What the channel told, and ingress has stored."""
    gate: trio.Event | None = field(default=None, init=False)
    """Ingress waits for it before it stores anything, if there is one."""
    dies_at: str | None = field(default=None, init=False)
    """What has these words it stores, and does not live to say so."""
    patience: float = field(default=PATIENCE, init=False)
    """Seconds that anything may take; more where Trio's clock is faster than the machine's."""
    clock: Clock = field(factory=SystemClock, init=False)
    asked: int = field(default=0, init=False)
    """How often ingress was told something, stored or not."""
    channel: Channel = field(init=False)
    world: World = field(init=False)
    delivery: Delivery = field(init=False)
    _store: InlineDatabase = field(factory=InlineDatabase, init=False)
    _marks: MarksInMemory = field(factory=MarksInMemory, init=False)
    listeners: Listeners = field(factory=Listeners, init=False)
    _session: SessionId = field(init=False)
    _wiring: Wiring = field(init=False)
    """Of the group: its agent hears everything, unless a test says otherwise."""
    _said: int = field(default=0, init=False)
    _changed: trio.Event = field(factory=trio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        self.world = World(conn=self._store.conn)
        agent = self.world.agent()
        self._wiring = group = self.world.wire(self.world.chat(self.rig.chat, channel=self.name), agent)
        self.world.wire(self.world.chat(self.rig.direct, channel=self.name, is_group=False), agent)
        self._session = self.world.session_of(group)

    @asynccontextmanager
    async def living(self, meanwhile: Callable[[], Awaitable[None]] | None = None) -> AsyncGenerator[None]:
        """One life of the channel, and of those who speak with it; *meanwhile* is what happens before it is there."""
        spool = Spool(self.folder)
        await self.listeners.begin(self._store)
        means = Means(
            name=self.name,
            settings=self.rig.settings,
            spool=spool,
            clock=self.clock,
            marks=self._marks,
            engages=partial(self.listeners.may_hear, self.name),
        )
        self.channel = self.rig.kind.make(means)
        channels: dict[ChannelName, Channel] = {self.name: self.channel}
        self.delivery = Delivery(
            *(self._store, self.clock, spool, channels, lambda _: self._note(), TreeNode("delivery")), policy=POLICY
        )
        threaded = {self.name: self.channel.threaded}
        nothing: Callable[[object], None] = lambda _: None  # noqa: E731 - it is said three times
        ingress = Ingress(
            *(self._store, self.clock, spool, threaded, nothing, nothing, self.delivery.nudge),
            listeners=self.listeners,
        )
        async with trio.open_nursery() as nursery:
            await nursery.start(self.delivery.run)
            if meanwhile is not None:
                await meanwhile()
            connected = trio.Event()

            def ready() -> None:
                connected.set()
                self.delivery.ready(self.name)

            with trio.fail_after(self.patience):
                await nursery.start(partial(self.channel.run, partial(self._receive, ingress), ready=ready))
                # What was said before the first connection of all is nobody's business.
                await connected.wait()
            channel: object = self.channel
            # A platform that calls us has nothing to connect to.
            if isinstance(channel, TellsHealth) and Can.FILES_OUT in self.rig.can:
                well = channel
                await self.until(lambda: well.health().heard is not None)
            try:
                yield
            finally:
                nursery.cancel_scope.cancel()

    async def take(self, told: Iterable[Told]) -> None:
        """Take these in, one after the other, as another connection of the channel would bring them."""
        nothing: Callable[[object], None] = lambda _: None  # noqa: E731 - it is said three times
        threaded = {self.name: self.channel.threaded}
        ingress = Ingress(self._store, SystemClock(), Spool(self.folder), threaded, *(nothing,) * 3)
        for one in told:
            await ingress.receive(one)

    async def _receive(self, ingress: Ingress, told: Told) -> Receipt:
        self.asked += 1
        self._note()
        if self.gate is not None:
            await self.gate.wait()
        receipt = await ingress.receive(told)
        if isinstance(told, InboundEvent) and told.text == self.dies_at:
            await trio.sleep_forever()
        self.told.append(told)
        self._note()
        return receipt

    def _note(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    async def until(self, true: Callable[[], object], seconds: float | None = None) -> None:
        """Wait for something that the channel does; looks again whenever anything happened, and now and then."""
        with trio.fail_after(self.patience if seconds is None else seconds):
            while not true():
                with trio.move_on_after(0.05):
                    await self._changed.wait()

    def listen(self, mode: EngageMode) -> None:
        """The group's agent takes up this from now on."""
        pattern = "." if mode is EngageMode.PATTERN else None
        wirings.update_wiring(self._store.conn, evolve(self._wiring, engage_mode=mode, engage_pattern=pattern))

    def events(self) -> list[InboundEvent]:
        """What was told of what people said, those told again as well."""
        return [one for one in self.told if isinstance(one, InboundEvent)]

    async def heard(self, *messages: str) -> list[InboundEvent]:
        """Wait until all these are stored; the first event of each, in the order of *messages*."""
        await self.until(lambda: set(messages) <= {one.platform_message_id for one in self.events()})
        first = {one.platform_message_id: one for one in reversed(self.events())}
        return [first[message] for message in messages]

    def stored(self) -> list[str]:
        """The texts that the agent was shown, in order; each event once."""
        rows = fetch(self._store.conn, "SELECT content FROM inbound WHERE kind = 'chat' ORDER BY seq")
        return [payloads.read_as(payloads.ChatIn, str(row["content"])).text for row in rows]

    def say(
        self,
        text: str,
        *,
        chat: str | None = None,
        thread: str | None = None,
        files: Mapping[str, bytes] | None = None,
        host: bool = False,
    ) -> OutboundId:
        """The agent says something, or the host itself."""
        self._said += 1
        row = OutboundId(f"row-{self._said}")
        kept = []
        for name, data in (files or {}).items():
            with Spool(self.folder).begin() as writing:
                writing.write(data)
                done = writing.finish()
            kept.append(LedgerFile(name=name, size=done.size, digest=done.digest, spool_id=done.id))
        where = self.rig.chat if chat is None else chat
        new = NewLedgerRow(
            id=row,
            epoch=None,
            runner_id=None,
            digest="d",
            seq=None,
            in_reply_to=None,
            to=Address(channel=self.name, platform_id=where, thread_id=thread),
            kind="chat",
            content=payloads.write(payloads.ChatOut(text=text, files=tuple(files or ()))),
            files=tuple(kept),
        )
        ledger.add(self._store.conn, new, session=None if host else self._session, now=self.clock.now())
        self.delivery.nudge([Lane(self.name, where)])
        return row

    async def settled(self, message: OutboundId) -> LedgerRow:
        """Wait until a message is decided."""
        await self.until(lambda: self.row(message).state not in {LedgerState.PENDING, LedgerState.SENDING})
        return self.row(message)

    def row(self, message: OutboundId) -> LedgerRow:
        """A message as it stands."""
        row = ledger.get(self._store.conn, message)
        assert row is not None
        return row
