"""Rows one by one: what is wrong with one never hides another."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from nanoclaw.link.report import BadRow, Report
from nanoclaw.link.tables import MOST_STATES
from schema.payloads import ChatOut
from schema.sqlite import Value
from tests.link.outbox import HELLO, NOON, TextBytes, forged, ids, message, read, report

BAD: dict[str, tuple[dict[str, Value], str | None]] = {
    "no id": ({"id": None}, "id: not text"),
    "a blob as id": ({"id": b"m2"}, "id: neither text nor a whole number"),
    "a number as id": ({"id": 2}, "id: not text"),
    "a real as id": ({"id": 2.5}, "id: neither text nor a whole number"),
    "an empty id": ({"id": ""}, "id: not 1 to 200 printable characters"),
    "a long id": ({"id": "m" * 201}, "id: not 1 to 200 printable characters"),
    "a very long id": ({"id": "m" * (4 << 20)}, "id: longer than 1048576 bytes"),
    "a NUL in the id": ({"id": "m\0"}, "id: not 1 to 200 printable characters"),
    "an id that turns the line": ({"id": "m\u202e2"}, "id: not 1 to 200 printable characters"),
    "a path as id": ({"id": "../m2"}, "id: could be taken for a path"),
    "a folder as id": ({"id": ".."}, "id: could be taken for a path"),
    "an id that is not UTF-8": ({"id": TextBytes(b"m\xff")}, "id: not UTF-8"),
    "half a surrogate": ({"id": TextBytes(b"m\xed\xa0\x80")}, "id: not UTF-8"),
    "no seq": ({"seq": None}, "seq: not a number that a runner gives"),
    "text as seq": ({"seq": "three"}, "seq: not a number that a runner gives"),
    "an even seq": ({"seq": 4}, "seq: not a number that a runner gives"),
    "a negative seq": ({"seq": -3}, "seq: not a number that a runner gives"),
    "a seq that JSON cannot hold": ({"seq": 2**53 + 1}, "seq: not a number that a runner gives"),
    "the largest seq": ({"seq": 2**63 - 1}, "seq: not a number that a runner gives"),
    "a real as seq": ({"seq": 3.5}, "seq: neither text nor a whole number"),
    "a blob as seq": ({"seq": b"3"}, "seq: neither text nor a whole number"),
    "an unknown kind": ({"kind": "fax"}, "kind: none of those there are"),
    "no kind": ({"kind": None}, "kind: none of those there are"),
    "no time": ({"timestamp": None}, "timestamp: not text"),
    "not a time": ({"timestamp": "yesterday"}, "timestamp: not a time"),
    "a time without end": ({"timestamp": "2026-11-22T12:00:00." + "0" * 100}, "timestamp: not a time"),
    "before the first year": ({"timestamp": "0001-01-01T00:00:00+23:00"}, "timestamp: not a time"),
    "not a time to wait for": ({"deliver_after": "2026-13-01"}, "deliver_after: not a time"),
    "a number as destination": ({"destination": 1}, "destination: not text"),
    "a long destination": ({"destination": "d" * 201}, "destination: not 1 to 200 printable characters"),
    "a blob as what it answers": ({"in_reply_to": b""}, "in_reply_to: neither text nor a whole number"),
    "no content": ({"content": None}, "content: not text"),
    "a blob as content": ({"content": HELLO.encode()}, "content: neither text nor a whole number"),
    "long content": ({"content": '"' + "x" * (1 << 20) + '"'}, "content: longer than 1048576 bytes"),
    "content that is not JSON": ({"content": "hello"}, "content: not JSON at character 0"),
    "content that is not an object": ({"content": "[]"}, "content: not a JSON object"),
    "deep content": ({"content": "[" * 100_000}, "content: nested deeper than 32"),
    "a number without end": ({"content": '{"text": ' + "9" * 5_000 + "}"}, "content: a number of more than 25 digits"),
    "NaN": ({"content": '{"text": NaN}'}, "content: NaN and Infinity are not JSON"),
    "an endless number": ({"content": '{"text": 1e999}'}, "content: a number too large"),
    "a key twice": ({"content": '{"text": "a", "text": "b"}'}, "content: a key is given twice"),
    "half a pair": ({"content": r'{"text": "\ud800"}'}, "content: half of a surrogate pair"),
    "a million keys": (
        {"content": "{" + ",".join(f'"{n}":1' for n in range(90_000)) + "}"},
        "content: required field missing @ $.text; unknown field @ $",
    ),
    "a field too many": ({"content": '{"text": "a", "x": 1}'}, "content: unknown field @ $"),
    "a number as text": ({"content": '{"text": 1}'}, None),
    "no text at all": ({"content": '{"text": ""}'}, None),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_row_is_a_dead_letter_and_its_neighbours_are_not(name: str) -> None:
    changes, reason = BAD[name]
    found = report(forged([message(1), message(2, **changes), message(3)]))
    assert ids(found) == ["m1", "m3"]
    (bad,) = found.bad
    assert (bad.table, bad.rowid) == ("messages_out", 2)
    assert reason is None or bad.reason == reason
    assert bad.id == (None if "id" in changes else "m2")
    assert found.cursor == 3
    assert not found.more


def test_fifty_good_and_fifty_bad_rows_are_told_apart() -> None:
    poison = [changes for changes, _ in BAD.values() if not changes.keys() & {"id", "seq"}]
    rows = [message(n, **(poison[n // 2 % len(poison)] if n % 2 else {})) for n in range(1, 101)]
    found = report(forged(rows))
    more = report(forged(rows), after=found.cursor)
    assert ids(found) + ids(more) == [f"m{n}" for n in range(2, 101, 2)]
    assert [bad.id for bad in found.bad + more.bad] == [f"m{n}" for n in range(1, 101, 2)]
    assert (more.cursor, more.more) == (100, False)


def test_the_digest_of_a_bad_row_tells_it_from_others() -> None:
    one = report(forged([message(1, kind="fax")])).bad[0]
    same = report(forged([message(1, kind="fax")])).bad[0]
    other = report(forged([message(1, kind="faX")])).bad[0]
    blob = report(forged([message(1, kind=b"fax")])).bad[0]
    assert one == same
    assert len({one.digest, other.digest, blob.digest}) == 3
    assert len(one.digest) == 64


def test_reasons_quote_nothing_of_the_row() -> None:
    words = "w0rds"
    for column in ("id", "timestamp", "kind", "deliver_after", "destination", "in_reply_to", "content"):
        found = report(forged([message(1, **{column: f"/{words}\n"})]))
        assert all(words not in bad.reason for bad in found.bad)


def test_other_forms_of_a_time_are_the_same_instant() -> None:
    forms = ["2026-11-22 12:00:00", "2026-11-22T12:00:00Z", "2026-11-22T13:00:00+01:00", "2026-11-22T12:00:00.000Z"]
    found = report(forged([message(n, timestamp=form) for n, form in enumerate(forms, start=1)]))
    assert {row.timestamp for row in found.rows} == {NOON}


def test_a_message_can_wait_and_can_answer_nothing() -> None:
    (row,) = report(forged([message(1, deliver_after="2027-01-01 00:00:00")])).rows
    assert row.deliver_after == datetime(2027, 1, 1, tzinfo=UTC)
    assert (row.in_reply_to, row.destination) == (None, None)


def test_rows_before_the_first_rowid_are_the_runners_own_loss() -> None:
    found = report(forged([("messages_out", {"rowid": n - 2, **message(n)[1]}) for n in (1, 2, 3)]))
    assert ids(found) == ["m3"]


def test_the_largest_rowid_is_where_a_look_can_end() -> None:
    image = forged([message(1), ("messages_out", {"rowid": 2**63 - 1, **message(2)[1]})])
    found = report(image)
    assert (ids(found), found.cursor) == (["m1", "m2"], 2**63 - 1)
    assert ids(report(image, after=found.cursor)) == []


def test_bad_rows_of_the_other_tables_are_told_each_time() -> None:
    image = forged(
        [
            ("processing_ack", {"message_id": "in-1", "status": "done"}),
            ("processing_ack", {"message_id": None, "status": "failed"}),
            ("processing_ack", {"message_id": "in-2", "status": "failed", "error": TextBytes(b"\xff")}),
            ("processing_ack", {"message_id": "in-3", "status": "failed", "error": "e" * 5_000}),
            ("session_state", {"key": "k", "value": "v" * 65_537}),
            ("session_state", {"key": "", "value": "v"}),
            ("session_state", {"key": "good", "value": ""}),
            ("container_state", {"only": 1, "phase": "turn", "tool_declared_timeout_ms": -1}),
        ]
    )
    found = report(image)
    assert report(image) == found
    assert [(ack.message_id, len(ack.error or "")) for ack in found.acks] == [("in-3", 1_000)]
    assert [state.key for state in found.states] == ["good"]
    assert found.tool is None
    assert [(bad.table, bad.rowid, bad.id) for bad in found.bad] == [
        ("processing_ack", 1, "in-1"),
        ("processing_ack", 2, None),
        ("processing_ack", 3, "in-2"),
        ("session_state", 1, "k"),
        ("session_state", 2, None),
        ("container_state", 1, "turn"),
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"phase": "asleep"},
        {"current_tool": b"x"},
        {"tool_started_at": "soon"},
        {"tool_declared_timeout_ms": "long"},
        {"tool_declared_timeout_ms": 2**53},
    ],
)
def test_a_tool_that_is_none_is_a_bad_row(changes: dict[str, Value]) -> None:
    found = report(forged([("container_state", {"only": 1, "phase": "turn", **changes})]))
    assert found.tool is None
    assert isinstance(found.bad[0], BadRow)


def test_states_are_bounded_in_number_and_in_size() -> None:
    def states(count: int, value: str) -> bytes:
        return forged(("session_state", {"key": f"k{n}", "value": value}) for n in range(count))

    assert len(report(states(MOST_STATES, "v")).states) == MOST_STATES
    assert not isinstance(read(states(MOST_STATES + 1, "v")), Report)
    assert not isinstance(read(states(40, "v" * 65_000)), Report)


@pytest.mark.parametrize("escaped", [True, False])
def test_any_text_comes_through_as_it_is(*, escaped: bool) -> None:
    text = '\0\x1f\u2028\u202e\U0001f600 ñ \\ "'
    (row,) = report(forged([message(1, content=json.dumps({"text": text}, ensure_ascii=escaped))])).rows
    assert row.payload == ChatOut(text=text)
