"""Ingress, claims, epochs and delivery in any order: the tables say what two dicts say, and `verify` finds nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from nanoclaw.model.ids import EpochNumber, InboundId, OutboundId, SessionId
from nanoclaw.model.messages import Address, EpochEnding, LedgerState
from nanoclaw.store import events, inbound, ledger, notices
from nanoclaw.store.ending import close_epoch
from nanoclaw.store.figures import figures
from nanoclaw.store.ledger import Head, Lane
from nanoclaw.store.verify import Host, verify
from schema.rows import InStatus
from schema.seq import next_odd
from schema.sqlite import fetch
from schema.times import write_time
from tests.store.pipeline_model import POLICY, Model, Out
from tests.support.central import CHANNEL, World, said

T = TypeVar("T")

ROOMS = {"a": ("one", "two"), "b": ("one",)}
"""Who hears which chat: three sessions, two lanes."""
NOWHERE = Path("/nowhere")
ANY = st.integers(0, 1_000)
"""Picks one of however many there are."""
SECONDS = st.sampled_from([0, 1, 5, 10])

pytestmark = pytest.mark.timeout(600)  # a failure is made small before it is shown, and that takes its time


class PipelineMachine(RuleBasedStateMachine):
    """Every rule is one transaction of the host."""

    def __init__(self) -> None:
        super().__init__()
        self.world, self.model = World(), Model()
        self.said: dict[int, events.Verdict] = {}
        self.sessions: dict[tuple[str, str], SessionId] = {}
        agents = {name: self.world.agent(name) for name in ("one", "two")}
        for room, names in ROOMS.items():
            chat = self.world.chat(room)
            for name in names:
                wiring = self.world.wire(chat, agents[name])
                self.sessions[room, name] = self.world.session_of(wiring)
        self.host = Host(actors=frozenset(self.sessions.values()))

    def pick(self, among: list[T], which: int) -> T:
        """One of them."""
        return among[which % len(among)]

    def pending(self, *, of_live: bool = False) -> list[str]:
        """Messages in that are open, or only those of sessions with a sandbox."""
        return [
            row
            for row, message in self.model.ins.items()
            if message.status is InStatus.PENDING and (not of_live or message.session in self.model.live)
        ]

    def sending(self) -> list[str]:
        """Messages out that are on their way."""
        return [row for row, out in self.model.outs.items() if out.state is LedgerState.SENDING]

    @rule(number=st.integers(1, 6), room=st.sampled_from([*ROOMS, "nowhere"]))
    def accept(self, number: int, room: str) -> None:
        before = self.world.conn.serialize("main")
        verdict = self.world.accept(said(number, room=room))
        if number in self.said:
            first = self.said[number]
            waiting = [
                message.session
                for row, message in self.model.ins.items()
                if row.startswith(f"{first.event}:") and message.status is InStatus.PENDING
            ]
            assert isinstance(verdict, events.Duplicate)
            assert verdict.event == first.event
            assert sorted(verdict.sessions) == sorted(waiting)
            assert self.world.conn.serialize("main") == before
            return
        self.said[number] = verdict
        self.model.events += 1
        self.model.drops += room not in ROOMS
        for name in ROOMS.get(room, ()):
            row = f"{verdict.event}:agt-{name}"
            self.model.add_in(row, self.sessions[room, name], trigger=True, room=room)

    @rule(which=ANY)
    def start(self, which: int) -> None:
        session = self.pick(list(self.sessions.values()), which)
        if session not in self.model.live:
            number = self.world.epoch(session)
            assert number == self.model.epochs.get(session, 0) + 1
            self.model.epochs[session] = number
            self.model.live.add(session)

    @precondition(lambda self: self.pending(of_live=True))
    @rule(which=ANY)
    def claim(self, which: int) -> None:
        row = self.pick(self.pending(of_live=True), which)
        message = self.model.ins[row]
        epoch = self.model.epochs[message.session]
        inbound.claim(self.world.conn, InboundId(row), EpochNumber(epoch), now=self.world.now)
        message.epoch = epoch

    @precondition(lambda self: self.pending())
    @rule(which=ANY, fails=st.booleans())
    def settle(self, which: int, fails: bool) -> None:
        row = InboundId(self.pick(self.pending(), which))
        whole = self.world.row(row)
        for _ in range(2):  # the same ack is read again with every look
            inbound.settle(self.world.conn, row, error="no" if fails else None, now=self.world.now)
            if fails:
                notices.message_failed(self.world.conn, whole, "no", now=self.world.now)
        self.model.settle(row, InStatus.FAILED if fails else InStatus.COMPLETED)

    @precondition(lambda self: self.model.live)
    @rule(which=ANY, answers=ANY, gap=st.sampled_from([0, 0, 2, 8]), later=SECONDS)
    def reply(self, which: int, answers: int, gap: int, later: int) -> None:
        session = self.pick(sorted(self.model.live), which)
        room = next(room for (room, _), known in self.sessions.items() if known == session)
        asked = [row for row, message in self.model.ins.items() if message.session == session]
        seq = next_odd(self.model.highest(session)) + gap
        due = self.world.now + timedelta(seconds=later) if later else None
        row = self.world.reply(
            session,
            EpochNumber(self.model.epochs[session]),
            seq,
            answers=InboundId(self.pick(asked, answers)) if asked else None,
            to=Address(channel=CHANNEL, platform_id=room),
            not_before=due,
        )
        self.model.outs[row] = Out(session, seq, room, due=due)

    @precondition(lambda self: self.model.live)
    @rule(which=ANY, ending=st.sampled_from(EpochEnding), times=st.integers(1, 2))
    def close(self, which: int, ending: EpochEnding, times: int) -> None:
        session = self.pick(sorted(self.model.live), which)
        number = EpochNumber(self.model.epochs[session])
        for _ in range(times):
            close_epoch(self.world.conn, session, number, ending, "why", policy=POLICY, now=self.world.now)
        self.model.close(session, ending, self.world.now)

    @rule(room=st.sampled_from(sorted(ROOMS)))
    def take(self, room: str) -> None:
        expected = self.model.head(room, self.world.now)
        found = ledger.take(self.world.conn, Lane(CHANNEL, room), now=self.world.now)
        assert (found.row.id if isinstance(found, Head) else found) == expected
        if isinstance(expected, str):
            out = self.model.outs[expected]
            if out.state is LedgerState.PENDING and (out.due is None or out.due <= self.world.now):
                out.state, out.tried, out.attempts = LedgerState.SENDING, True, out.attempts + 1

    @precondition(lambda self: self.sending())
    @rule(which=ANY, pause=SECONDS, refund=st.booleans())
    def put_back(self, which: int, pause: int, refund: bool) -> None:
        row = self.pick(self.sending(), which)
        out = self.model.outs[row]
        out.due = self.world.now + timedelta(seconds=pause) if pause else None
        out.state, out.attempts = LedgerState.PENDING, out.attempts - refund
        why = "503" if pause else None
        ledger.put_back(self.world.conn, OutboundId(row), not_before=out.due, error=why, refund=refund)

    @precondition(lambda self: self.sending())
    @rule(which=ANY, state=st.sampled_from([LedgerState.DELIVERED, LedgerState.UNKNOWN, LedgerState.DEAD]))
    def decide(self, which: int, state: LedgerState) -> None:
        row = OutboundId(self.pick(self.sending(), which))
        whole = self.world.out(row)
        self.model.outs[row].state = state
        ledger.settle(self.world.conn, row, state, now=self.world.now)
        if state is not LedgerState.DELIVERED:
            notices.delivery_failed(self.world.conn, whole, state.value, "no", now=self.world.now)
            assert whole.session_id is not None
            self.model.add_in(f"note:{state.value}:{row}", whole.session_id, trigger=False, room=None)

    @rule(seconds=st.integers(1, 12))
    def wait(self, seconds: int) -> None:
        self.world.wait(seconds=seconds)

    @invariant()
    def the_rows_are_those_of_the_model(self) -> None:
        ins = fetch(self.world.conn, "SELECT * FROM inbound")
        outs = fetch(self.world.conn, "SELECT * FROM ledger ORDER BY position")
        assert {
            row["id"]: (row["session_id"], row["seq"], row["status"], row["tries"], row["claimed_epoch"]) for row in ins
        } == {
            row: (message.session, message.seq, message.status.value, message.tries, message.epoch)
            for row, message in self.model.ins.items()
        }
        assert {row["id"]: row["process_after"] for row in ins if row["process_after"] is not None} == {
            row: write_time(message.due) for row, message in self.model.ins.items() if message.due is not None
        }
        assert [
            (row["id"], row["session_id"], row["seq"], row["platform_id"], row["state"], row["attempts"])
            for row in outs
        ] == [
            (row, out.session, out.seq, out.room, out.state.value, out.attempts) for row, out in self.model.outs.items()
        ]

    @invariant()
    def every_session_and_every_lane_has_to_do_what_the_model_says(self) -> None:
        for session in self.sessions.values():
            assert inbound.work(self.world.conn, session, now=self.world.now) == self.model.work(
                session, self.world.now
            )
        for room in ROOMS:
            found = ledger.head(self.world.conn, Lane(CHANNEL, room), now=self.world.now)
            assert (found.row.id if isinstance(found, Head) else found) == self.model.head(room, self.world.now)
        assert set(ledger.lanes(self.world.conn)) == {
            Lane(CHANNEL, room) for room in ROOMS if self.model.open_outs(room)
        }

    @rule()
    def verify(self) -> None:
        assert figures(self.world.conn) == self.model.figures(agent_groups=2, sessions=3)
        assert verify(self.world.conn, NOWHERE, host=self.host, now=self.world.now) == []

    def teardown(self) -> None:
        self.verify()
        failed = {row for row, message in self.model.ins.items() if message.status is InStatus.FAILED and message.room}
        told = fetch(self.world.conn, "SELECT in_reply_to FROM ledger WHERE epoch IS NULL")
        noted = fetch(self.world.conn, "SELECT id FROM inbound WHERE id GLOB 'note:failed:*'")
        assert sorted(str(row["in_reply_to"]) for row in told) == sorted(failed)
        assert sorted(str(row["id"]) for row in noted) == sorted(f"note:failed:{row}" for row in failed)
        self.world.conn.close()


TestPipeline = PipelineMachine.TestCase
TestPipeline.settings = settings(stateful_step_count=30)
