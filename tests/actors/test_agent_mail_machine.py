"""Agents that write whatever, to whomever, and forge what they can, against a naive post office."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from nanoclaw.core.agent_mail import MailPolicy
from nanoclaw.model.ids import InboundId, SessionId
from nanoclaw.model.messages import InboundRow
from nanoclaw.store import destinations, inbound
from tests.actors.mailing import Agents

NAMES = "abc"
AGENTS = st.sampled_from(NAMES)
POLICY = MailPolicy(most_hops=3, most_an_hour=4)
"""Small, so that a run meets them."""


class PostOffice(RuleBasedStateMachine):
    """Three agents; who may write to whom changes all the time."""

    @initialize()
    def open(self) -> None:
        self.post = Agents(policy=POLICY).agent(*NAMES)
        self.edges = {(source, to) for source in NAMES for to in NAMES if source != to}
        self.post.lets(*map("".join, sorted(self.edges)))
        self.carried: list[tuple[str, str, InboundRow]] = []
        self.asked = 0

    def sessions(self, name: str) -> list[SessionId]:
        """Those that an agent has, the room's first."""
        return [self.post.rooms[name], *{row.session_id for row in self.post.mail() if self.whose(row) == name}]

    def whose(self, row: InboundRow) -> str:
        place = next((name for name, room in self.post.rooms.items() if room == row.session_id), None)
        return place or next(name for name in NAMES if self.has_own(name) and self.post.own(name) == row.session_id)

    def has_own(self, name: str) -> bool:
        sql = "SELECT 1 FROM sessions WHERE agent_group_id = ? AND messaging_group_id IS NULL"
        return bool(self.post.world.conn.execute(sql, (f"agt-{name}",)).fetchall())

    @rule(source=AGENTS, to=AGENTS)
    def may(self, source: str, to: str) -> None:
        if source != to and (source, to) not in self.edges:
            self.post.lets(source + to)
            self.edges.add((source, to))

    @rule(source=AGENTS, to=AGENTS)
    def may_not(self, source: str, to: str) -> None:
        if (source, to) in self.edges:
            destinations.remove(self.post.world.conn, self.post.agents[source].id, to)
            self.edges.remove((source, to))

    @rule(minutes=st.integers(1, 40))
    def wait(self, minutes: int) -> None:
        self.post.world.wait(seconds=60 * minutes)

    @rule(name=AGENTS)
    def a_person_asks(self, name: str) -> None:
        self.asked += 1
        self.post.asked(self.post.rooms[name], f"q{self.asked}")

    @rule(
        source=AGENTS,
        to=AGENTS,
        own=st.integers(0, 2),
        answers=st.none() | st.integers(0, 8),
        at_it=st.booleans(),
        settles=st.booleans(),
    )
    def writes(self, source: str, to: str, own: int, answers: int | None, at_it: bool, settles: bool) -> None:
        """It names any message as what it answers: one of its own, of others, or none."""
        post = self.post
        there = self.sessions(source)
        session = there[own % len(there)]
        known = post.mail()
        named = known[-1 - answers % len(known)] if known and answers is not None else None
        mine = named is not None and named.session_id == session
        if named is not None and mine and at_it and named.status.value == "pending":
            post.at(named.id)
        hops, lately = self.hops(session, named, settles=settles), self.lately(source, to)
        may = (source, to) in self.edges and lately < POLICY.most_an_hour and hops <= POLICY.most_hops
        absorbed = post.say(session, to, answers=None if named is None else named.id, settles=settles)
        new = post.mail()[len(known) :]
        assert [row.session_id for row in new] == list(absorbed.woken)
        assert [(row.source_session_id, row.hops) for row in new] == ([(session, hops)] if may else [])
        self.carried += [(source, to, row) for row in new]
        if named is not None and mine and named.platform_id == f"agt-{to}":
            assert {row.session_id for row in new} <= {named.source_session_id}, "an answer goes to who asked"

    def hops(self, session: SessionId, named: InboundRow | None, *, settles: bool) -> int:
        """How far the next message out of *session* would be that says that it answers *named*."""
        world = self.post.world
        pending = [row for row in inbound.open_rows(world.conn, session) if row.trigger]
        at_work = [
            row
            for row in pending
            if row.claimed_epoch is not None or (settles and named is not None and row.id == named.id)
        ]
        if named is not None and named.id in {row.id for row in at_work}:
            return named.hops + 1
        since = world.now - timedelta(hours=1)
        came = [row for row in self.post.mail(session) if row.timestamp > since]
        return 1 + max((row.hops for row in at_work or came), default=0)

    def lately(self, source: str, to: str) -> int:
        since = self.post.world.now - timedelta(hours=1)
        return sum((s, t) == (source, to) and row.timestamp > since for s, t, row in self.carried)

    @rule(number=st.integers(0, 30))
    def is_done(self, number: int) -> None:
        rows = self.post.mail()
        if rows:
            inbound.settle(
                self.post.world.conn, InboundId(rows[number % len(rows)].id), error=None, now=self.post.world.now
            )

    @invariant()
    def nobody_goes_too_far(self) -> None:
        if not hasattr(self, "post"):
            return
        rows = self.post.mail()
        assert all(1 <= row.hops <= POLICY.most_hops for row in rows)
        assert [row.id for row in rows] == [row.id for _, _, row in self.carried]
        assert max(Counter(row.id for row in rows).values(), default=1) == 1
        for _, target, row in self.carried:
            assert self.whose(row) == target, "it is a session of whom it is for"


TestPostOffice = PostOffice.TestCase
