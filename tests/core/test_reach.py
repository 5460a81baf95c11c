"""Who can reach whom, held against walking along every way there is."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.reach import Edge, Reach, reaches
from nanoclaw.model.ids import AgentGroupId

A, B, C, D = (AgentGroupId(name) for name in "abcd")


def test_a_ring_reaches_everybody_through_those_between() -> None:
    assert reaches([Edge(A, B), Edge(B, C), Edge(C, A)]) == [
        Reach(A, B, ()),
        Reach(A, C, (B,)),
        Reach(B, A, (C,)),
        Reach(B, C, ()),
        Reach(C, A, ()),
        Reach(C, B, (A,)),
    ]


def test_the_shortest_way_is_the_one_that_is_said() -> None:
    assert Reach(A, D, (B,)) in reaches([Edge(A, B), Edge(B, C), Edge(C, D), Edge(B, D)])


EDGES = st.lists(st.builds(Edge, st.sampled_from([A, B, C, D]), st.sampled_from([A, B, C, D])))


@given(EDGES)
def test_whoever_can_be_reached_is_and_each_step_of_the_way_is_allowed(edges: list[Edge]) -> None:
    closure = {(edge.source, edge.target) for edge in edges}
    for middle in (A, B, C, D):
        closure |= {(s, t) for s in (A, B, C, D) for t in (A, B, C, D) if {(s, middle), (middle, t)} <= closure}
    found = reaches(edges)
    assert {(reach.source, reach.target) for reach in found} == {(s, t) for s, t in closure if s != t}
    for reach in found:
        way = (reach.source, *reach.through, reach.target)
        assert len(set(way)) == len(way)
        assert {Edge(one, other) for one, other in pairwise(way)} <= set(edges)
