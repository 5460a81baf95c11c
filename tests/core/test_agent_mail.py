"""To which session of another agent a message goes, and when agents have written enough."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.agent_mail import (
    MOST_BYTES,
    Candidate,
    Carry,
    Chain,
    Facts,
    Heard,
    MailPolicy,
    Stop,
    Way,
    chain_of,
    decide_mail,
    fault,
)
from nanoclaw.model.ids import AgentGroupId, InboundId, SessionId
from schema.rows import OutKind

POLICY = MailPolicy()
US, OTHER = AgentGroupId("us"), AgentGroupId("other")
ASKED, PEER, SHARED = SessionId("asked"), SessionId("peer"), SessionId("shared")
FACTS = Facts(
    target=US,
    asked=Candidate(ASKED, US),
    peer=Candidate(PEER, US),
    shared=SHARED,
    chain=Chain("first", 1),
    messages=0,
    files=0,
    size=0,
)


@pytest.mark.parametrize(
    ("facts", "carried"),
    [
        (FACTS, Carry(ASKED, Way.RETURN)),
        (evolve(FACTS, asked=None), Carry(PEER, Way.PEER)),
        (evolve(FACTS, asked=Candidate(ASKED, OTHER)), Carry(PEER, Way.PEER)),
        (evolve(FACTS, asked=None, peer=None), Carry(SHARED, Way.SHARED)),
        (evolve(FACTS, asked=None, peer=Candidate(PEER, OTHER)), Carry(SHARED, Way.SHARED)),
        (evolve(FACTS, asked=None, peer=None, shared=None), Carry(None, Way.SHARED)),
    ],
)
def test_it_goes_to_who_asked_else_to_the_other_side_else_to_the_agents_own(facts: Facts, carried: Carry) -> None:
    assert decide_mail(facts, POLICY) == carried


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (evolve(FACTS, chain=Chain("first", 8)), None),
        (evolve(FACTS, chain=Chain("first", 9)), "mail-loop"),
        (evolve(FACTS, messages=29), None),
        (evolve(FACTS, messages=30), "mail-flood"),
        (evolve(FACTS, size=MOST_BYTES), None),
        (evolve(FACTS, files=1, size=MOST_BYTES), "mail-flood"),
        (evolve(FACTS, files=2 * MOST_BYTES), None),
    ],
)
def test_agents_have_so_many_in_a_row_and_so_many_an_hour(facts: Facts, reason: str | None) -> None:
    verdict = decide_mail(facts, POLICY)
    assert (verdict.reason if isinstance(verdict, Stop) else None) == reason
    assert verdict.session == ASKED, "who would have had it is told of it"


def heard(name: str, hops: int, chain: str | None = None) -> Heard:
    """A message that a session was given."""
    return Heard(id=InboundId(name), hops=hops, chain=chain)


PERSONS, MAIL, FAR = heard("persons", 0), heard("mail", 3, "first"), heard("far", 7, "second")


@pytest.mark.parametrize(
    ("answered", "under_way", "lately", "chain"),
    [
        (None, [], [], Chain(None, 1)),
        ("persons", [PERSONS], [], Chain("persons", 1)),
        ("mail", [MAIL], [], Chain("first", 4)),
        ("persons", [PERSONS, FAR], [], Chain("persons", 1)),
        (None, [PERSONS, FAR], [], Chain("second", 8)),
        ("settled", [PERSONS, FAR], [], Chain("second", 8)),
        ("persons", [], [MAIL, FAR], Chain("second", 8)),
        (None, [PERSONS], [FAR], Chain("persons", 1)),
    ],
)
def test_a_message_is_due_to_what_it_answers_or_to_what_came_from_furthest(
    answered: str | None, under_way: list[Heard], lately: list[Heard], chain: Chain
) -> None:
    assert chain_of(None if answered is None else InboundId(answered), under_way, lately) == chain


HEARD = st.builds(heard, st.text("abc", min_size=1), st.integers(0, 20), st.none() | st.text("xyz", min_size=1))


@given(st.none() | st.text("abcd", min_size=1), st.lists(HEARD), st.lists(HEARD))
def test_nobody_begins_anew_by_what_they_say_that_they_answer(
    answered: str | None, under_way: list[Heard], lately: list[Heard]
) -> None:
    chain = chain_of(None if answered is None else InboundId(answered), under_way, lately)
    named = [one for one in under_way if one.id == answered]
    counted = named[:1] or under_way or lately
    assert chain.hops == 1 + max((one.hops for one in counted), default=0)
    assert (chain.first is None) == (not counted)


@pytest.mark.parametrize(("kind", "later"), [(kind, later) for kind in OutKind for later in (False, True)])
def test_agents_are_sent_text_and_files_at_once(kind: OutKind, later: bool) -> None:
    assert (fault(kind, for_later=later) is None) == (kind is OutKind.CHAT and not later)
