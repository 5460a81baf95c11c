"""Approvals under anything: asked, pressed by anybody, typed, expired, tampered with, done or not, in any order.

What they are about changes meanwhile, the host is restarted, and it dies in the midst of everything that it does.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from attrs import define
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from nanoclaw.actors.approving import Means, finish
from nanoclaw.core.approvals import LASTS
from nanoclaw.core.promises import Broken
from nanoclaw.errors import UsageError
from nanoclaw.model.approvals import Approval, ApprovalState, CardState
from nanoclaw.model.ids import AgentGroupId, ApprovalId, UserId
from nanoclaw.model.rights import Role
from nanoclaw.store import approvals, people
from nanoclaw.store.events import Decided
from nanoclaw.store.verify import verify
from schema.sqlite import Connection, execute, fetch, integer, scalar, transaction
from tests.routing.comparing import NOWHERE
from tests.support.approvals import carry_out_as
from tests.support.approvals_case import Case, Notes, payloads_of
from tests.support.central import everything, said
from tests.support.inline_database import InlineDatabase
from tests.support.sampling import WHOLE

pytestmark = pytest.mark.timeout(1_200)  # a soak has forty times as many lives

PEOPLE = {"boss": (Role.OWNER, None), "chief": (Role.ADMIN, "agt-nano"), "elsewhere": (Role.ADMIN, "agt-other")}
MAY = {"boss", "chief"}


class KilledError(BaseException):
    """The host is no more."""


@define
class CarefulNotes(Notes):
    """Writes down what was asked for while its agent was called as it is now; and may die of it."""

    dies: bool = False

    def execute(self, conn: Connection, approval: Approval, means: Means) -> str:
        """Do it, unless what it is about has changed since."""
        name = str(scalar(conn, "SELECT name FROM agent_groups WHERE id = 'agt-nano'"))
        if not str(payloads_of(approval)["what"]).endswith(f"for {name}"):
            raise UsageError("it has changed since")
        done = super().execute(conn, approval, means)
        if self.dies:
            raise KilledError
        return done


@define
class Expected:
    """What a naive person would say of one approval."""

    what: str
    called: str
    until: float
    state: str = "pending"
    tampered: bool = False


class Approvals(RuleBasedStateMachine):
    """The truth beside a naive model of it."""

    def __init__(self) -> None:
        super().__init__()
        self.notes = CarefulNotes()
        self.case = Case(kind=self.notes)
        self.called = "nano"
        self.case.world.agent("other")
        self.rights: set[str] = set()
        self.model: dict[ApprovalId, Expected] = {}
        self.number = 1_000
        self.asked = 0

    @initialize()
    def begin(self) -> None:
        for who in PEOPLE:
            self.grant(who)
        self.case.world.user("member")

    @rule(who=st.sampled_from(sorted(PEOPLE)))
    def grant(self, who: str) -> None:
        if who not in self.rights:
            self.case.grant(who, *PEOPLE[who])
            self.rights.add(who)

    @rule(who=st.sampled_from(sorted(PEOPLE)))
    def revoke(self, who: str) -> None:
        role, agent = PEOPLE[who]
        people.revoke(self.case.world.conn, UserId(f"test:{who}"), role, None if agent is None else AgentGroupId(agent))
        self.rights.discard(who)

    @rule(fails=st.booleans(), seconds=st.sampled_from([10, 100, 1_000]))
    def ask(self, *, fails: bool, seconds: int) -> None:
        self.asked += 1
        what = f"{'fail' if fails else f'thing {self.asked}'} for {self.called}"
        waiting = [one for one in self.model.values() if one.state == "pending"]
        same = [
            which for which, one in self.model.items() if one.what == what and one.state in {"pending", "executing"}
        ]
        try:
            which = self.case.ask(what, lasts=LASTS / LASTS.total_seconds() * seconds)
        except UsageError:
            refused = len(waiting) >= 5 or bool(same and self.model[same[0]].tampered)
            assert refused
            return
        if same:
            assert [which] == same
            return
        assert len(waiting) < 5
        self.model[which] = Expected(what, self.called, self.time + seconds)

    @property
    def time(self) -> float:
        return self.case.world.now.timestamp()

    @precondition(lambda self: self.model)
    @rule(data=st.data(), to=st.sampled_from(sorted(PEOPLE)))
    def send(self, data: Any, to: str) -> None:
        which = data.draw(st.sampled_from(sorted(self.model)))
        before = len(self.case.cards())
        waits = self.model[which].state == "pending" and self.time < self.model[which].until
        had = any(card.approval_id == which and card.state is CardState.OPEN for card in self.case.cards())
        if before == 0 and not waits:
            return
        self.case.send(which, f"test:{to}")
        assert len(self.case.cards()) == before + (waits and not had)

    @precondition(lambda self: self.case.cards())
    @rule(
        data=st.data(),
        by=st.sampled_from([*sorted(PEOPLE), "member", "stranger"]),
        label=st.sampled_from(["Approve", "Reject"]),
        way=st.sampled_from(["button", "other button", "typed", "number", "elsewhere"]),
    )
    def decide(self, data: Any, by: str, label: str, way: str) -> None:
        card = data.draw(st.sampled_from(self.case.cards()))
        expected = self.model[card.approval_id]
        self.number += 1
        name = by.title()
        match way:
            case "typed":
                event = said(
                    self.number, room=card.platform_id, sender=name, text=f"{label} {card.code}", is_group=False
                )
                verdict = self.case.world.accept(event)
            case "number":
                verdict = self.case.press(card, "1", by=name, number=self.number)
            case "elsewhere":
                verdict = self.case.press(card, self.case.tokens(card)[label], by=name, number=self.number, room="room")
            case "other button":
                other = data.draw(st.sampled_from(self.case.cards()))
                verdict = self.case.press(card, self.case.tokens(other)[label], by=name, number=self.number)
                way = "button" if other.id == card.id else way
            case _:
                verdict = self.case.press(card, self.case.tokens(card)[label], by=name, number=self.number)
        is_open = way != "typed" or card.state is CardState.OPEN
        entitled = by in self.rights & MAY
        in_time = expected.state == "pending" and self.time < expected.until
        counts = way in {"button", "typed"} and entitled and in_time and is_open
        assert isinstance(verdict, Decided) == counts
        if counts:
            expected.state = "executing" if label == "Approve" else "rejected"

    @precondition(lambda self: self.model)
    @rule(data=st.data(), yes=st.booleans())
    def decide_at_the_command_line(self, data: Any, *, yes: bool) -> None:
        which = data.draw(st.sampled_from(sorted(self.model)))
        approval = approvals.get(self.case.world.conn, which)
        assert approval is not None
        option = approvals.options_of(approval)[0 if yes else 1]
        operator = self.case.world.user("operator")
        with transaction(self.case.world.conn):
            done = approvals.decide(self.case.world.conn, which, option, by=operator, now=self.case.world.now)
        expected = self.model[which]
        assert (done is not None) == (expected.state == "pending" and self.time < expected.until)
        if done is not None:
            expected.state = "executing" if yes else "rejected"

    @rule(seconds=st.sampled_from([1, 9, 10, 90, 1_000]))
    def wait_and_sweep(self, seconds: int) -> None:
        self.case.world.wait(seconds=seconds)
        for which, expected in self.model.items():
            with transaction(self.case.world.conn):
                over = approvals.expire(self.case.world.conn, which, now=self.case.world.now)
            late = expected.state == "pending" and self.time >= expected.until
            assert (over is not None) == late
            if late:
                expected.state = "expired"

    @precondition(lambda self: any(one.state == "executing" for one in self.model.values()))
    @rule()
    def do_what_was_approved(self) -> None:
        carry_out_as(self.case.world, self.case.kind)
        for expected in self.model.values():
            if expected.state == "executing":
                fails = expected.tampered or expected.what.startswith("fail") or expected.called != self.called
                expected.state = "failed" if fails else "done"

    @rule(name=st.sampled_from(["nano", "nono"]))
    def change_what_it_is_about(self, name: str) -> None:
        execute(self.case.world.conn, "UPDATE agent_groups SET name = ? WHERE id = 'agt-nano'", (name,))
        self.called = name

    @rule()
    def restart(self) -> None:
        image = self.case.world.conn.serialize("main")
        self.case.store.close()
        self.case.store = InlineDatabase()
        self.case.store.conn.deserialize("main", image)
        self.case.world.conn = self.case.store.conn

    @precondition(lambda self: self.case.cards())
    @rule(data=st.data())
    def die_while_somebody_decides_or_it_is_done(self, data: Any) -> None:
        before = everything(self.case.world.conn)
        card = data.draw(st.sampled_from(self.case.cards()))
        with suppress(KilledError), transaction(self.case.world.conn):
            self.number += 1
            self.case.press(card, self.case.tokens(card)["Approve"], number=self.number)
            raise KilledError
        self.notes.dies = True
        for which in approvals.executing(self.case.world.conn):
            means = Means(now=self.case.world.now, mint=self.case.world.mint, threaded={})
            with suppress(KilledError, UsageError), transaction(self.case.world.conn):
                finish(self.case.world.conn, self.notes, which, means)
        self.notes.dies = False
        assert everything(self.case.world.conn) == before

    @precondition(lambda self: any(one.state in {"pending", "executing"} for one in self.model.values()))
    @rule(data=st.data())
    def tamper(self, data: Any) -> None:
        """Somebody changes what would be done, after it was shown."""
        waits = sorted(which for which, one in self.model.items() if one.state in {"pending", "executing"})
        which = data.draw(st.sampled_from(waits))
        execute(self.case.world.conn, 'UPDATE approvals SET payload = \'{"what": "evil"}\' WHERE id = ?', (which,))
        self.model[which].tampered = True

    @invariant()
    def everything_stands_as_it_should(self) -> None:
        conn = self.case.world.conn
        told = "\n".join(self.case.told())
        for which, expected in self.model.items():
            state, _ = self.case.state(which)
            assert state == expected.state
            is_over = state not in {"pending", "executing"}
            assert told.count(f"{which}, ") == is_over, "whoever asks is told of the end, once"
            cards = [card for card in self.case.cards() if card.approval_id == which]
            assert all((card.state is CardState.OVER) == is_over for card in cards)
            for card in cards:
                edits = integer(conn, "SELECT count(*) FROM ledger WHERE about = ?", (card.ledger_id,))
                assert edits == is_over, "its card says so, once"
            done = integer(conn, "SELECT count(*) FROM users WHERE id LIKE ?", (f"note:{which}:%",))
            assert done == (state == ApprovalState.DONE.value), "it is done if it is approved, and once"
        assert "evil" not in self.notes.done

    def teardown(self) -> None:
        found = verify(self.case.world.conn, NOWHERE, host=None, now=self.case.world.now)
        waits = {which for which, one in self.model.items() if one.tampered and one.state in {"pending", "executing"}}
        assert {(one.what, one.where) for one in found} == {(Broken.OTHER_PAYLOAD.value, which) for which in waits}
        # What is said in the chat of a card that is over is a stranger's, who is asked about in their turn.
        open_ones = "SELECT id FROM approvals WHERE state IN ('pending', 'executing')"
        kept = fetch(self.case.world.conn, f"SELECT 1 FROM kept_messages WHERE approval_id NOT IN ({open_ones})")
        assert kept == []
        self.case.store.close()


TestApprovals = Approvals.TestCase
TestApprovals.settings = settings(max_examples=1_000 if WHOLE else 25, stateful_step_count=30)
