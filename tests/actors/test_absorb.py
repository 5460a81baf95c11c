"""Absorbing a report: whatever a runner writes, it speaks only as itself, only where it may, and each thing once."""

from __future__ import annotations

import pytest

from nanoclaw.actors.absorb import MOST_REACHED, MOST_STATE
from nanoclaw.link.report import AckRow, BadRow, StateRow
from nanoclaw.store import epochs
from nanoclaw.store.sessions import session_place
from schema.payloads import ChatOut, SystemOut
from schema.rows import CONTINUATION, REACHED, AckStatus, OutKind
from schema.sqlite import fetch
from tests.actors.absorbing import ROOM_LANE, Case, a_case, a_row
from tests.support.central import CHANNEL, NOW, everything


@pytest.fixture
def case() -> Case:
    return a_case()


def test_a_reply_goes_back_where_its_question_came_from(case: Case) -> None:
    assert case.absorb(rows=(a_row(),)).lanes == {ROOM_LANE}
    (row,) = case.ledger()
    assert (row["channel"], row["platform_id"], row["in_reply_to"]) == (CHANNEL, "room", "question")
    assert row["state"] == "pending"


def test_absorbing_the_same_report_again_changes_nothing(case: Case) -> None:
    said = {
        "rows": (a_row(1), a_row(2)),
        "acks": (AckRow(message_id="question", status=AckStatus.FAILED, error="tired"),),
        "bad": (BadRow(table="messages_out", rowid=9, reason="no", digest="d", id=None),),
        "states": (StateRow(key=f"{CONTINUATION}demo", value="x"),),
    }
    case.absorb(**said)
    before = everything(case.world.conn)
    case.absorb(**said)
    assert everything(case.world.conn) == before


def test_a_row_that_changes_after_it_was_read_is_dropped_and_the_first_stands(case: Case) -> None:
    case.absorb(rows=(a_row(1),))
    case.absorb(rows=(a_row(1, payload=ChatOut(text="something else")),))
    (row,) = case.ledger()
    assert "text 1" in str(row["content"])
    assert case.reasons() == ["rewritten"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"seq": 4}, "bad-seq"),
        ({"seq": -1}, "bad-seq"),
        ({"seq": 2**60 + 1}, "bad-seq"),
        ({"seq": 2**53 - 1}, "bad-seq"),
        ({"destination": "elsewhere"}, "unknown-destination"),
        ({"destination": "test:room"}, "unknown-destination"),
        ({"kind": OutKind.SYSTEM, "payload": SystemOut(action="fly")}, "unknown-request"),
        ({"kind": OutKind.SYSTEM, "payload": SystemOut(action="create_agent")}, "bad-request"),
    ],
)
def test_what_a_runner_may_not_ask_is_a_drop_with_its_reason(case: Case, words: dict[str, object], reason: str) -> None:
    absorbed = case.absorb(rows=(a_row(1, **words), a_row(2)))
    assert case.reasons() == [reason]
    assert [row["runner_id"] for row in case.ledger()] == ["out-2"], "the next row is taken all the same"
    assert absorbed.lanes == {ROOM_LANE}


def test_a_number_is_used_once_in_a_session(case: Case) -> None:
    case.absorb(rows=(a_row(1), a_row(2, seq=3)))
    assert case.reasons() == ["bad-seq"]
    assert len(case.ledger()) == 1


def test_answering_another_sessions_message_speaks_only_in_ones_own_chat(case: Case) -> None:
    case.absorb(rows=(a_row(1, in_reply_to="foreign"),))
    (row,) = case.ledger()
    assert (row["platform_id"], row["in_reply_to"]) == ("room", None)


def test_acks_settle_ones_own_messages_and_nobody_elses(case: Case) -> None:
    acks = tuple(
        AckRow(message_id=name, status=AckStatus.COMPLETED, error=None) for name in ("question", "foreign", "nothing")
    )
    assert case.absorb(acks=acks).changed
    assert case.world.row(case.question).status.value == "completed"
    assert case.world.row(case.foreign).status.value == "pending"


def test_a_claim_is_the_epochs_and_the_hosts_time(case: Case) -> None:
    fresh = case.world.message(case.place.session.id, "fresh")
    changed = case.absorb(acks=(AckRow(message_id="fresh", status=AckStatus.PROCESSING, error=None),)).changed
    row = case.world.row(fresh)
    assert (row.claimed_epoch, row.claimed_at, changed) == (case.epoch, NOW, False)


def test_a_failed_message_is_told_to_its_chat_in_the_hosts_words(case: Case) -> None:
    error = "bad\x1b[31m luck\u202e" + "!" * 5000
    absorbed = case.absorb(acks=(AckRow(message_id="question", status=AckStatus.FAILED, error=error),))
    (notice,) = case.ledger()
    assert absorbed.lanes == {ROOM_LANE}
    assert notice["epoch"] is None
    text = str(notice["content"])
    assert "could not answer" in text
    assert "\x1b" not in text
    assert len(text) < 600


def test_bad_rows_are_recorded_once_each(case: Case) -> None:
    bad = tuple(BadRow(table="messages_out", rowid=n, reason="no text", digest=f"d{n}", id=None) for n in range(3))
    case.absorb(bad=bad)
    case.absorb(bad=bad)
    assert case.reasons() == ["unreadable"] * 3


def test_only_continuations_of_bearable_size_outlive_an_epoch(case: Case) -> None:
    def saved() -> str:
        place = session_place(case.world.conn, case.place.session.id)
        assert place is not None
        return place.session.provider_state

    case.absorb(states=(StateRow(key="anything", value="x"),))
    assert saved() == "{}"
    case.absorb(states=(StateRow(key=f"{CONTINUATION}demo", value="7"), StateRow(key="other", value="x")))
    assert saved() == '{"continuation:demo": "7"}'
    case.absorb(states=(StateRow(key=f"{CONTINUATION}demo", value="7" * MOST_STATE),))
    assert saved() == '{"continuation:demo": "7"}'


def test_where_the_model_was_is_kept_with_what_was_settled_then_and_only_if_it_is_bearable(case: Case) -> None:
    def kept() -> list[tuple[str, str]]:
        rows = fetch(case.world.conn, "SELECT inbound_id, state FROM continuations ORDER BY inbound_id")
        return [(str(row["inbound_id"]), str(row["state"])) for row in rows]

    first, second, third = (case.world.message(case.place.session.id, f"m-{n}") for n in (1, 2, 3))
    done = [AckRow(message_id=one, status=AckStatus.COMPLETED, error=None) for one in (first, second, third)]
    case.absorb(acks=tuple(done[:1]), states=(StateRow(key=f"{REACHED}demo", value="s@1"),))
    case.absorb(acks=tuple(done[:2]), states=(StateRow(key=f"{REACHED}demo", value=""),))
    assert kept() == [("m-1", '{"continuation:demo": "s@1"}'), ("m-2", "{}")]
    case.absorb(acks=tuple(done), states=(StateRow(key=f"{REACHED}demo", value="7" * MOST_REACHED),))
    assert len(kept()) == 2


def test_the_cursor_never_goes_back(case: Case) -> None:
    case.absorb(cursor=7)
    case.absorb(cursor=3)
    live = epochs.live(case.world.conn, case.place.session.id)
    assert live is not None
    assert live.cursor == 7
