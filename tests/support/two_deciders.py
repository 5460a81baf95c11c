"""Two people on two channels who both have a card of one approval and press at the same moment; a host that may die."""

from __future__ import annotations

import trio
from attrs import define, field

from nanoclaw.channels.base import Receipt
from nanoclaw.model.ids import ApprovalId, ChannelName, RoleId
from nanoclaw.model.rights import Grant, Role
from nanoclaw.store import people
from tests.support.approvals_case import Case, Notes
from tests.support.central import CHANNEL
from tests.support.dying import Death
from tests.support.office import Office, Platform, office

WIRE = ChannelName("wire")


@define(eq=False)
class TwoDeciders:
    """An agent has asked; Boss and Chief decide, each says it again until it is taken."""

    kind: Notes = field(factory=Notes)
    labels: tuple[str, str] = ("Approve", "Reject")
    case: Case = field(init=False)
    which: ApprovalId = field(init=False)
    boss: Platform = field(factory=lambda: Platform(CHANNEL, keyed=True, lies=True), init=False)
    """It says of the first card that nobody has it, so that there are two."""
    chief: Platform = field(factory=lambda: Platform(WIRE, keyed=True), init=False)
    receipts: dict[str, Receipt] = field(factory=dict[str, Receipt], init=False)
    """What each of them was told, once they were told anything."""

    def __attrs_post_init__(self) -> None:
        self.case = Case(kind=self.kind)
        self.case.grant("boss")
        world = self.case.world
        given = Grant(
            id=RoleId("role-chief"),
            user_id=world.user("chief", channel=WIRE),
            role=Role.OWNER,
            agent_group_id=None,
            granted_by=None,
            granted_at=world.wait(seconds=1),
        )
        people.grant(world.conn, given)
        self.which = self.case.ask()

    async def live(self, death: Death) -> None:
        """One life: cards go out, both press at once, and all that follows happens."""
        case = self.case
        async with (
            office(case.world, case.store, death, (self.boss, self.chief), {self.kind.name: self.kind}) as here,
            trio.open_nursery() as pressing,
        ):
            pressing.start_soon(self._press, here, self.boss, "Boss", self.labels[0])
            pressing.start_soon(self._press, here, self.chief, "Chief", self.labels[1])

    async def _press(self, here: Office, platform: Platform, who: str, label: str) -> None:
        [card] = platform.cards()
        if who not in self.receipts:
            self.receipts[who] = await here.press(platform, card, label, by=who, number=900)
