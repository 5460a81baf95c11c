"""The worker's answer, read by a host that believes none of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nanoclaw.link.answer import decode, encode
from nanoclaw.link.fields import FieldError
from nanoclaw.link.reader import read_file
from nanoclaw.link.report import DraftRow, Quarantine, Report, UsageRow
from nanoclaw.link.tables import MOST_ACKS, MOST_DRAFTS, MOST_ROWS
from schema.progress import MOST_USAGE
from tests.link.outbox import forged, message

GOOD = read_file(
    forged(
        [
            message(1),
            message(2, kind="fax"),
            message(3),
            ("processing_ack", {"message_id": "in-1", "status": "failed", "error": "why"}),
            ("session_state", {"key": "k", "value": "v"}),
            ("container_state", {"only": 1, "phase": "turn", "current_tool": "Bash", "tool_declared_timeout_ms": 5}),
            ("drafts", {"reply": "r1", "text": "so far"}),
            ("usage", {"seq": 1, "model": "m", "read": 5, "written": 2, "cached": 3, "cost_usd": 0.25}),
        ]
    ),
    None,
    0,
)


def answer(**changes: object) -> bytes:
    return encode({**json.loads(encode(GOOD)), **changes})


def changed(table: str, /, **changes: object) -> bytes:
    plain: dict[str, Any] = json.loads(encode(GOOD))
    plain[table][0].update(changes)
    return json.dumps(plain).encode()


def test_an_honest_answer_is_a_report() -> None:
    found = decode(answer(), 0)
    assert isinstance(found, Report)
    assert [row.id for row in found.rows] == ["m1", "m3"]
    assert [bad.rowid for bad in found.bad] == [2]
    assert (len(found.acks), len(found.states), found.cursor) == (1, 1, 3)
    assert found.tool is not None
    assert found.drafts == (DraftRow(reply="r1", destination=None, in_reply_to=None, text="so far", tool=None),)
    assert found.usage == (UsageRow(seq=1, model="m", read=5, written=2, cached=3, cost_usd=0.25),)


def test_a_quarantine_is_one() -> None:
    found = decode(encode({"quarantine": {"reason": "header", "detail": "not a database"}}), 0)
    assert found == Quarantine(reason="header", detail="not a database")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"quarantine": 1}',
        b'{"quarantine": {"reason": "x"}}',
        b'{"quarantine": {"reason": "x", "detail": "y", "more": "z"}}',
        b'{"quarantine": {"reason": "x", "detail": 1}}',
        b'{"quarantine": {"reason": "x", "detail": "two\\nlines"}}',
        b'{"quarantine": {"reason": "x", "detail": "' + b"y" * 301 + b'"}}',
        b"[" * 200_000,
        b"9" * 10_000,
        b'{"a": \xff}',
        b"\x80\x04]q\x00.",
    ],
)
def test_nonsense_is_refused(data: bytes) -> None:
    with pytest.raises(FieldError):
        decode(data, 0)


@pytest.mark.parametrize(
    "data",
    [
        answer(cursor="3"),
        answer(cursor=True),
        answer(cursor=2),
        answer(more=0),
        answer(more=None),
        answer(extra=1),
        answer(messages_out={}),
        answer(messages_out=[1]),
        answer(processing_ack=None),
        answer(bad=[{}]),
        answer(messages_out=json.loads(answer())["messages_out"][:1] * 2),
        answer(messages_out=json.loads(answer())["messages_out"][:1] * (MOST_ROWS + 1)),
        answer(processing_ack=json.loads(answer())["processing_ack"] * (MOST_ACKS + 1)),
        answer(container_state=json.loads(answer())["container_state"] * 2),
        changed("messages_out", rowid=0),
        changed("messages_out", rowid=7),
        changed("messages_out", rowid="1"),
        changed("messages_out", rowid=2**63),
        changed("messages_out", id=None),
        changed("messages_out", id="\ud800"),
        changed("messages_out", id="../x"),
        changed("messages_out", seq=2),
        changed("messages_out", seq=True),
        changed("messages_out", seq=1.0),
        changed("messages_out", kind="edit"),
        changed("messages_out", content="{}"),
        changed("messages_out", content={"text": "hello"}),
        changed("messages_out", timestamp="2026-11-22\ud80012:00:00"),
        changed("messages_out", extra=1),
        changed("processing_ack", status="done"),
        changed("processing_ack", error=1),
        changed("session_state", value=1),
        changed("session_state", key=""),
        changed("container_state", phase="asleep"),
        changed("container_state", tool_declared_timeout_ms=True),
        changed("container_state", tool_started_at=1),
        answer(drafts=json.loads(answer())["drafts"] * (MOST_DRAFTS + 1)),
        answer(usage=json.loads(answer())["usage"] * (MOST_USAGE + 1)),
        answer(usage=None),
        changed("drafts", text=None),
        changed("drafts", reply=""),
        changed("drafts", extra=1),
        changed("usage", seq=-1),
        changed("usage", seq=True),
        changed("usage", read=1.5),
        changed("usage", written=2**53),
        changed("usage", cached="3"),
        changed("usage", model=7),
        changed("usage", cost_usd=1),
        changed("usage", cost_usd="0.25"),
        changed("usage", cost_usd=-0.25),
        changed("usage", cost_usd=float("inf")),
        changed("usage", cost_usd=float("nan")),
        changed("bad", table="sqlite_master"),
        changed("bad", table=None),
        changed("bad", rowid=None),
        changed("bad", reason="two\nlines"),
        changed("bad", digest="x" * 64),
        changed("bad", digest="ab"),
        changed("bad", digest=None),
        changed("bad", id="../x"),
        changed("bad", id=1),
    ],
)
def test_an_answer_that_breaks_a_rule_is_refused(data: bytes) -> None:
    with pytest.raises(FieldError):
        decode(data, 0)


def test_rows_from_before_the_cursor_are_refused() -> None:
    assert isinstance(decode(answer(), 0), Report)
    with pytest.raises(FieldError):
        decode(answer(), 1)
