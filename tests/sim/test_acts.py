"""What an operator does to sessions, at every moment: against a turn's end, a wake, a start, the death of a host."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
import trio

from nanoclaw.core.session_acts import CANCELLED
from nanoclaw.model.messages import InboundRow
from schema.rows import InStatus
from tests.conftest import Figures
from tests.sim.__main__ import told
from tests.sim.acts import Acted, act
from tests.sim.history import Born, Claimed, Settled
from tests.sim.run import Outcome, run
from tests.sim.scenes import MOST_STEPS, PLAIN, Scene, Script
from tests.support.sampling import WHOLE

SEEDS = 4_000 if WHOLE else 150
TURN = 125.35
"""Seconds after which a slow turn ends, whatever it began with."""


def played(scene: Scene) -> Outcome:
    """What *scene* comes to where no host dies."""
    outcome = run(1, make_story=partial(Script, scene=scene, at=MOST_STEPS))
    assert not outcome.problems, told(outcome)
    return outcome


def messages(outcome: Outcome) -> list[InboundRow]:
    """What people said, in order."""
    return [row for row in outcome.truth.messages.values() if row.event_id is not None]


@pytest.mark.parametrize("after", [0.0, 0.2, 0.34, 0.36, 0.4, 1.0, 60.0])
def test_a_turn_that_is_cancelled_ends_and_what_comes_then_is_answered(after: float) -> None:
    async def scene(script: Script) -> None:
        script.say(PLAIN, "slow")
        await trio.sleep(after)
        granted = act(script, "cancel", PLAIN)
        assert granted == (after > 0.0), "there has to be a sandbox"
        await trio.sleep(30)
        script.say(PLAIN, "answer")

    slow, answered = messages(outcome := played(scene))
    if after:
        assert (slow.status, slow.error) == (
            InStatus.COMPLETED,
            f"{CANCELLED}Operator, because: it goes round in circles",
        )
        assert slow.id not in {said.message for said in outcome.history.all(Settled)}
    assert answered.error is None


def test_against_the_end_of_the_turn_one_of_both_wins_and_only_one_is_told(figures: Figures) -> None:
    ends = Counter[bool]()
    for step in range(-30, 31):

        async def scene(script: Script, after: float = TURN + step / 100) -> None:
            script.say(PLAIN, "slow")
            await trio.sleep(after)
            act(script, "cancel", PLAIN)
            await trio.sleep(60)

        outcome = played(scene)
        (slow,) = messages(outcome)
        cancelled = slow.error is not None
        ends[cancelled] += 1
        replies = [row for row in outcome.truth.ledger.values() if row.session_id == slow.session_id]
        assert [str(row.id).partition("/host/")[2].partition(":")[0] for row in replies] == [
            "cancelled" if cancelled else ""
        ]
    figures(cancelled=ends[True], answered=ends[False])
    assert min(ends[True], ends[False]) > 5, "both have to come about"


@pytest.mark.parametrize("after", [0.0, 0.01, 0.2, 0.29, 0.31, 0.36, 0.5, 30.0])
def test_what_is_parked_is_not_worked_on_until_it_is_unparked_whenever_it_was_woken(after: float) -> None:
    quiet: list[int] = []

    async def scene(script: Script) -> None:
        script.say(PLAIN, "slow")
        await trio.sleep(after)
        assert act(script, "park", PLAIN)
        assert not act(script, "park", PLAIN)
        assert not act(script, "wake", PLAIN)
        await trio.sleep(20)
        begun = sum(1 for _ in script.world.history.all(Claimed))
        script.say(PLAIN, "answer")
        await trio.sleep(200)
        script.stop()
        await trio.sleep(600)
        quiet.append(sum(1 for _ in script.world.history.all(Claimed)) - begun)
        assert not script.world.yard.boxes
        assert act(script, "unpark", PLAIN)
        await trio.sleep(300)

    outcome = played(scene)
    assert quiet == [0]
    assert [row.error for row in messages(outcome)] == [None, None]
    notices = [row for row in outcome.truth.ledger.values() if "/host/set-aside:" in row.id]
    assert len(notices) == 1, "whoever waits is told, once"
    assert "because: it goes round in circles" in notices[0].content


@pytest.mark.parametrize(("name", "lives"), [("stop", 2), ("restart", 2), ("wake", 1)])
def test_a_sandbox_that_is_stopped_or_restarted_costs_no_try(name: str, lives: int) -> None:
    async def scene(script: Script) -> None:
        script.say(PLAIN, "slow")
        await trio.sleep(20)
        assert act(script, name, PLAIN)
        await trio.sleep(300)

    outcome = played(scene)
    (slow,) = messages(outcome)
    assert (slow.status, slow.error, slow.tries) == (InStatus.COMPLETED, None, 0)
    assert len(list(outcome.history.all(Born))) == lives


def test_what_waits_for_its_next_try_has_it_at_once_when_it_is_woken() -> None:
    taken: list[float] = []

    async def scene(script: Script) -> None:
        await trio.sleep(1)
        script.world.weather.engine_away = True
        script.say(PLAIN, "answer")
        await trio.sleep(600)
        script.world.weather.engine_away = False
        assert script.life.house is not None
        assert min(script.life.house.sessions.parked().values()) > trio.current_time() + 60
        assert act(script, "wake", PLAIN)
        began = trio.current_time()
        while not list(script.world.history.all(Settled)):  # noqa: ASYNC110 - it is seen from without
            await trio.sleep(0.1)
        taken.append(trio.current_time() - began)

    played(scene)
    assert taken[0] < 10


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_promise_is_kept_whatever_an_operator_does_and_whatever_goes_wrong(figures: Figures) -> None:
    granted = Counter[str]()
    stories: list[Acted] = []

    def make(*arguments: object) -> Acted:
        stories.append(Acted(*arguments))  # type: ignore[arg-type]  # those of a Story
        return stories[-1]

    make_story: Callable[..., Acted] = make
    for seed in range(SEEDS):
        outcome = run(seed, make_story=make_story)
        assert not outcome.problems, told(outcome)
        granted.update(stories.pop().granted)
    figures(**granted)
    assert min(granted.values()) > 0
