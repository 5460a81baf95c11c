"""Rows as frozen values, and back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NewType

import pytest
from attrs import frozen
from cattrs import ClassValidationError, ForbiddenExtraKeysError
from hypothesis import given
from hypothesis import strategies as st

from schema import files
from schema.rows import (
    Delivered,
    DeliveredStatus,
    Destination,
    DestinationType,
    InKind,
    InStatus,
    MessageIn,
    MessageOut,
    Meta,
    OutKind,
    Routing,
    bindings,
    insert_sql,
    read_row,
    select,
    select_kept,
)
from schema.sqlite import IN_MEMORY, Row, connect, execute

WHEN = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda when: when.replace(microsecond=when.microsecond // 1000 * 1000)
)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
EVEN = st.integers(1, 2**40).map(lambda number: number * 2)
ODD = EVEN.map(lambda number: number + 1)

MESSAGES_IN = st.builds(
    MessageIn,
    id=TEXT,
    seq=EVEN,
    kind=st.sampled_from(InKind),
    timestamp=WHEN,
    status=st.sampled_from(InStatus),
    process_after=st.none() | WHEN,
    recurrence=st.none() | TEXT,
    series_id=st.none() | TEXT,
    tries=st.integers(0, 9),
    trigger=st.booleans(),
    platform_id=st.none() | TEXT,
    channel_type=st.none() | TEXT,
    thread_id=st.none() | TEXT,
    content=TEXT,
    source_session_id=st.none() | TEXT,
    on_wake=st.booleans(),
)
MESSAGES_OUT = st.builds(
    MessageOut,
    id=TEXT,
    seq=ODD,
    in_reply_to=st.none() | TEXT,
    timestamp=WHEN,
    deliver_after=st.none() | WHEN,
    kind=st.sampled_from(OutKind),
    destination=st.none() | TEXT,
    content=TEXT,
)
DELIVERED = st.builds(
    Delivered,
    message_out_id=TEXT,
    seq=EVEN | ODD,
    platform_message_id=st.none() | TEXT,
    status=st.sampled_from(DeliveredStatus),
    delivered_at=WHEN,
    channel_type=st.none() | TEXT,
    platform_id=st.none() | TEXT,
    thread_id=st.none() | TEXT,
)
DESTINATIONS = st.builds(
    Destination,
    name=TEXT,
    display_name=TEXT,
    type=st.sampled_from(DestinationType),
    channel_type=st.none() | TEXT,
    platform_id=st.none() | TEXT,
    agent_group_id=st.none() | TEXT,
)
SINGLE = {
    "session_routing": (Routing, Routing(channel_type="c", platform_id="p", thread_id=None)),
    "meta": (Meta, Meta(epoch=3, seq_floor=8, provider_state="{}", timezone="Europe/Berlin")),
}


@pytest.mark.parametrize(
    ("table", "values", "ddl"),
    [
        ("messages_in", MESSAGES_IN, files.inbound_ddl()),
        ("delivered", DELIVERED, files.inbound_ddl()),
        ("destinations", DESTINATIONS, files.inbound_ddl()),
        ("messages_out", MESSAGES_OUT, files.outbound_ddl()),
    ],
)
@given(data=st.data())
def test_a_row_comes_back_as_it_was(
    table: str,
    values: st.SearchStrategy[MessageIn | Delivered | Destination | MessageOut],
    ddl: str,
    data: st.DataObject,
) -> None:
    value = data.draw(values)
    conn = connect(IN_MEMORY)
    execute(conn, ddl)
    execute(conn, insert_sql(table, type(value)), bindings(value))
    assert select(conn, type(value), f"SELECT * FROM {table}") == [value]  # a constant above
    conn.close()


@pytest.mark.parametrize("table", SINGLE)
def test_the_row_of_a_table_of_one_row_is_replaced(table: str) -> None:
    cls, value = SINGLE[table]
    conn = connect(IN_MEMORY)
    execute(conn, files.inbound_ddl())
    names = ", ".join(bindings(value))
    for _ in range(2):
        execute(conn, insert_sql(table, cls, replace=True, single=True), bindings(value))
    assert select(conn, cls, f"SELECT {names} FROM {table}") == [value]  # constants above
    conn.close()


def test_an_upsert_replaces_the_row_of_the_same_key() -> None:
    conn = connect(IN_MEMORY)
    execute(conn, files.inbound_ddl())
    for display_name in ("Ada", "Ada L."):
        value = Destination(name="ada", display_name=display_name, type=DestinationType.CHANNEL)
        execute(conn, insert_sql("destinations", Destination, replace=True), bindings(value))
    assert [found.display_name for found in select(conn, Destination, "SELECT * FROM destinations")] == ["Ada L."]
    conn.close()


Name = NewType("Name", str)


@frozen
class Measured:
    """Has what no table of the link has."""

    id: Name
    seconds: float


GOOD: Row = {
    "id": "m",
    "seq": 2,
    "kind": "chat",
    "timestamp": "2026-04-16T14:37:00.000Z",
    "status": "pending",
    "content": "{}",
}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("id", None),
        ("id", 5),
        ("id", b"bytes"),
        ("content", None),
        ("seq", "2"),
        ("seq", 2.5),
        ("seq", None),
        ("kind", "gossip"),
        ("status", None),
        ("timestamp", None),
        ("timestamp", "2026-04-16 14:37:00"),
        ("process_after", 5),
        ("trigger", 2),
        ("trigger", "1"),
        ("thread_id", 7),
    ],
)
def test_a_value_that_its_column_cannot_hold_is_refused_with_the_name_of_the_column(column: str, value: object) -> None:
    with pytest.raises(ClassValidationError) as caught:
        read_row({**GOOD, column: value}, MessageIn)  # type: ignore[dict-item]  # also what no column can hold
    (inner,) = caught.value.exceptions
    assert f"attribute {column}" in str(inner.__notes__)


def test_a_column_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ClassValidationError) as caught:
        read_row({**GOOD, "colour": "red"}, MessageIn)
    assert isinstance(caught.value.exceptions[0], ForbiddenExtraKeysError)


def test_a_column_with_a_default_may_be_missing_and_any_other_may_not() -> None:
    assert read_row(GOOD, MessageIn) == MessageIn(
        id="m",
        seq=2,
        kind=InKind.CHAT,
        timestamp=datetime(2026, 4, 16, 14, 37, tzinfo=UTC),
        status=InStatus.PENDING,
        content="{}",
    )
    with pytest.raises(ClassValidationError):
        read_row({name: value for name, value in GOOD.items() if name != "content"}, MessageIn)


def test_ids_with_a_type_of_their_own_and_real_numbers_are_read_as_what_they_are() -> None:
    assert read_row({"id": "x", "seconds": 0.5}, Measured) == Measured(Name("x"), 0.5)
    for wrong in ({"id": None, "seconds": 0.5}, {"id": "x", "seconds": "0.5"}, {"id": "x", "seconds": None}):
        with pytest.raises(ClassValidationError):
            read_row({**wrong}, Measured)


def test_what_is_kept_of_a_row_is_never_shown_for_another() -> None:
    conn = connect(IN_MEMORY)
    execute(conn, files.inbound_ddl())
    ada = Destination(name="ada", display_name="Ada", type=DestinationType.CHANNEL, channel_type="t", platform_id="1")
    execute(conn, insert_sql("destinations", Destination), bindings(ada))
    first = select_kept(conn, Destination, "SELECT * FROM destinations")
    assert first == [ada]
    assert select_kept(conn, Destination, "SELECT * FROM destinations")[0] is first[0]
    execute(conn, "UPDATE destinations SET display_name = 'Ada L.'")
    assert select_kept(conn, Destination, "SELECT * FROM destinations") == select(
        conn, Destination, "SELECT * FROM destinations"
    )
    # The same values under other names are another row.
    turned = "SELECT name, display_name, type, channel_type AS platform_id, platform_id AS channel_type, agent_group_id"
    assert select_kept(conn, Destination, f"{turned} FROM destinations")[0].platform_id == "t"  # a constant above
