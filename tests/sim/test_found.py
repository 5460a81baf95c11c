"""What the simulation has found, each as a scene of its own."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

import pytest
import trio
from attrs import define, frozen

from nanoclaw.errors import SandboxError
from nanoclaw.sandboxes.engine import LifeName
from tests.sim.__main__ import told
from tests.sim.history import Fault, History, Replied
from tests.sim.host import HostLife, InlineThreads
from tests.sim.run import run
from tests.sim.sandboxes import ENGINE, SimEngine, SimSandbox
from tests.sim.story import Story
from tests.sim.town import PLACES

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

FAILS = Fault("the engine fails once")
NO_DESCRIPTORS = Fault("too many open files")


class AnswersWhileNobodyIsThere(Story):
    """A host dies in the middle of a turn, and its sandbox answers before there is another."""

    async def happen(self) -> None:
        """See `Story.happen`."""
        self.world.engine_survives = True
        self.say(PLACES[1], "slow")
        await trio.sleep(10.0)
        self.life.mortal.steps_left = 1
        self.host_is_away = 600.0
        await trio.sleep(1800.0)


@define(eq=False)
class EngineThatFailsOnce(SimEngine):
    """Finds the sandbox that survived, and is then in trouble for a moment."""

    async def adopt(self, life: LifeName) -> SimSandbox | None:
        """See `Engine.adopt`."""
        found = await super().adopt(life)
        if found is not None and not self.yard.history.happened(FAILS):
            self.yard.history.note(FAILS)
            self.fails_next = SandboxError(engine=ENGINE, why="nobody answers")
        return found


@frozen
class ThreadsWithoutDescriptors(InlineThreads):
    """Cannot open the first folder that a dead host has left."""

    _history: History

    async def run(self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """See `Threads.run`."""
        if getattr(work, "__name__", "") == "open_out" and not self._history.happened(NO_DESCRIPTORS):
            self._history.note(NO_DESCRIPTORS)
            raise OSError(errno.EMFILE, "too many open files")
        return await super().run(work, *arguments)


class InTroubleWithItsEngine(HostLife):
    """A host whose engine fails."""

    def make_engine(self) -> SimEngine:
        """See `HostLife`."""
        return EngineThatFailsOnce(self.world.yard, self.mortal, self.world.engine_survives)


class InTroubleWithItsFiles(HostLife):
    """A host that has too many open files."""

    def make_threads(self) -> InlineThreads:
        """See `HostLife`."""
        return ThreadsWithoutDescriptors(self.mortal, self.world.yard.look, self.world.history)


@pytest.mark.parametrize("life", [InTroubleWithItsEngine, InTroubleWithItsFiles])
def test_an_answer_given_while_no_host_was_there_survives_trouble_when_its_sandbox_is_taken_over(
    life: type[HostLife],
) -> None:
    outcome = run(1, life, AnswersWhileNobodyIsThere)
    assert not outcome.problems, told(outcome)
    assert outcome.history.happened(FAILS) or outcome.history.happened(NO_DESCRIPTORS)
    assert len(list(outcome.history.all(Replied))) == 1
