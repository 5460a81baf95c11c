"""Who may have what asked of the host: the lesser counts, and not too often."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.requests import (
    NOBODY,
    OF_AGENTS,
    OF_PEOPLE,
    RULES,
    Cause,
    Denied,
    Granted,
    Right,
    decide_request,
    name_fault,
)
from nanoclaw.model.rights import Standing
from nanoclaw.model.settings import AdminScope
from schema.requests import MOST_NAME

OWNER, MEMBER = Cause("Ada", Right.GLOBAL), Cause("Bob", Right.TALK)

CAUSES = st.lists(st.builds(Cause, st.sampled_from(["Ada", "Bob"]), st.sampled_from(Right)), max_size=4)


@given(st.sampled_from(sorted(RULES)), st.sampled_from(AdminScope), CAUSES, st.integers(0, 700))
def test_it_is_granted_if_everybody_has_the_right_and_there_is_room(
    action: str, scope: AdminScope, causes: list[Cause], lately: int
) -> None:
    rule = RULES[action]
    verdict = decide_request(action, scope=scope, causes=causes, lately=lately)
    least = min([OF_AGENTS[scope], *(cause.right for cause in causes or [NOBODY])])
    if lately < rule.an_hour and least >= rule.right:
        assert verdict == Granted(least)
    else:
        assert isinstance(verdict, Denied)
        assert verdict.too_often == (lately >= rule.an_hour)


def test_a_member_gets_nothing_from_an_owners_agent_that_an_owner_would() -> None:
    verdict = decide_request("create_agent", scope=AdminScope.GLOBAL, causes=[OWNER, MEMBER], lately=0)
    assert isinstance(verdict, Denied)
    assert "due to Bob" in verdict.why
    assert "the lesser counts" in verdict.why


def test_an_owner_gets_nothing_from_an_agent_that_may_not() -> None:
    verdict = decide_request("create_agent", scope=AdminScope.GROUP, causes=[OWNER], lately=0)
    assert isinstance(verdict, Denied)
    assert "whose admin scope is global, and this one's is group" in verdict.why


def test_a_turn_that_is_due_to_nobody_may_do_what_anybody_may() -> None:
    assert decide_request("schedule_task", scope=AdminScope.DISABLED, causes=[], lately=0) == Granted(Right.TALK)
    assert isinstance(decide_request("create_agent", scope=AdminScope.GLOBAL, causes=[], lately=0), Denied)


def test_every_scope_and_every_standing_has_its_right() -> None:
    assert OF_AGENTS.keys() == set(AdminScope)
    assert OF_PEOPLE.keys() == set(Standing)
    assert {one for one, right in OF_PEOPLE.items() if right is Right.GLOBAL} == {
        Standing.OWNER,
        Standing.GLOBAL_ADMIN,
    }


@pytest.mark.parametrize("name", ["Scout", "Old Scout 2", "Späher", "探", "x" * MOST_NAME])
def test_a_name_is_what_people_can_read_on_one_line(name: str) -> None:
    assert name_fault(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        "  ",
        " Scout",
        "Scout\nowner",
        "Scout  x",
        "Sc\u202eout",
        "Sc\u200bout",
        "\U000e0041",
        "a\0",
        "x" * 51,
        "NanoClaw",
    ],
)
def test_a_name_with_what_nobody_sees_or_that_is_the_hosts_is_none(name: str) -> None:
    assert name_fault(name)
