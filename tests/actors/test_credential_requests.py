"""Requests that OneCLI holds: people are asked, and what they decide is told once, whoever dies meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import cast

import attrs
import pytest
import trio
from attrs import define, field
from trio.testing import MockClock, wait_all_tasks_blocked

from nanoclaw.actors.approvals import Approvals
from nanoclaw.actors.credential_kind import CredentialKind
from nanoclaw.actors.credential_requests import LOOK_SECONDS, CredentialRequests
from nanoclaw.core.credential_requests import MARGIN
from nanoclaw.core.onecli import OneCliAwayError, OneCliRefusedError, Pending, PendingRequest, RawBody, RequestingAgent
from nanoclaw.kit.tree import TreeNode
from nanoclaw.store import approvals, drops
from schema.sqlite import fetch
from tests.support.approvals_case import Case, HostClock, Notes

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
        if self.broken is not None:
            raise self.broken
        if self.requests.pop(request, None) is None:
            return False
        self.decided.append((request, approve))
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
    async def living(self) -> AsyncIterator[Approvals]:
        """One life of both actors."""
        async with self.case.living() as actor:
            asking = CredentialRequests(
                self.held,
                self.case.store,
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


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_what_somebody_approves_goes_on_once(scene: Scene, autojump_clock: MockClock) -> None:
    async with scene.living() as actor:
        scene.held.hold(scene.request())
        await trio.sleep(1)
        assert len(scene.case.cards()) == 1
        assert scene.held.excluded[-1] == ["ap-1"]
        await scene.press(actor, "Approve")
        await trio.sleep(POLL_SECONDS)
        assert scene.held.excluded[-1] == []
    assert scene.held.decided == [("ap-1", True)]
    assert scene.states() == [("done", "OneCLI lets the request go on")]


async def test_what_somebody_rejects_is_denied_within_a_moment(scene: Scene, autojump_clock: MockClock) -> None:
    async with scene.living() as actor:
        scene.held.hold(scene.request())
        await trio.sleep(1)
        await scene.press(actor, "Reject")
        assert scene.held.decided == [("ap-1", False)]
    assert [state for state, _ in scene.states()] == ["rejected"]


async def test_what_nobody_decides_is_denied_when_its_time_is_over(scene: Scene, autojump_clock: MockClock) -> None:
    async with scene.living() as actor:
        scene.held.hold(scene.request())
        await trio.sleep(1)
        now = scene.case.world.wait(seconds=(HOLDS - MARGIN).total_seconds())
        (which,) = (one.id for one in approvals.approvals(scene.case.world.conn))
        assert approvals.expire(scene.case.world.conn, which, now=now) is not None
        await scene.case.look(actor)
        await trio.sleep(2 * LOOK_SECONDS)
    assert scene.held.decided == [("ap-1", False)]


async def test_a_start_closes_what_an_earlier_life_asked_and_asks_anew(scene: Scene, autojump_clock: MockClock) -> None:
    async with scene.living():
        scene.held.hold(scene.request())
        await trio.sleep(1)
    assert scene.states() == [("pending", None)]
    async with scene.living() as actor:
        await trio.sleep(1)
        first, second = scene.states()
        assert first[0] == "expired"
        assert "the host was restarted" in str(first[1])
        assert second == ("pending", None)
        assert scene.held.decided == [], "it is held as before"
        await scene.press(actor, "Approve")
    assert scene.held.decided == [("ap-1", True)]


async def test_what_was_approved_when_the_host_died_is_told_by_the_next(
    scene: Scene, autojump_clock: MockClock
) -> None:
    async with scene.living() as actor:
        scene.held.hold(scene.request())
        await trio.sleep(1)
        scene.held.broken = OneCliAwayError("nobody")
        await scene.press(actor, "Approve")
        assert [state for state, _ in scene.states()] == ["executing"]
    scene.held.broken = None
    async with scene.living():
        await trio.sleep(5)
    assert scene.held.decided == [("ap-1", True)]
    assert [state for state, _ in scene.states()] == ["done"]


async def test_a_decision_that_comes_too_late_has_failed_and_says_so(scene: Scene, autojump_clock: MockClock) -> None:
    async with scene.living() as actor:
        scene.held.hold(scene.request())
        await trio.sleep(1)
        scene.held.requests.clear()
        await scene.press(actor, "Approve")
    ((state, why),) = scene.states()
    assert state == "failed"
    assert "no longer holds the request" in str(why)


async def test_a_decision_that_cannot_be_told_in_time_has_failed(scene: Scene, autojump_clock: MockClock) -> None:
    async with scene.living() as actor:
        scene.held.hold(scene.request())
        await trio.sleep(1)
        scene.held.broken = OneCliAwayError("nobody is there")
        await scene.press(actor, "Approve")
        scene.case.world.wait(seconds=HOLDS.total_seconds())
        await trio.sleep(60)
    ((state, why),) = scene.states()
    assert (state, why) == ("failed", "OneCLI could not be told in time: nobody is there")


@pytest.mark.parametrize("broken", [OneCliAwayError("nobody"), OneCliRefusedError("401")])
async def test_it_asks_for_ever_with_longer_pauses(scene: Scene, autojump_clock: MockClock, broken: Exception) -> None:
    scene.held.broken = broken
    async with scene.living():
        await trio.sleep(3600)
        assert 3600 / 60 < len(scene.held.excluded) < 3600 / 20
        scene.held.broken = None
        scene.held.hold(scene.request())
        await trio.sleep(61)
        assert [state for state, _ in scene.states()] == ["pending"]


async def test_requests_of_others_are_left_alone_and_not_named_again(scene: Scene, autojump_clock: MockClock) -> None:
    async with scene.living():
        scene.held.hold(scene.request(agent="agt-elsewhere"))
        scene.held.hold(attrs.evolve(scene.request("ap-2"), agent=RequestingAgent(name="Nano")))
        scene.held.unfit["ap-3"] = "expires_at: not a time"
        await trio.sleep(100)
        assert scene.held.excluded[-1] == ["ap-1", "ap-2", "ap-3"]
        assert len(scene.held.excluded) < 10
    assert (scene.held.decided, scene.states()) == ([], [])


async def test_what_cannot_be_shown_is_denied_with_a_record_and_nobody_is_asked(
    scene: Scene, autojump_clock: MockClock
) -> None:
    async with scene.living():
        scene.held.hold(attrs.evolve(scene.request(), raw_body=RawBody(binary=True)))
        await trio.sleep(5)
    assert scene.held.decided == [("ap-1", False)]
    assert scene.states() == []
    (drop,) = drops.recent(scene.case.world.conn)
    assert (drop.reason, drop.reference, drop.agent_group_id) == ("credential-refused", "ap-1", "agt-nano")


async def test_one_agent_cannot_wear_people_out(scene: Scene, autojump_clock: MockClock) -> None:
    async with scene.living():
        for number in range(6):
            scene.held.hold(scene.request(f"ap-{number}"))
        await trio.sleep(5)
        assert len(scene.case.cards()) == 3
    assert scene.held.decided == [("ap-3", False), ("ap-4", False), ("ap-5", False)]


async def test_a_server_that_names_the_same_again_and_again_is_not_asked_in_a_loop(
    scene: Scene, autojump_clock: MockClock
) -> None:
    scene.held.forgetful = True
    async with scene.living():
        scene.held.hold(scene.request())
        await trio.sleep(100)
        assert len(scene.held.excluded) <= 110
        assert len(scene.states()) == 1
