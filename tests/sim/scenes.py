"""Short stories in which nothing goes wrong but one thing: the first host is killed at a chosen step of its life."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

import trio
from attrs import define, field

from tests.sim.acts import act
from tests.sim.story import Story
from tests.sim.town import PLACES

MOST_STEPS: Final = 1_000_000
Scene: TypeAlias = Callable[["Script"], Awaitable[None]]
KEYED, PLAIN, CAREFUL = PLACES


@define(eq=False)
class Script(Story):
    """Plays one scene."""

    scene: Scene = field(kw_only=True)
    at: int = field(kw_only=True)
    """The step at which the first host dies."""
    steps: int = field(default=0, init=False)
    """How many it had when the scene was over."""

    async def happen(self) -> None:
        """Play the scene."""
        mortal = self.life.mortal
        mortal.steps_left = self.at
        await self.scene(self)
        if mortal.steps_left is not None:
            self.steps = self.at - mortal.steps_left


async def a_task_runs_and_is_planned_anew(script: Script) -> None:
    """An operator's task, twice; and an agent's, once."""
    script.say(PLAIN, "schedule 1")
    await trio.sleep(62)
    script.add_task()
    await trio.sleep(24 * 60)


async def a_message_is_tried_again(script: Script) -> None:
    """Its sandbox dies in mid-turn."""
    script.say(PLAIN, "crash 1")
    await trio.sleep(60)


async def a_message_becomes_a_dead_letter(script: Script) -> None:
    """Its sandbox dies each time; then the next message has its turn."""
    script.say(CAREFUL, "poison")
    script.say(CAREFUL, "answer")
    await trio.sleep(900)


async def what_waits_is_found_by_the_sweep(script: Script) -> None:
    """A host that comes up finds what was left open by one that was stopped, and a pause between tries ends."""
    script.say(PLAIN, "crash 1")
    await trio.sleep(3)
    script.stop()
    await trio.sleep(120)


async def the_host_is_stopped_in_mid_turn(script: Script) -> None:
    """One turn is under way, and another's replies."""
    script.say(CAREFUL, "slow")
    await trio.sleep(1)
    script.say(PLAIN, "twice")
    await trio.sleep(0.2)
    script.stop()
    await trio.sleep(30)


async def a_question_is_answered_and_another_is_not(script: Script) -> None:
    """The first is answered at once, and again too late; of the second nobody hears."""
    script.say(PLAIN, "ask")
    await trio.sleep(8)
    script.say_yes(PLAIN)
    await trio.sleep(8)
    script.say(CAREFUL, "ask")
    await trio.sleep(90)
    script.say_yes(CAREFUL)
    await trio.sleep(10)


async def a_turn_is_cancelled(script: Script) -> None:
    """By a person, and the next message is answered; then one that is about to end anyway."""
    script.say(PLAIN, "slow")
    await trio.sleep(10)
    act(script, "cancel", PLAIN)
    script.say(PLAIN, "answer")
    await trio.sleep(20)
    script.say(CAREFUL, "slow")
    await trio.sleep(125)
    act(script, "cancel", CAREFUL)
    await trio.sleep(30)


async def a_session_is_parked_and_goes_on(script: Script) -> None:
    """Parked by a person in mid-turn; something comes meanwhile; then it is parked no more, and is restarted."""
    script.say(PLAIN, "slow")
    await trio.sleep(10)
    act(script, "park", PLAIN)
    await trio.sleep(10)
    script.say(PLAIN, "twice")
    await trio.sleep(10)
    act(script, "unpark", PLAIN)
    await trio.sleep(10)
    act(script, "restart", PLAIN)
    await trio.sleep(200)
    act(script, "unpark", PLAIN)


SCENES: Final[tuple[Scene, ...]] = (
    a_task_runs_and_is_planned_anew,
    a_message_is_tried_again,
    a_message_becomes_a_dead_letter,
    what_waits_is_found_by_the_sweep,
    the_host_is_stopped_in_mid_turn,
    a_question_is_answered_and_another_is_not,
    a_turn_is_cancelled,
    a_session_is_parked_and_goes_on,
)
