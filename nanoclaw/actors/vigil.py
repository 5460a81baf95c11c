"""What the host has seen of one live sandbox, on the host's own clock: the evidence that `core/stuck.py` judges."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from attrs import define, field

from nanoclaw.core.signals import Progress, progress_of
from nanoclaw.core.stuck import Claim, Evidence, StuckPolicy, Tool, Verdict, decide_stuck, next_deadline
from nanoclaw.link.report import Report, ToolState
from nanoclaw.model.ids import EpochNumber, InboundId
from schema.rows import Phase


@define(eq=False)
class Vigil:
    """Remembers when the host saw what. Times are seconds on any one clock that only goes forward."""

    _epoch: EpochNumber
    _policy: StuckPolicy
    _heartbeat: int | None = field(default=None, init=False)
    _alive_at: float | None = field(default=None, init=False)
    """When something last changed that only a runner that lives changes."""
    _tool: ToolState | None = field(default=None, init=False)
    _phase_at: float = field(default=0.0, init=False)
    _claims: dict[InboundId, float] = field(factory=dict[InboundId, float], init=False)
    _turn_at: float | None = field(default=None, init=False)
    """When there was a claim after there was none."""
    _due_at: float | None = field(default=None, init=False)
    """When there was something unclaimed to do after there was not."""

    def heartbeat(self, mtime_ns: int | None, now: float) -> None:
        """The heartbeat's time is *mtime_ns*, whatever that means: that it changed is a sign of life."""
        if mtime_ns is None or mtime_ns == self._heartbeat:
            return
        # The first value was there before the runner was.
        if self._heartbeat is not None:
            self._alive_at = now
        self._heartbeat = mtime_ns

    def report(self, report: Report, now: float) -> None:
        """The runner wrote this."""
        if report.rows or report.tool != self._tool:
            self._alive_at = now
        if report.tool is not None and report.tool.phase is not self._phase:
            self._phase_at = now
        self._tool = report.tool

    def work(self, claimed: Collection[InboundId], *, due: bool, now: float) -> None:
        """These are claimed now; is there anything else that may start a turn?"""
        self._claims = {message: self._claims.get(message, now) for message in claimed}
        self._turn_at = (now if self._turn_at is None else self._turn_at) if claimed else None
        self._due_at = (now if self._due_at is None else self._due_at) if due else None

    def paused(self, now: float) -> None:
        """It was let go on after a pause, in which it could not show life."""
        self._alive_at = now
        self._due_at = None if self._due_at is None else now

    def evidence(self, now: float) -> Evidence:
        """All of it, as ages."""
        tool = self._tool
        named = None if tool is None or tool.current_tool is None else tool.current_tool
        return Evidence(
            epoch=self._epoch,
            claims=tuple(
                Claim(message=message, epoch=self._epoch, age=timedelta(seconds=now - since))
                for message, since in self._claims.items()
            ),
            silence=_since(self._alive_at, now),
            tool=None if tool is None or named is None else Tool(name=named, declared_ms=tool.declared_timeout_ms),
            phase=self._phase,
            phase_age=timedelta(seconds=now - self._phase_at),
            turn=_since(self._turn_at, now),
            unheard=_since(self._due_at, now),
        )

    def judge(self, now: float) -> tuple[Verdict, float | None]:
        """Is it stuck, and after how many seconds could that change if nothing happens?"""
        seen = self.evidence(now)
        pause = next_deadline(seen, self._policy)
        return decide_stuck(seen, self._policy), None if pause is None else pause.total_seconds()

    @property
    def is_up(self) -> bool:
        """Has the runner ever said what it does? Its heartbeat comes before most of it is loaded."""
        return self._tool is not None

    def progress(self, now: float) -> Progress:
        """How its work goes on, to be shown."""
        return progress_of(self.evidence(now), self._policy)

    @property
    def _phase(self) -> Phase:
        return Phase.STARTING if self._tool is None else self._tool.phase


def _since(at: float | None, now: float) -> timedelta | None:
    return None if at is None else timedelta(seconds=now - at)
