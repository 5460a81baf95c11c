"""What the host counts of its own work, for whoever measures it: numbers in memory that begin anew with each start.

Counted where it happens, by an addition or two on the loop. Nothing in here is read by any decision.
"""

from __future__ import annotations

from collections import Counter
from enum import Enum

from attrs import define, field

from nanoclaw.kit.histogram import Histogram
from nanoclaw.model.egress import Outcome
from nanoclaw.model.ids import AgentGroupId, ChannelName


class Hop(Enum):
    """A stretch of a message's way, named by its two ends."""

    EVENT_TO_ROW = "event_to_row"  # from a channel's telling to the commit
    ROW_TO_LINK = "row_to_link"  # from there until its session's sandbox can see it: a start, if need be
    LINK_TO_CLAIM = "link_to_claim"  # until the host sees that it was taken up, or answered
    CLAIM_TO_OUTBOX = "claim_to_outbox"  # from there until the host sees that it was settled: the agent's turn
    OUTBOX_TO_LEDGER = "outbox_to_ledger"  # from the notice of a runner's commit to the host's own commit
    LEDGER_TO_SENT = "ledger_to_sent"  # from there until its platform has the reply, pauses included


@define
class Spent:
    """What the models of one agent group took."""

    calls: int = 0
    read: int = 0
    written: int = 0
    micros: int = 0
    """Millionths of a dollar."""


@define(eq=False)
class Meters:
    """One for the whole host."""

    hops: dict[Hop, Histogram] = field(factory=lambda: {hop: Histogram() for hop in Hop}, init=False)
    events: Counter[tuple[str, ...]] = field(factory=Counter[tuple[str, ...]], init=False)
    """What channels told, by channel and what became of it."""
    replies: Counter[tuple[str, ...]] = field(factory=Counter[tuple[str, ...]], init=False)
    """Messages that were decided, by channel and how; attempts that failed as `retry`."""
    settled: Counter[str] = field(factory=Counter[str], init=False)
    """What agents settled, by how."""
    egress: Counter[Outcome] = field(factory=Counter[Outcome], init=False)
    """What sandboxes asked for besides their models."""
    spent: dict[AgentGroupId, Spent] = field(factory=dict[AgentGroupId, Spent], init=False)
    unannounced: int = field(default=0, init=False)
    """Commits of runners that a look found which no notice had told of."""
    unanswered_rings: int = field(default=0, init=False)
    """Rings at sandboxes' doorbells that nobody answered in time."""

    def took(self, hop: Hop, seconds: float) -> None:
        """A message was so long on that stretch."""
        self.hops[hop].observe(seconds)

    def event(self, channel: ChannelName, verdict: str) -> None:
        """A channel told something, and that became of it."""
        self.events[channel, verdict] += 1

    def reply(self, channel: ChannelName, how: str) -> None:
        """A message was decided in that way, or an attempt failed."""
        self.replies[channel, how] += 1

    def spend(self, group: AgentGroupId, *, read: int, written: int, micros: int) -> None:
        """A call of an agent's model took so much."""
        spent = self.spent.setdefault(group, Spent())
        spent.calls += 1
        spent.read += read
        spent.written += written
        spent.micros += micros
