"""Which message an answer answers."""

from __future__ import annotations

from attrs import evolve

from runner.core.causes import Causes, causes_of
from schema.rows import Destination, DestinationType, MessageIn
from tests.runner.core.test_batch import row
from tests.runner.link import destination

PLACES = [
    destination("room"),
    destination("family"),
    Destination(name="bob", display_name="Bob", type=DestinationType.AGENT, agent_group_id="ag-1"),
]


def said(seq: int, channel: str | None, place: str | None, *, trigger: bool = True) -> MessageIn:
    return evolve(row(seq, trigger=trigger), channel_type=channel, platform_id=place)


def test_it_is_the_newest_that_asked_from_there() -> None:
    rows = [
        said(8, "c", "room"),
        said(2, "c", "room"),
        said(4, "c", "family"),
        said(6, "agent", "ag-1"),
        said(10, "c", "family", trigger=False),
    ]
    causes = causes_of(rows, PLACES)
    assert [causes.of(name) for name in ("room", "family", "bob")] == ["m8", "m4", "m6"]
    assert causes.newest == "m8"


def test_where_nothing_came_from_it_is_the_newest_of_all() -> None:
    causes = causes_of([said(2, "c", "room"), said(4, None, None)], PLACES)
    assert causes.of("family") == causes.of(None) == causes.of("nobody") == "m4"
    assert causes.of("room") == "m2"


def test_context_alone_asks_nothing() -> None:
    assert causes_of([said(2, "c", "room", trigger=False)], PLACES) == Causes()
    assert Causes().of("room") is None
