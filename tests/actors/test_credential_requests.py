"""Requests that OneCLI holds: people are asked, and what they decide is told once, whoever dies meanwhile."""

from __future__ import annotations

import attrs
import pytest
import trio
from trio.testing import MockClock

from nanoclaw.actors.credential_requests import LOOK_SECONDS
from nanoclaw.core.credential_requests import MARGIN
from nanoclaw.core.onecli import OneCliAwayError, OneCliRefusedError, RawBody, RequestingAgent
from nanoclaw.model.approvals import CardState
from nanoclaw.store import approvals, drops
from nanoclaw.store.verify import verify
from tests.conftest import Figures
from tests.routing.comparing import NOWHERE
from tests.support.dying import die_everywhere
from tests.support.held_requests import HOLDS, POLL_SECONDS, Scene


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


def a_request() -> Scene:
    """One is held."""
    scene = Scene()
    scene.held.hold(scene.request())
    return scene


def assert_sound(scene: Scene) -> None:
    """OneCLI was told, once, and what people are told is no lie."""
    assert (scene.held.decided, scene.held.requests) == ([("ap-1", True)], {})
    *earlier, (state, why) = scene.states()
    assert {state for state, _ in earlier} <= {"expired"}
    assert state == "done" or "decided already, elsewhere or by this host before it was cut short" in str(why)
    assert {card.state for card in scene.case.cards()} == {CardState.OVER}
    assert verify(scene.case.world.conn, NOWHERE, host=None, now=scene.case.world.now) == []
    scene.case.store.close()


async def test_wherever_the_host_dies_the_request_goes_on_once(autojump_clock: MockClock, figures: Figures) -> None:
    died = await die_everywhere(a_request, assert_sound)
    figures(points_died_at=died)
    assert died > 30


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
