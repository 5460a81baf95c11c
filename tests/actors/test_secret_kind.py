"""A request goes on with a secret when people have said so: that one once, or all of its binding; and no other."""

from __future__ import annotations

import json
from datetime import timedelta

import attrs
import pytest
from attrs import define, field

from nanoclaw.actors.secret_kind import SecretKind, judge_bound
from nanoclaw.core.approvals import ASKED_AGAIN_AFTER, REJECT, YES_OR_NO
from nanoclaw.core.binding_asking import MOST_AN_HOUR, PASS_LASTS
from nanoclaw.model.approvals import Approval, ApprovalState
from nanoclaw.model.bindings import Asks, Binding, BoundRequest, BoundVerdict, Go, NeedsBody, Stay
from nanoclaw.model.entities import Session
from nanoclaw.store import approvals, bindings
from nanoclaw.store.bindings import give_back
from nanoclaw.store.sessions import session_place
from schema.sqlite import fetch, transaction
from tests.support.approvals import carry_out_as
from tests.support.central import World

REQUEST = BoundRequest(name="api", method="POST", path="/x?y=1", size=3, digest="abc")
APPROVE, _ = YES_OR_NO


@define
class Case:
    """An agent with a binding, and an owner who is asked."""

    world: World = field(factory=World)
    session: Session = field(init=False)

    def __attrs_post_init__(self) -> None:
        place = session_place(self.world.conn, self.world.session())
        assert place is not None
        self.session = place.session

    def bind(self, asks: Asks, place: str = "api.example:443") -> Binding:
        made = Binding(
            agent_group_id=self.session.agent_group_id,
            name="api",
            secret="API_TOKEN",  # noqa: S106 - its name
            place=place,
            header="Authorization",
            template="Bearer {}",
            asks=asks,
            added_at=self.world.now,
        )
        bindings.bind(self.world.conn, made)
        return made

    def put(self, request: BoundRequest = REQUEST) -> BoundVerdict:
        with transaction(self.world.conn):
            return judge_bound(self.world.conn, self.session, request, mint=self.world.mint, now=self.world.now)

    def decide(self, option: object = APPROVE) -> Approval:
        (waits,) = [one for one in approvals.approvals(self.world.conn) if one.state is ApprovalState.PENDING]
        by, now = self.world.user("boss"), self.world.wait(seconds=1)
        chosen = REJECT if option is REJECT else APPROVE
        assert approvals.decide(self.world.conn, waits.id, chosen, by=by, now=now) is not None
        carry_out_as(self.world, SecretKind())
        ended = approvals.get(self.world.conn, waits.id)
        assert ended is not None
        return ended


@pytest.fixture
def case() -> Case:
    case = Case()
    case.world.user("boss")
    return case


def stays(verdict: BoundVerdict) -> str:
    assert isinstance(verdict, Stay), verdict
    return verdict.why


def test_what_is_not_bound_to_this_agent_goes_nowhere(case: Case) -> None:
    assert "no binding api" in stays(case.put())


def test_a_binding_that_asks_nobody_goes_on_at_once_body_unread(case: Case) -> None:
    made = case.bind(Asks.NEVER)
    assert case.put(attrs.evolve(REQUEST, size=None, digest="")) == Go(made)
    assert approvals.approvals(case.world.conn) == []


def test_asked_about_each_time_that_very_request_goes_on_once(case: Case) -> None:
    made = case.bind(Asks.ALWAYS)
    assert case.put(attrs.evolve(REQUEST, size=None, digest="")) == NeedsBody()
    assert "A person has to let this request go on, and is asked now" in stays(case.put())
    assert "asked about this already" in stays(case.put())
    (waits,) = approvals.approvals(case.world.conn)
    lines = "\n".join(json.loads(waits.lines))
    for said in ("POST", "api.example:443", "/x?y=1", "3 bytes, SHA-256 abc", "api, which adds API_TOKEN as Author"):
        assert said in lines
    ended = case.decide()
    assert ended.state is ApprovalState.DONE
    assert "put the same request again before" in (ended.result or "")
    told = [str(row["content"]) for row in fetch(case.world.conn, "SELECT content FROM inbound")]
    assert [text for text in told if "put the same request again" in text]
    for change in ({"path": "/z"}, {"method": "GET"}, {"digest": "bcd"}, {"size": 4}):
        assert not isinstance(case.put(attrs.evolve(REQUEST, **change)), Go)
    went = case.put()
    assert isinstance(went, Go)
    assert (went.binding, went.used is not None) == (made, True)
    assert not isinstance(case.put(), Go)
    assert went.used is not None
    give_back(case.world.conn, [went.used])
    assert case.put() == went, "it had not gone out"
    assert not isinstance(case.put(), Go)


def test_an_agent_wears_nobody_out_by_asking_for_ever_new_things(case: Case) -> None:
    case.bind(Asks.ALWAYS)
    for number in range(MOST_AN_HOUR):
        assert "is asked now" in stays(case.put(attrs.evolve(REQUEST, path=f"/{number}")))
        case.decide(REJECT)
    assert "try later" in stays(case.put(attrs.evolve(REQUEST, path="/another")))
    case.world.wait(seconds=3600)
    assert "is asked now" in stays(case.put(attrs.evolve(REQUEST, path="/another")))


def test_what_was_let_through_and_not_used_is_over_after_a_while(case: Case) -> None:
    case.bind(Asks.ALWAYS)
    case.put()
    case.decide()
    case.world.wait(seconds=PASS_LASTS.total_seconds() + 1)
    assert isinstance(case.put(), Stay)


def test_asked_about_once_all_of_that_binding_is_open_until_it_is_bound_anew(case: Case) -> None:
    made = case.bind(Asks.FIRST)
    case.put()
    assert "asked about this already" in stays(case.put(attrs.evolve(REQUEST, path="/other")))
    case.decide()
    assert case.put(attrs.evolve(REQUEST, path="/other", size=None)) == Go(made)
    assert case.put() == Go(made)
    case.bind(Asks.FIRST)
    assert isinstance(case.put(), Stay)


def test_a_no_holds_for_a_day(case: Case) -> None:
    case.bind(Asks.ALWAYS)
    case.put()
    assert case.decide(REJECT).state is ApprovalState.REJECTED
    assert "Somebody has said no" in stays(case.put())
    case.world.wait(seconds=(ASKED_AGAIN_AFTER + timedelta(minutes=1)).total_seconds())
    assert "is asked now" in stays(case.put())


def test_approved_for_one_host_nothing_goes_to_another(case: Case) -> None:
    case.bind(Asks.ALWAYS)
    case.put()
    case.bind(Asks.ALWAYS, place="evil.example:443")
    ended = case.decide()
    assert (ended.state, "another one now" in (ended.result or "")) == (ApprovalState.FAILED, True)
    assert not isinstance(case.put(), Go)


def test_what_does_not_fit_on_a_card_is_said_not_to(case: Case) -> None:
    case.bind(Asks.ALWAYS)
    said = stays(case.put(attrs.evolve(REQUEST, path="/" + "x" * 20_000)))
    assert "too long to be shown whole" in said
