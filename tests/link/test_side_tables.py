"""Drafts and usage, as customs reads them: the newest, within bounds, and with the same suspicion as all else."""

from __future__ import annotations

import pytest

from nanoclaw.link.fields import MOST_DRAFT
from nanoclaw.link.report import UsageRow
from nanoclaw.link.tables import MOST_DRAFTS
from schema.progress import MOST_USAGE, Draft, Usage
from schema.rows import bindings, insert_sql
from schema.sqlite import Connection, Value, execute
from tests.link.outbox import NOON, TextBytes, forged, outbox, report


def used(seq: int, **changes: Value) -> tuple[str, dict[str, Value]]:
    return "usage", {"seq": seq, "model": "m", "read": 10 * seq, "written": seq, "cached": 0, **changes}


def test_what_an_honest_runner_writes_comes_through() -> None:
    def build(conn: Connection) -> None:
        draft = Draft(
            reply="r1", destination="friends", in_reply_to="in-1", text="Once upon", tool="Bash", updated_at=NOON
        )
        execute(conn, insert_sql("drafts", Draft), bindings(draft))
        spent = Usage(seq=1, at=NOON, model="opus", read=1_000, written=20, cached=900, cost_usd=0.0125)
        execute(conn, insert_sql("usage", Usage), bindings(spent))
        execute(conn, insert_sql("usage", Usage), bindings(Usage(seq=2, at=NOON, model=None, read=1, written=1)))

    found = report(outbox(build))
    assert [(row.reply, row.destination, row.text, row.tool) for row in found.drafts] == [
        ("r1", "friends", "Once upon", "Bash")
    ]
    assert found.usage == (
        UsageRow(seq=1, model="opus", read=1_000, written=20, cached=900, cost_usd=0.0125),
        UsageRow(seq=2, model=None, read=1, written=1, cached=0, cost_usd=None),
    )
    assert found.bad == ()


def test_the_newest_are_read_and_the_oldest_of_them_comes_first() -> None:
    many = report(forged(used(n) for n in range(1, MOST_USAGE + 51)))
    assert [row.seq for row in many.usage] == list(range(51, MOST_USAGE + 51))
    drafts = report(forged(("drafts", {"reply": f"r{n}", "text": "x"}) for n in range(MOST_DRAFTS + 3)))
    assert [row.reply for row in drafts.drafts] == [f"r{n}" for n in range(3, MOST_DRAFTS + 3)]


def test_a_draft_is_cut() -> None:
    (draft,) = report(forged([("drafts", {"reply": "r", "text": "x" * 500_000})])).drafts
    assert draft.text == "x" * MOST_DRAFT


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"read": -1}, "read: not a count"),
        ({"read": "many"}, "read: not a count"),
        ({"read": 1.5}, "read: neither text nor a whole number"),
        ({"written": 2**53}, "written: not a count"),
        ({"cached": None}, "cached: not a count"),
        ({"model": "m" * 201}, "model: not 1 to 200 printable characters"),
        ({"cost_usd": "dear"}, "cost_usd: not what one result can cost"),
        ({"cost_usd": float("inf")}, "cost_usd: not what one result can cost"),
        ({"cost_usd": -0.1}, "cost_usd: not what one result can cost"),
        ({"cost_usd": 1e12}, "cost_usd: not what one result can cost"),
        ({"cost_usd": b"0.1"}, "cost_usd: neither text nor a whole number"),
    ],
)
def test_usage_that_is_none_costs_its_row_alone(changes: dict[str, Value], reason: str) -> None:
    found = report(forged([used(1), used(2, **changes), used(3)]))
    assert [row.seq for row in found.usage] == [1, 3]
    assert [(bad.table, bad.rowid, bad.reason) for bad in found.bad] == [("usage", 2, reason)]


@pytest.mark.parametrize(
    "changes", [{"text": None}, {"text": TextBytes(b"\xff")}, {"destination": 1}, {"tool": "\x1b[2J"}, {"reply": ""}]
)
def test_a_draft_that_is_none_is_a_bad_row(changes: dict[str, Value]) -> None:
    found = report(forged([("drafts", {"reply": "r", "text": "x", **changes})]))
    assert found.drafts == ()
    assert [bad.table for bad in found.bad] == ["drafts"]
