"""What this runner is doing, kept in container_state: its tools, and what it waits for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from attrs import define, field

from runner.core.doing import Tool, state_of
from runner.model import ContainerState
from runner.outbox import Outbox
from schema.rows import Phase


@define(eq=False)
class Showing:
    """Knows what is going on, and writes each change down. Its writes raise `SqliteError`."""

    _outbox: Outbox
    _now: Callable[[], datetime]
    at_work: bool = field(default=False, init=False)
    """Is there something that is not answered yet?"""
    _tools: dict[str, Tool] = field(factory=dict[str, Tool], init=False)
    _waits: dict[str, Phase] = field(factory=dict[str, Phase], init=False)
    """By who waits. The last one is shown."""

    def state(self) -> ContainerState:
        """All of it, for whoever writes it down with something else."""
        phase = Phase.TURN if self.at_work or self._tools else Phase.IDLE
        for waits in self._waits.values():
            phase = waits
        return state_of(phase, self._now(), self._tools.values())

    def show(self) -> None:
        """Write it down."""
        self._outbox.show(self.state())

    def tool_started(self, use: str, name: str, declared: timedelta | None = None) -> None:
        """A tool runs; *use* tells it from others."""
        self._tools[use] = Tool(name=name, declared=declared, since=self._now())
        self.show()

    def tool_ended(self, use: str) -> None:
        """It runs no more."""
        if self._tools.pop(use, None) is not None:
            self.show()

    def begin_wait(self, who: str, phase: Phase) -> None:
        """*who* waits; *phase* is the name of that."""
        if self._waits.get(who) is not phase:
            self._waits[who] = phase
            self.show()

    def end_wait(self, who: str) -> None:
        """*who* waits no more."""
        if self._waits.pop(who, None) is not None:
            self.show()

    def query_ended(self) -> None:
        """No tool of the model's can run any more, and nothing waits."""
        if self._tools or self._waits:
            self._tools.clear()
            self._waits.clear()
            self.show()
