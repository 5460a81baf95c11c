"""The plan is what the oracle says, for whatever is said, by whomever, wherever; and what follows from it."""

from __future__ import annotations

from copy import deepcopy

import attrs
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.listening import listening
from nanoclaw.core.plan import Accumulate, Drop, Gate, Outcome, Refuse, Wake
from nanoclaw.core.routing import Facts, plan
from nanoclaw.model.entities import MessagingGroup, Wiring
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.model.messages import InboundEvent
from schema.commands import parse
from tests.routing import oracle, strategies

WORDS = {Wake: "wake", Accumulate: "accumulate", Refuse: "refuse", Drop: "drop"}
SECRET = "kumquat-7"  # noqa: S105 - a word that no code says


def said(outcome: Outcome) -> oracle.Said:
    """An outcome in the oracle's words; a reason only where the pages give one."""
    engaged = outcome.steps[0].passed
    return oracle.Said(
        agent=outcome.wiring.agent_group_id,
        what=WORDS[type(outcome)],
        reason=outcome.reason if engaged and isinstance(outcome, Refuse | Drop) else None,
        session=outcome.session if isinstance(outcome, Wake | Accumulate) else None,
        told=isinstance(outcome, Refuse) and outcome.answer is not None,
        asked=isinstance(outcome, Refuse) and outcome.ask,
        engaged=engaged,
        broken=outcome.steps[0].fault,
    )


@given(strategies.events(), strategies.facts())
def test_the_plan_is_what_the_oracle_says(event: InboundEvent, facts: Facts) -> None:
    made, world = plan(event, facts), strategies.as_world(facts)
    expected = oracle.judge(event, world)
    assert [said(outcome) for outcome in made.outcomes] == expected
    assert [(record.agent_group_id, record.reason) for record in made.records] == oracle.reasons(event, world)
    assert made.subscribe == oracle.subscribes(event, world)
    assert (made.answer is not None) == any(one.told for one in expected)
    unheard = facts.chat is None or not facts.wirings
    assert made.silent == (unheard and not event.mention)
    assert made.register == (facts.chat is None and event.mention)
    asks: list[str | None] = [one.agent for one in expected if one.asked]
    if unheard and event.mention and not (facts.chat is not None and facts.chat.denied_at):
        asks = [None]  # the chat as a whole
    assert [ask.agent_group_id for ask in made.asks] == asks


@given(strategies.events(), strategies.facts())
def test_the_sessions_touched_are_those_that_wake_and_those_that_keep_and_none_twice(
    event: InboundEvent, facts: Facts
) -> None:
    made = plan(event, facts)
    assert len(made.outcomes) == len(facts.wirings if facts.chat else ())
    assert len(made.heard) == sum(isinstance(one, Wake | Accumulate) for one in made.outcomes)
    assert len({one.session for one in made.heard}) == len(made.heard)
    assert set(made.woken) <= set(made.heard)
    for one in made.heard:
        assert one.session.agent_group_id == one.wiring.agent_group_id
        assert one.existing == facts.sessions.get(one.session)


@given(strategies.events(), strategies.facts(), st.permutations(strategies.AGENTS))
def test_the_order_of_wirings_and_their_priority_change_nothing_but_the_order(
    event: InboundEvent, facts: Facts, order: list[AgentGroupId]
) -> None:
    made = plan(event, facts)
    shuffled = sorted(facts.wirings, key=lambda wiring: order.index(wiring.agent_group_id))
    flat = [attrs.evolve(wiring, priority=0) for wiring in shuffled]
    assert plan(event, attrs.evolve(facts, wirings=tuple(shuffled))) == made
    again = plan(event, attrs.evolve(facts, wirings=tuple(flat)))

    def by_agent(outcomes: tuple[Outcome, ...]) -> dict[str, oracle.Said]:
        return {one.wiring.agent_group_id: said(one) for one in outcomes}

    assert by_agent(again.outcomes) == by_agent(made.outcomes)
    assert set(again.asks) == set(made.asks)
    assert (again.subscribe, again.silent, again.register) == (made.subscribe, made.silent, made.register)
    assert (again.answer is None) == (made.answer is None)


@given(strategies.events(), strategies.facts())
def test_a_plan_is_a_function_of_its_inputs_and_leaves_them_alone(event: InboundEvent, facts: Facts) -> None:
    before = deepcopy(facts)
    assert plan(event, facts) == plan(event, facts)
    assert facts == before


@given(strategies.events(text=st.just(f"/clear {SECRET} deploy") | st.just(SECRET)), strategies.facts())
def test_a_plan_holds_nothing_of_what_was_said_nor_who_is_called_what(event: InboundEvent, facts: Facts) -> None:
    made = plan(attrs.evolve(event, sender=SECRET), facts)
    assert SECRET not in repr(made)


@given(strategies.events(), strategies.facts())
def test_nothing_wakes_that_did_not_pass_every_gate_and_every_refusal_names_the_gate_that_was_shut(
    event: InboundEvent, facts: Facts
) -> None:
    for one in plan(event, facts).outcomes:
        passed = [step.passed for step in one.steps]
        match one:
            case Wake():
                assert [step.gate for step in one.steps] == list(Gate)
                assert all(passed)
            case Accumulate():
                assert passed == [False, True, True]
            case Refuse(gate=gate):
                assert (one.steps[-1].gate, passed) == (gate, [True] * (len(passed) - 1) + [False])
            case Drop():
                assert not passed[0] or not passed[-1]


@given(strategies.texts)
def test_the_parser_reads_commands_as_the_oracle_does(text: str) -> None:
    found = parse(text)
    assert (None if found is None else found.name.removeprefix("/")) == oracle.command(text)


@given(strategies.events(), strategies.facts(), strategies.chats, strategies.wired(least=1))
def test_where_nobody_listens_a_plain_message_comes_to_nothing(
    event: InboundEvent, drawn: Facts, chat: MessagingGroup, wired: list[Wiring]
) -> None:
    for facts in (drawn, attrs.evolve(drawn, chat=chat, wirings=tuple(wired))):
        made = plan(attrs.evolve(event, mention=False), facts)
        came_to = made.heard or made.asks or made.answer or made.register or made.subscribe
        odd = {record.reason for record in made.records} - {"not-engaged"}
        ways = [(wiring.engage_mode, wiring.ignored_message_policy) for wiring in facts.wirings]
        how = listening(ways, waits=False)
        in_thread = facts.threaded and event.thread_id and facts.engaged
        assert how.always or (how.in_threads and in_thread) or not (came_to or odd)
