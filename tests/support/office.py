"""The part of a host that asks people and hears what they decide, on platforms that outlive it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import trio
from attrs import define, evolve, field, frozen
from trio.testing import wait_all_tasks_blocked

from nanoclaw.actors.approvals import Approvals
from nanoclaw.actors.approving import Kind
from nanoclaw.actors.delivery import Delivery
from nanoclaw.actors.ingress import Ingress
from nanoclaw.channels.base import Outgoing, Receipt
from nanoclaw.core.speech import Ability, ShowQuestion
from nanoclaw.errors import DeliveryError
from nanoclaw.kit.spool import Spool
from nanoclaw.kit.tree import TreeNode
from nanoclaw.model.approvals import ApprovalKind
from nanoclaw.model.ids import UserId
from nanoclaw.model.messages import Choice
from tests.support.approvals_case import HostClock
from tests.support.central import World, said
from tests.support.dying import Death, MortalStore
from tests.support.inline_database import InlineDatabase
from tests.support.scripted_channel import ScriptedChannel

NOWHERE = Spool(Path("/nowhere"))


@define(eq=False)
class Platform(ScriptedChannel):
    """One that shows a message once, however often it is told of it, and may lie about cards."""

    lies: bool = False
    """It says that a card did not arrive, which it has shown."""
    shown: dict[str, Outgoing] = field(factory=dict[str, Outgoing], init=False)
    """What people see, by its key."""
    death: Death = field(factory=lambda: Death(0), init=False)
    """That of the host which lives now."""
    abilities: frozenset[Ability] = field(default=frozenset(Ability), init=False)

    async def open_direct_messages(self, user: UserId) -> str | None:
        """Everybody can be written to."""
        await trio.lowlevel.checkpoint()
        return f"dm-{user}"

    async def deliver(self, message: Outgoing) -> str | None:
        """Show it, and say so or not."""
        await trio.lowlevel.checkpoint()
        self.death.alive()
        self.shown[message.key] = message
        await trio.lowlevel.checkpoint()
        if self.lies and isinstance(message.native, ShowQuestion):
            raise DeliveryError(channel=self.name, why="it says", retryable=False)
        return message.key

    def cards(self) -> list[ShowQuestion]:
        """The cards that people see, the first first."""
        return [one.native for one in self.shown.values() if isinstance(one.native, ShowQuestion)]

    def words(self) -> list[str]:
        """What people are told in words."""
        return [one.text for one in self.shown.values() if one.native is None]


@frozen
class Office:
    """One life of it."""

    ingress: Ingress
    approvals: Approvals
    delivery: Delivery

    async def rest(self) -> None:
        """Until nothing is left to do."""
        await wait_all_tasks_blocked()

    async def press(self, platform: Platform, card: ShowQuestion, label: str, *, by: str, number: int) -> Receipt:
        """Somebody presses a button; the platform tells it."""
        token = next(option.value for option in card.options if option.label == label)
        room = f"dm-{platform.name}:{by.lower()}"
        event = said(number, room=room, channel=platform.name, sender=by, is_group=False)
        return await self.ingress.receive(evolve(event, text="", choice=Choice(question=card.question, said=token)))


@asynccontextmanager
async def office(
    world: World, store: InlineDatabase, death: Death, platforms: Iterable[Platform], kinds: Mapping[ApprovalKind, Kind]
) -> AsyncIterator[Office]:
    """A life that ends with the block, and begins it when nothing is left to do."""
    channels = {platform.name: platform for platform in platforms}
    for platform in channels.values():
        platform.death = death
    mortal, clock = MortalStore(store, death), HostClock(world)
    delivery = Delivery(
        *(mortal, clock, NOWHERE, channels, lambda _: None, TreeNode("delivery")),
        lost=lambda: approvals.look(),  # noqa: PLW0108 - it is made below
    )
    approvals = Approvals(
        *(mortal, clock, channels, kinds, delivery.nudge, lambda: None, TreeNode("approvals")),
        longest_sleep=1e9,
        mint=world.mint,
    )
    ingress = Ingress(
        *(mortal, clock, NOWHERE, dict.fromkeys(channels, False), lambda _: None, lambda _: None, delivery.nudge),
        asked=approvals.look,
        mint=world.mint,
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(delivery.run)
        await nursery.start(approvals.run)
        await wait_all_tasks_blocked()
        yield Office(ingress, approvals, delivery)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
