"""A link that is shown only what changed never differs from the truth, whatever is written between two looks."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from nanoclaw.core.retry import RetryPolicy
from nanoclaw.model.ids import AgentGroupId, EpochNumber, InboundId, OutboundId, SessionId
from nanoclaw.model.messages import EpochEnding, LedgerState
from nanoclaw.store import inbound, ledger, notices, projection, sessions
from nanoclaw.store.ending import close_epoch
from nanoclaw.store.ledger import Lane
from schema.rows import bindings
from schema.seq import next_odd
from schema.sqlite import Row, fetch, integer
from tests.support.central import ROOM, World

POLICY = RetryPolicy(most_tries=2)
ANY = st.integers(0, 1_000)
"""Picks one of however many there are."""
SIDES = st.integers(0, 1)

SHOWN_IN = (
    "SELECT id, seq, kind, timestamp, status, process_after, tries, trigger, platform_id, channel AS channel_type,"
    " thread_id, content, recurrence, series_id FROM inbound WHERE session_id = ?"
)
SHOWN_OUT = (
    "SELECT coalesce(runner_id, id) AS id, seq, platform_message_id, channel AS channel_type, platform_id, thread_id,"
    " settled_at AS delivered_at, CASE state WHEN 'dead' THEN 'failed' ELSE state END AS status"
    " FROM ledger WHERE session_id = ? AND state IN ('delivered', 'unknown', 'dead')"
)
NOT_YET = {"source_session_id": None, "on_wake": 0}
"""Columns of the link that nothing in the truth fills so far."""

pytestmark = pytest.mark.timeout(600)  # a failure is made small before it is shown, and that takes its time


class ProjectionMachine(RuleBasedStateMachine):
    """Two sessions side by side; each has a link of its own, which is a dict."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.sessions = [self.world.session("one", room="a"), self.world.session("two", room="b")]
        self.agents = [AgentGroupId("agt-one"), AgentGroupId("agt-two")]
        self.links: list[dict[str, Row]] = [{}, {}]
        self.last_truth: list[dict[str, Row]] = [{}, {}]
        self.ticks = [0, 0]
        self.said: list[tuple[int, InboundId]] = []
        self.live: dict[SessionId, EpochNumber] = {}
        self.written: list[set[str]] = [set(), set()]
        """What was written since a link's last look, as far as it may be shown."""

    def truth(self, side: int) -> dict[str, Row]:
        """All that a link may show, by a way of its own."""
        conn, session = self.world.conn, self.sessions[side]
        return {str(row["id"]): row for sql in (SHOWN_IN, SHOWN_OUT) for row in fetch(conn, sql, (session,))}

    @rule(side=SIDES, trigger=st.booleans())
    def say(self, side: int, trigger: bool) -> None:
        row = self.world.message(self.sessions[side], f"m{len(self.said)}", trigger=trigger)
        self.said.append((side, row))
        self.written[side].add(row)

    @rule(side=SIDES)
    def note(self, side: int) -> None:
        key = f"k{side}"
        notices.tell_agent(self.world.conn, self.sessions[side], key=key, action="a", text="t", now=self.world.now)
        self.written[side].add(f"note:{key}")

    @precondition(lambda self: self.said)
    @rule(which=ANY, error=st.none() | st.just("no"))
    def settle(self, which: int, error: str | None) -> None:
        side, row = self.said[which % len(self.said)]
        inbound.settle(self.world.conn, row, error=error, now=self.world.now)
        self.written[side].add(row)

    @precondition(lambda self: self.said)
    @rule(which=ANY)
    def claim(self, which: int) -> None:
        side, row = self.said[which % len(self.said)]
        session = self.sessions[side]
        if session not in self.live:
            self.live[session] = self.world.epoch(session)
        self.look(side)  # a runner claims only what it was shown
        inbound.claim(self.world.conn, row, self.live[session], now=self.world.now)

    @precondition(lambda self: self.live)
    @rule(which=ANY, ending=st.sampled_from(EpochEnding))
    def close(self, which: int, ending: EpochEnding) -> None:
        session = sorted(self.live)[which % len(self.live)]
        side = self.sessions.index(session)
        number = self.live.pop(session)
        claimed = fetch(
            self.world.conn, "SELECT id FROM inbound WHERE session_id = ? AND claimed_epoch = ?", (session, number)
        )
        close_epoch(self.world.conn, session, number, ending, "", policy=POLICY, now=self.world.now)
        for row in claimed:
            self.written[side] |= {str(row["id"]), f"note:failed:{row['id']!s}"}
        self.written[side].add(f"note:quarantined:{session}/{number}")

    @precondition(lambda self: self.live)
    @rule(side=SIDES)
    def reply(self, side: int) -> None:
        session = self.sessions[side]
        if session in self.live:
            highest = integer(self.world.conn, "SELECT max(coalesce((SELECT max(seq) FROM ledger), 0), 100)")
            self.world.reply(session, self.live[session], next_odd(highest))

    @rule(state=st.sampled_from([LedgerState.SENDING, LedgerState.DELIVERED, LedgerState.UNKNOWN, LedgerState.DEAD]))
    def deliver(self, state: LedgerState) -> None:
        found = ledger.take(self.world.conn, Lane(ROOM.channel, ROOM.platform_id), now=self.world.now)
        if not isinstance(found, ledger.Head) or state is LedgerState.SENDING:
            return
        row = OutboundId(found.row.id)
        ledger.settle(self.world.conn, row, state, platform_message_id="p", now=self.world.now)
        assert found.row.session_id is not None
        self.written[self.sessions.index(found.row.session_id)].add(found.row.runner_id or row)

    @rule(seconds=st.integers(1, 9))
    def wait(self, seconds: int) -> None:
        self.world.wait(seconds=seconds)

    @rule(side=SIDES)
    def look(self, side: int) -> None:
        place = sessions.session_place(self.world.conn, self.sessions[side])
        assert place is not None
        new = projection.changes(self.world.conn, place, EpochNumber(1), self.ticks[side])
        shown = self.show(side, new)
        truth = self.truth(side)
        changed = {row for row in truth if truth[row] != self.last_truth[side].get(row)}
        assert changed <= shown <= self.written[side]
        assert (not new.messages and not new.delivered) is (not shown)
        self.looked(side, new.tick)

    @rule(side=SIDES)
    def make_anew(self, side: int) -> None:
        session = self.sessions[side]
        place = sessions.session_place(self.world.conn, session)
        assert place is not None
        whole = projection.whole(self.world.conn, place, EpochNumber(1), timezone="UTC")
        self.links[side] = {}
        self.show(side, whole.changes)
        seqs = [
            row["seq"]
            for row in fetch(
                self.world.conn, "SELECT session_id, seq FROM inbound UNION ALL SELECT session_id, seq FROM ledger"
            )
            if row["session_id"] == session
        ]
        assert whole.meta.seq_floor == max((int(str(seq)) for seq in seqs), default=0)
        self.looked(side, whole.changes.tick)

    def show(self, side: int, new: projection.Changes) -> set[str]:
        """Write what is new into the link; returns the ids."""
        link, shown = self.links[side], []
        for message in new.messages:
            row = bindings(message)
            assert {column: row.pop(column) for column in NOT_YET} == NOT_YET
            link[message.id] = row
            shown.append(message.id)
        for delivered in new.delivered:
            row = bindings(delivered)
            row["id"] = row.pop("message_out_id")
            link[delivered.message_out_id] = row
            shown.append(delivered.message_out_id)
        assert len(shown) == len(set(shown))
        return set(shown)

    def looked(self, side: int, tick: int) -> None:
        """The link is up to date."""
        self.last_truth[side] = self.truth(side)
        assert self.links[side] == self.last_truth[side]
        assert tick >= self.ticks[side]
        self.ticks[side] = tick
        self.written[side] = set()

    def teardown(self) -> None:
        for side in (0, 1):
            self.look(side)
        self.world.conn.close()


TestProjection = ProjectionMachine.TestCase
TestProjection.settings = settings(stateful_step_count=30)
