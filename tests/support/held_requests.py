"""What OneCLI holds for a person's decision, and a host that asks people about it and may die."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import cast

import trio
from attrs import define, field
from trio.testing import wait_all_tasks_blocked

from nanoclaw.actors.approvals import Approvals
from nanoclaw.actors.credential_kind import CredentialKind
from nanoclaw.actors.credential_requests import LOOK_SECONDS, CredentialRequests
from nanoclaw.core.onecli import Pending, PendingRequest, RawBody, RequestingAgent
from nanoclaw.kit.tree import TreeNode
from nanoclaw.model.approvals import CardState
from schema.sqlite import fetch
from tests.support.approvals_case import Case, HostClock, Notes
from tests.support.dying import Death, MortalStore

HOLDS = timedelta(seconds=180)
POLL_SECONDS = 30.0


@define
class Held:
    """What OneCLI holds, and what it was told."""

    requests: dict[str, PendingRequest] = field(factory=dict[str, PendingRequest])
    decided: list[tuple[str, bool]] = field(factory=list[tuple[str, bool]])
    excluded: list[list[str]] = field(factory=list[list[str]])
    unfit: dict[str, str] = field(factory=dict[str, str])
    broken: Exception | None = None
    forgetful: bool = False
    """It names what it was told not to."""
    death: Death = field(factory=lambda: Death(0))
    """That of the host which lives now."""
    _news: trio.Event = field(factory=trio.Event)

    def hold(self, request: PendingRequest) -> None:
        """One more."""
        self.requests[request.id] = request
        self._news.set()

    async def pending(self, exclude: Collection[str]) -> Pending:
        """As the server does."""
        await trio.lowlevel.checkpoint()
        self.excluded.append(sorted(exclude))
        if self.broken is not None:
            raise self.broken
        found = self._listed(exclude)
        if not found:
            self._news = trio.Event()
            with trio.move_on_after(POLL_SECONDS):
                await self._news.wait()
            found = self._listed(exclude)
        return Pending(requests=found, unfit={name: why for name, why in self.unfit.items() if name not in exclude})

    async def decide(self, request: str, *, approve: bool) -> bool:
        """As the server does."""
        await trio.lowlevel.checkpoint()
        self.death.alive()
        if self.broken is not None:
            raise self.broken
        if self.requests.pop(request, None) is None:
            return False
        self.decided.append((request, approve))
        await trio.lowlevel.checkpoint()
        return True

    def _listed(self, exclude: Collection[str]) -> tuple[PendingRequest, ...]:
        return tuple(one for name, one in self.requests.items() if self.forgetful or name not in exclude)


@define
class Scene:
    """A world with a boss, in which OneCLI holds what an agent asks for."""

    held: Held = field(factory=Held)
    case: Case = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.case = Case()
        self.case.kind = cast("Notes", CredentialKind(self.held, HostClock(self.case.world), lambda: 0.0))
        self.case.grant("boss")

    def request(self, name: str = "ap-1", agent: str = "agt-nano") -> PendingRequest:
        """One of an agent's."""
        return PendingRequest(
            id=name,
            method="POST",
            host="api.example.com",
            path="/v1/send",
            agent=RequestingAgent(name="Nano", external_id=agent),
            expires_at=self.case.world.now + HOLDS,
            raw_body=RawBody(text="{}"),
        )

    @asynccontextmanager
    async def living(self, death: Death | None = None) -> AsyncIterator[Approvals]:
        """One life of both actors."""
        self.held.death = death or Death(0)
        store = MortalStore(self.case.store, self.held.death)
        async with self.case.living(store) as actor:
            asking = CredentialRequests(
                self.held,
                store,
                HostClock(self.case.world),
                lambda _: None,
                actor.look,
                TreeNode("onecli"),
                luck=lambda: 0.0,
                mint=self.case.world.mint,
            )
            async with trio.open_nursery() as nursery:
                await nursery.start(asking.run)
                await wait_all_tasks_blocked()
                yield actor
                nursery.cancel_scope.cancel()

    async def press(self, actor: Approvals, label: str) -> None:
        """The boss presses a button of the last card, and all that follows happens."""
        self.case.arrive()
        card = self.case.cards()[-1]
        self.case.press(card, self.case.tokens(card)[label])
        await self.case.look(actor)
        await trio.sleep(2 * LOOK_SECONDS)

    def states(self) -> list[tuple[str, str | None]]:
        """Of all approvals, in the order of their asking."""
        rows = fetch(self.case.world.conn, "SELECT state, result FROM approvals ORDER BY rowid")
        return [(str(row["state"]), cast("str | None", row["result"])) for row in rows]

    async def live(self, death: Death) -> None:
        """The boss approves whatever there is a card of."""
        async with self.living(death) as actor:
            await trio.sleep(2 * LOOK_SECONDS)
            death.alive()
            if any(card.state is CardState.OPEN for card in self.case.cards()):
                await self.press(actor, "Approve")
