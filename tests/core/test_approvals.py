"""What people are shown of an approval, and whom to ask: pure rules, held against whatever may be in a request."""

from __future__ import annotations

import re
import unicodedata
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.approvals import (
    REJECT,
    YES_OR_NO,
    candidates,
    escaped,
    fault,
    field,
    fields,
    is_waited_for,
    meant,
    next_asked,
)
from nanoclaw.model.approvals import Needs, Shown
from nanoclaw.model.ids import AgentGroupId, ChannelName, RoleId, UserId
from nanoclaw.model.rights import Grant, Role
from schema.payloads import Option
from tests.support.central import NOW

WHO = [UserId(one) for one in "abcde"]
NANO, OTHER = AgentGroupId("agt-nano"), AgentGroupId("agt-other")


def grant(user: str, role: Role, agent: AgentGroupId | None = None, *, at: int = 0) -> Grant:
    return Grant(
        id=RoleId(f"{user}/{role.value}/{agent}"),
        user_id=UserId(user),
        role=role,
        agent_group_id=agent,
        granted_by=None,
        granted_at=NOW + timedelta(seconds=at),
    )


GRANTS = [
    grant("slack:owner", Role.OWNER),
    grant("test:owner", Role.OWNER, at=1),
    grant("slack:global", Role.ADMIN, at=2),
    grant("slack:late", Role.ADMIN, NANO, at=9),
    grant("slack:early", Role.ADMIN, NANO, at=3),
    grant("slack:elsewhere", Role.ADMIN, OTHER),
    grant("slack:owner", Role.ADMIN, NANO, at=10),
]


@pytest.mark.parametrize(
    ("agent", "needs", "channel", "asked"),
    [
        (NANO, Needs.ADMIN, None, ["early", "late", "owner", "global", "test:owner"]),
        (NANO, Needs.ADMIN, "test", ["test:owner", "early", "late", "owner", "global"]),
        (NANO, Needs.GLOBAL_ADMIN, None, ["global", "owner", "test:owner"]),
        (None, Needs.GLOBAL_ADMIN, "test", ["test:owner", "global", "owner"]),
    ],
)
def test_admins_of_the_agent_are_asked_first_then_those_of_all_then_owners_those_of_the_channel_before_others(
    agent: AgentGroupId | None, needs: Needs, channel: str | None, asked: list[str]
) -> None:
    found = candidates(GRANTS, agent, needs, None if channel is None else ChannelName(channel))
    assert list(found) == [name if ":" in name else f"slack:{name}" for name in asked]


@given(st.text())
def test_nothing_in_a_field_is_unseen_or_ends_its_quotes_and_nothing_is_lost(value: str) -> None:
    shown = escaped(value)
    assert not set(shown) & set('“”"`\n')
    assert all(unicodedata.category(sign)[0] != "C" for sign in shown)
    assert re.sub(r"\\u\{([0-9a-f]+)\}", lambda found: chr(int(found[1], 16)), shown) == value


@given(st.text(max_size=200), st.lists(st.text(max_size=20), max_size=5))
def test_a_line_of_fields_can_be_put_on_a_card_whatever_is_in_it(value: str, more: list[str]) -> None:
    assert fault(Shown("Title", (field("One", value), fields("More", more))), YES_OR_NO) is None


@pytest.mark.parametrize(
    ("shown", "options"),
    [
        (Shown("", ("a",)), YES_OR_NO),
        (Shown("Title", ()), YES_OR_NO),
        (Shown("Title", ("a\nApproved by: boss",)), YES_OR_NO),
        (Shown("Ti\u202etle", ("a",)), YES_OR_NO),
        (Shown("x" * 151, ("a",)), YES_OR_NO),
        (Shown("Title", ("x" * 3_001,)), YES_OR_NO),
        (Shown("Title", ("x" * 1_500, "y" * 1_500)), YES_OR_NO),
        (Shown("Title", ("a",)), (Option(label="Yes", value="yes"),)),
        (Shown("Title", ("a",)), (Option(label="reject", value="yes"), REJECT)),
    ],
)
def test_what_cannot_be_shown_whole_and_plain_is_refused(shown: Shown, options: tuple[Option, ...]) -> None:
    assert fault(shown, options) is not None


@given(st.text(max_size=30), st.sampled_from(YES_OR_NO))
def test_only_the_option_with_the_code_is_meant(typed: str, option: Option) -> None:
    assert meant(f" {option.label.upper()}  k7q2 ", YES_OR_NO, "k7q2") == option
    found = meant(typed, YES_OR_NO, "k7q2")
    assert found is None or " ".join(typed.split()).casefold() == f"{found.label.casefold()} k7q2"


@pytest.mark.parametrize(
    ("seconds", "arrived", "waited_for"), [(0, False, True), (29, False, True), (30, False, False), (9_999, True, True)]
)
def test_a_card_that_does_not_arrive_is_waited_for_half_a_minute(seconds: int, arrived: bool, waited_for: bool) -> None:
    assert is_waited_for(NOW, arrived=arrived, now=NOW + timedelta(seconds=seconds)) is waited_for


@given(
    st.permutations(WHO),
    st.sets(st.sampled_from("abcde")),
    st.sets(st.sampled_from("abcde")),
)
def test_nobody_is_asked_twice_and_those_who_are_not_reached_come_last_in_their_order(
    ordered: list[UserId], asked: set[UserId], unreached: set[UserId]
) -> None:
    found = next_asked(ordered, asked=asked, unreached=unreached)
    assert set(found) == set(ordered) - asked
    reached = [user for user in ordered if user not in unreached and user not in asked]
    assert list(found[: len(reached)]) == reached
    assert list(found[len(reached) :]) == [user for user in ordered if user in unreached and user not in asked]
