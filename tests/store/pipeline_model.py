"""The pipeline's tables as two dicts: what any sequence of transactions should leave behind."""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import define, field

from nanoclaw.core.retry import RetryPolicy
from nanoclaw.model.ids import InboundId, SessionId
from nanoclaw.model.messages import EpochEnding, LedgerState
from nanoclaw.store.figures import Figures
from nanoclaw.store.inbound import Work
from schema.rows import InStatus
from schema.seq import next_even

POLICY = RetryPolicy(most_tries=3, first_pause=timedelta(seconds=5))


@define
class In:
    """A message in."""

    session: SessionId
    seq: int
    trigger: bool
    room: str | None
    """None for the host's own notes."""
    status: InStatus = InStatus.PENDING
    tries: int = 0
    due: datetime | None = None
    epoch: int | None = None


@define
class Out:
    """A message out."""

    session: SessionId
    seq: int
    room: str
    state: LedgerState = LedgerState.PENDING
    attempts: int = 0
    tried: bool = False
    due: datetime | None = None


@define
class Model:
    """What should be, in the order in which it came."""

    ins: dict[str, In] = field(factory=dict[str, In])
    outs: dict[str, Out] = field(factory=dict[str, Out])
    epochs: dict[SessionId, int] = field(factory=dict[SessionId, int])
    """The last epoch of each session."""
    live: set[SessionId] = field(factory=set[SessionId])
    events: int = 0
    drops: int = 0

    def highest(self, session: SessionId) -> int:
        """The highest number used in *session*."""
        used: tuple[In | Out, ...] = (*self.ins.values(), *self.outs.values())
        return max((row.seq for row in used if row.session == session), default=0)

    def add_in(self, row: str, session: SessionId, *, trigger: bool, room: str | None) -> None:
        """A message in with the host's next number, unless it is there."""
        if row not in self.ins:
            self.ins[row] = In(session, next_even(self.highest(session)), trigger, room)

    def settle(self, row: str, status: InStatus) -> None:
        """End a message in; one that failed is told of to its agent and to its chat."""
        message = self.ins[row]
        message.status, message.epoch = status, None
        if status is InStatus.FAILED and message.room is not None:
            self.add_in(f"note:failed:{row}", message.session, trigger=False, room=None)
            seq = next_even(self.highest(message.session))
            self.outs[f"{message.session}/host/failed:{row}"] = Out(message.session, seq, message.room)

    def close(self, session: SessionId, ending: EpochEnding, now: datetime) -> None:
        """End the live epoch of *session* and let go of its claims."""
        self.live.remove(session)
        for row, message in list(self.ins.items()):
            if message.session != session or message.epoch is None:
                continue
            if ending is not EpochEnding.STOPPED and message.tries + 1 == POLICY.most_tries:
                self.settle(row, InStatus.FAILED)
                continue
            free = ending in {EpochEnding.STOPPED, EpochEnding.HOST_DIED}
            message.due = now + (timedelta(0) if free else POLICY.first_pause * 2**message.tries)
            message.tries += ending is not EpochEnding.STOPPED
            message.epoch = None
        if ending is EpochEnding.QUARANTINED:
            self.drops += 1
            note = f"note:quarantined:{session}/{self.epochs[session]}"
            self.add_in(note, session, trigger=False, room=None)

    def open_outs(self, room: str) -> dict[str, Out]:
        """What is undecided on a lane, in order."""
        undecided = {LedgerState.PENDING, LedgerState.SENDING}
        return {row: out for row, out in self.outs.items() if out.room == room and out.state in undecided}

    def head(self, room: str, now: datetime) -> str | datetime | None:
        """The id of what a lane has to do now; or when; or None."""
        waiting = self.open_outs(room)
        for row, out in waiting.items():
            if out.tried or out.due is None or out.due <= now:
                return row
        return min((out.due for out in waiting.values() if out.due is not None), default=None)

    def work(self, session: SessionId, now: datetime) -> Work:
        """What a session has to do."""
        mine = [
            row
            for row in self.ins.values()
            if row.session == session and row.trigger and row.status is InStatus.PENDING
        ]
        held = [(row.seq, name) for name, row in self.ins.items() if row in mine and row.epoch is not None]
        later = [row.due for row in mine if row.due is not None and row.due > now]
        return Work(
            due=sum(row.epoch is None and (row.due is None or row.due <= now) for row in mine),
            next_at=min(later, default=None),
            claims=tuple(InboundId(name) for _, name in sorted(held)),
        )

    def figures(self, *, agent_groups: int, sessions: int) -> Figures:
        """The counts."""
        states = [out.state for out in self.outs.values()]
        return Figures(
            agent_groups=agent_groups,
            sessions=sessions,
            events=self.events,
            waiting=sum(row.trigger and row.status is InStatus.PENDING for row in self.ins.values()),
            claimed=sum(row.epoch is not None for row in self.ins.values()),
            failed=sum(row.status is InStatus.FAILED for row in self.ins.values()),
            undelivered=states.count(LedgerState.PENDING) + states.count(LedgerState.SENDING),
            delivered=states.count(LedgerState.DELIVERED),
            unknown=states.count(LedgerState.UNKNOWN),
            dead=states.count(LedgerState.DEAD),
            rejected=0,
            drops=self.drops,
            sandboxes=len(self.live),
        )
