"""`nanoclaw budgets`: set, shown with what was taken, and taken away; and what was counted, added up."""

from __future__ import annotations

import pytest

from nanoclaw.core.model_usage import Counted
from nanoclaw.errors import UsageError
from nanoclaw.store import spending
from tests.support.desk import Desk

CALL = Counted(model="claude-sonnet-4-6", read=900_000, written=100_000)


def test_a_budget_is_set_shown_and_taken_away() -> None:
    desk = Desk()
    session = desk.world.session()
    row = desk.one("budgets set", group="nano", tokens_a_day=1_000_000, dollars_a_month="5")
    assert (row["tokens_today"], row["dollars_this_month"]) == ("0 of 1,000,000", "$0.0000 of $5.00")
    assert row["state"] == "within its budget"
    spending.add(desk.world.conn, session, CALL, local=desk.world.now)
    row = desk.one("budgets list")
    assert (row["tokens_today"], row["dollars_this_month"]) == ("1,000,000 of 1,000,000", "$4.20 of $5.00")
    assert "for today is used up" in str(row["state"])
    desk.do("budgets set", group="nano", tokens_a_day=0)
    assert desk.one("budgets list")["state"] == "within its budget"
    assert desk.do("budgets set", group="nano", dollars_a_month="0").said == "nano has no budget any more"
    assert desk.one("budgets list")["state"] == "no budget"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({}, "nothing to change"),
        ({"tokens_a_day": -1}, "--tokens-a-day"),
        ({"dollars_a_day": "much"}, "no amount of dollars"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: dict[str, object], why: str) -> None:
    desk = Desk()
    desk.world.session()
    with pytest.raises(UsageError, match=why):
        desk.do("budgets set", group="nano", **arguments)


def test_what_was_counted_is_added_up_by_agent_by_chat_and_by_day() -> None:
    desk = Desk()
    assert desk.do("usage list", by="day").said == "no call has passed the gateway yet"
    one, two = desk.world.session("ada", room="a"), desk.world.session("bob", room="b")
    for session, days in ((one, 0), (one, 1), (two, 1)):
        spending.add(desk.world.conn, session, CALL, local=desk.world.wait(seconds=days * 86_400))
    assert [(row["agent"], row["calls"], row["dollars"]) for row in desk.do("usage list", by="agent").rows] == [
        ("ada", 2, "8.4000"),
        ("bob", 1, "4.2000"),
    ]
    assert [(row["chat"], row["read"]) for row in desk.do("usage list", by="chat").rows] == [
        ("A", 1_800_000),
        ("B", 900_000),
    ]
    assert [row["day"] for row in desk.do("usage list", by="day").rows] == ["2026-04-16", "2026-04-17", "2026-04-18"]
    assert len(desk.do("usage list", by="day", days=1).rows) == 2
    with pytest.raises(UsageError, match="goes with --days only"):
        desk.do("usage list", by="day", group="ada")
