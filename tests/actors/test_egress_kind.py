"""A host that was refused becomes one card, where that is set; what is on it is the rule that is made, and no more."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from attrs import define, field

from nanoclaw.actors.egress_kind import EgressKind, ask_about
from nanoclaw.core.approvals import ASKED_AGAIN_AFTER, REJECT
from nanoclaw.core.egress import Asked, Denied, Permitted, Verdict, judge_name
from nanoclaw.core.egress_asking import ALWAYS, MOST_AN_HOUR, ONCE, ONCE_LASTS
from nanoclaw.core.host_names import BadHost, read_place
from nanoclaw.model.approvals import Approval, ApprovalState
from nanoclaw.model.egress import EgressRule
from nanoclaw.model.entities import Session
from nanoclaw.model.ids import ApprovalId
from nanoclaw.store import approvals, egress
from nanoclaw.store.sessions import session_place
from schema.payloads import Option
from schema.sqlite import fetch, transaction
from tests.support.approvals import carry_out_as
from tests.support.central import World

PLACE = "pypi.org:443"


@define
class Case:
    """An agent about whose refusals people are asked."""

    world: World = field(factory=World)
    session: Session = field(init=False)

    def __attrs_post_init__(self) -> None:
        place = session_place(self.world.conn, self.world.session())
        assert place is not None
        self.session = place.session
        self.asking(on=True)

    def asking(self, *, on: bool) -> None:
        egress.set_asking(self.world.conn, self.session.agent_group_id, on=on, now=self.world.now)

    def refused(self, place: str = PLACE) -> ApprovalId | None:
        with transaction(self.world.conn):
            return ask_about(self.world.conn, self.session, place, mint=self.world.mint, now=self.world.now)

    def decide(self, option: Option) -> Approval:
        (waits,) = [one for one in approvals.approvals(self.world.conn) if one.state is ApprovalState.PENDING]
        by, now = self.world.user("boss"), self.world.wait(seconds=1)
        assert approvals.decide(self.world.conn, waits.id, option, by=by, now=now) is not None
        carry_out_as(self.world, EgressKind())
        ended = approvals.get(self.world.conn, waits.id)
        assert ended is not None
        return ended

    def judged(self, text: str = PLACE) -> Verdict:
        place = read_place(text)
        assert not isinstance(place, BadHost)
        policy = egress.policy_of(self.world.conn, self.session.agent_group_id, now=self.world.now)
        return judge_name(policy, Asked(place=place))


@pytest.fixture
def case() -> Case:
    return Case()


def test_nobody_is_asked_unless_it_is_set(case: Case) -> None:
    case.asking(on=False)
    assert case.refused() is None
    denied = case.judged()
    assert isinstance(denied, Denied)
    assert "people are asked" not in denied.why


def test_one_card_is_open_for_a_host_and_the_refusal_says_so(case: Case) -> None:
    assert case.refused() is not None
    assert case.refused() is None
    assert case.refused("PyPI.org.:443") is None
    (waits,) = approvals.approvals(case.world.conn)
    assert "Host and port: “pypi.org:443”" in json.loads(waits.lines)
    denied = case.judged()
    assert isinstance(denied, Denied)
    assert "people are asked unless they said no already, and you will be told; or ask the operator" in denied.why


def test_always_makes_the_rule_on_the_card_and_no_other(case: Case) -> None:
    case.refused()
    assert case.decide(ALWAYS).result == "pypi.org:443 is allowed"
    (rule,) = egress.rules(case.world.conn, case.session.agent_group_id)
    assert (rule.said, rule.methods, rule.path, rule.near, rule.until) == (PLACE, "", "", False, None)
    assert isinstance(case.judged(), Permitted)
    for other in ("pypi.org:80", "x.pypi.org:443", "pypi.org.example:443"):
        assert isinstance(case.judged(other), Denied)
    told = [str(row["content"]) for row in fetch(case.world.conn, "SELECT content FROM inbound")]
    assert [text for text in told if "pypi.org:443 is allowed" in text]


def test_once_is_for_ten_minutes(case: Case) -> None:
    case.refused()
    case.decide(ONCE)
    assert isinstance(case.judged(), Permitted)
    case.world.wait(seconds=ONCE_LASTS.total_seconds())
    assert isinstance(case.judged(), Denied)
    assert case.refused() is not None
    case.decide(ALWAYS)
    assert isinstance(case.judged(), Permitted)


def test_a_no_holds_for_a_day(case: Case) -> None:
    case.refused()
    assert case.decide(REJECT).state is ApprovalState.REJECTED
    assert case.refused() is None
    case.world.wait(seconds=(ASKED_AGAIN_AFTER + timedelta(minutes=1)).total_seconds())
    assert case.refused() is not None


def test_no_more_cards_than_a_few_are_sent_in_an_hour(case: Case) -> None:
    for number in range(MOST_AN_HOUR):
        assert case.refused(f"a{number}.example:443") is not None
        case.decide(ALWAYS)
    assert case.refused("more.example:443") is None
    case.world.wait(seconds=3601)
    assert case.refused("more.example:443") is not None


def test_a_narrower_rule_of_the_operators_is_not_widened(case: Case) -> None:
    group, now = case.session.agent_group_id, case.world.now
    rule = EgressRule(agent_group_id=group, said="h.example:80", methods="GET", added_at=now)
    assert case.refused("h.example:80") is not None
    egress.allow(case.world.conn, rule)
    ended = case.decide(ALWAYS)
    assert ended.state is ApprovalState.FAILED
    assert egress.rules(case.world.conn, group) == (rule,)
    assert case.refused("h.example:80") is None
