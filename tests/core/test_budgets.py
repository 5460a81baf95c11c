"""Budgets: nothing passes once a limit is reached, whichever it is; and money is read and said as people do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.budgets import BadAmount, Budget, Period, Room, Spent, UsedUp, decide, read_dollars
from nanoclaw.core.model_usage import Counted
from nanoclaw.core.prices import DEAREST, BadPrices, Prices, read_prices

LIMITS = ("tokens_day", "tokens_month", "micros_day", "micros_month")
amounts = st.integers(0, 1_000)
limits = st.none() | st.integers(1, 1_000)


@given(st.tuples(*[limits] * 4), st.tuples(*[amounts] * 4))
def test_there_is_room_if_and_only_if_something_is_left_of_every_limit(
    most: tuple[int | None, ...], used: tuple[int, ...]
) -> None:
    verdict = decide(Budget(**dict(zip(LIMITS, most, strict=True))), Spent(**dict(zip(LIMITS, used, strict=True))))
    over = [limit is not None and spent >= limit for limit, spent in zip(most, used, strict=True)]
    assert isinstance(verdict, UsedUp) == any(over)
    if isinstance(verdict, UsedUp):
        assert verdict.period is (Period.MONTH if over[1] or over[3] else Period.DAY)


@given(st.integers(1, 500), st.lists(st.integers(1, 200), min_size=1, max_size=50))
def test_whoever_asks_on_and_on_goes_over_by_one_call_at_most(limit: int, calls: list[int]) -> None:
    spent, put = 0, 0
    for call in calls:
        if isinstance(decide(Budget(tokens_day=limit), Spent(tokens_day=spent)), Room):
            spent += call
            put += 1
    assert spent - calls[put - 1] < limit or put == 0
    assert put == len(calls) or spent >= limit


def test_what_is_used_up_is_said_with_how_much_and_until_when() -> None:
    day = decide(Budget(tokens_day=1_000), Spent(tokens_day=1_200))
    month = decide(Budget(micros_month=2_500_000), Spent(micros_month=2_500_000))
    assert isinstance(day, UsedUp)
    assert isinstance(month, UsedUp)
    assert day.why == (
        "the budget of this agent for today is used up (1,200 tokens of 1,000 tokens): "
        "it answers again tomorrow, or when its operator allows it more"
    )
    assert "for this month is used up ($2.50 of $2.50): it answers again next month" in month.why


@pytest.mark.parametrize(("text", "micros"), [("5", 5_000_000), ("2.50", 2_500_000), (" $0.000001 ", 1), ("0", 0)])
def test_dollars_are_read(text: str, micros: int) -> None:
    assert read_dollars(text) == micros


@pytest.mark.parametrize("text", ["", "five", "-1", "1e3", "nan", "1,50", "0.0000001", "9999999"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    assert isinstance(read_dollars(text), BadAmount)


@pytest.mark.parametrize(
    ("model", "micros"),
    [
        ("claude-opus-4-5-20251101", 5_000_000 + 25_000_000),
        ("claude-opus-4-1-20250805", 15_000_000 + 75_000_000),
        ("claude-sonnet-4-5-20250929", 6_000_000 + 22_500_000),
        ("claude-haiku-4-5-20251001", 1_000_000 + 5_000_000),
        ("claude-3-5-haiku-20241022", 800_000 + 4_000_000),
        ("claude-opus-5", 5_000_000 + 25_000_000),
        ("claude-opus-5-5", 4_000_000 + 20_000_000),
        ("claude-opus-4-20250514", 15_000_000 + 75_000_000),
        ("claude-sonnet-4-6[1m]", 3_000_000 + 15_000_000),
        ("claude-haiku-5-5", 500_000 + 2_500_000),
        ("claude-3-haiku-20240307", 250_000 + 1_250_000),
        ("claude-opus-6", 15_000_000 + 75_000_000),
        ("somebody-elses", 15_000_000 + 75_000_000),
    ],
)
def test_a_model_costs_its_list_price_and_one_that_is_not_known_the_dearest(model: str, micros: int) -> None:
    assert Prices().of(model).micros(Counted(read=1_000_000, written=1_000_000)) == micros


def test_a_call_that_reads_much_costs_more_where_its_maker_says_so() -> None:
    assert Prices().of("claude-sonnet-4-5").micros(Counted(read=200_000, written=1_000)) == 600_000 + 15_000
    assert Prices().of("claude-sonnet-4-5").micros(Counted(read=200_001, written=1_000)) == 1_200_006 + 22_500


def test_what_an_operator_says_of_prices_comes_first_the_longest_name_before_others() -> None:
    prices = read_prices("claude- 1 2, claude-opus-5 3 4.5,our/model 0 0")
    assert isinstance(prices, Prices)
    costs = [prices.of(name).micros(Counted(read=1_000_000, written=1_000_000)) for name in NAMES]
    assert costs == [3_000_000, 7_500_000, 0, 90_000_000]


NAMES = ("claude-haiku-4-5", "claude-opus-5-5", "our/model-2", "another")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("opus", "say a model"),
        ("opus 1", "say a model"),
        ("opus one 2", "not both numbers"),
        ("opus -1 2", "from 0"),
        ("opus nan 2", "from 0"),
        ("a 1 2, b 1 1e9", "from 0"),
    ],
)
def test_prices_that_are_none_are_refused_with_what_is_wrong(text: str, why: str) -> None:
    found = read_prices(text)
    assert isinstance(found, BadPrices)
    assert why in found.why


def test_the_cache_costs_a_tenth_to_read_and_a_quarter_more_to_fill_or_twice_for_an_hour() -> None:
    assert DEAREST.micros(Counted(read=1_000_000, stored=1_000_000, stored_long=1_000_000)) == 30_000_000
    assert DEAREST.micros(Counted(read=1_000_000, cached=1_000_000)) == 1_500_000
    assert DEAREST.micros(Counted(read=1_000_000, stored=1_000_000)) == 18_750_000
