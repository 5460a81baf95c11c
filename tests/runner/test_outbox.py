"""What the runner says, and that it says it whole."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.core.doing import Tool, state_of
from runner.model import ContainerState, Reply
from runner.outbox import MOST_ERROR, Outbox
from schema import sqlite
from schema.files import OUTBOUND, outbound_ddl
from schema.progress import MOST_USAGE, Draft, Usage
from schema.rows import Phase
from schema.seq import is_runners
from schema.sqlite import Journal, SqliteError, Synchronous, execute
from schema.times import write_time
from tests.runner.link import NOW, Link

LATER = NOW + timedelta(seconds=3)


def reply(text: str, to: str | None = None) -> Reply:
    return Reply(destination=to, in_reply_to="m2", text=text)


def test_a_claim_says_what_is_claimed_and_that_a_turn_runs(link: Link, outbox: Outbox) -> None:
    outbox.claim(["m2", "m4"], now=NOW)
    assert link.acks() == {"m2": "processing", "m4": "processing"}
    assert link.state()["phase"] == "turn"
    assert link.state()["updated_at"] == write_time(NOW)
    assert set(outbox.acked) == {"m2", "m4"}
    assert outbox.finished == []


def test_a_turn_ends_as_a_whole(link: Link, outbox: Outbox) -> None:
    outbox.claim(["m2", "m4"], now=NOW)
    outbox.settle(
        [reply("one"), reply("two", "family")],
        completed=["m2"],
        failed={"m4": "no"},
        above=4,
        now=LATER,
    )
    assert [(row["id"], row["seq"], row["destination"], row["in_reply_to"]) for row in link.messages()] == [
        ("out-5", 5, None, "m2"),
        ("out-7", 7, "family", "m2"),
    ]
    assert link.texts() == ["one", "two"]
    assert link.messages()[0]["timestamp"] == write_time(LATER)
    assert link.acks() == {"m2": "completed", "m4": "failed"}
    assert link.errors() == {"m2": None, "m4": "no"}
    assert link.state()["phase"] == "idle"
    assert outbox.finished == ["m2", "m4"]
    assert list(outbox.messages) == ["out-5", "out-7"]


def test_a_settlement_that_cannot_be_written_changes_nothing(link: Link, outbox: Outbox) -> None:
    outbox.claim(["m2"], now=NOW)
    with pytest.raises(UnicodeEncodeError):
        outbox.settle([reply("one"), reply("\ud800")], completed=["m2"], above=4, now=NOW)
    assert link.messages() == []
    assert link.acks() == {"m2": "processing"}
    assert list(outbox.messages) == []
    outbox.settle([reply("one")], completed=["m2"], above=4, now=NOW)
    assert [row["seq"] for row in link.messages()] == [5]


def test_what_the_host_has_settled_is_cleared_away_with_the_next_claim(link: Link, outbox: Outbox) -> None:
    outbox.claim(["m2"], now=NOW)
    outbox.settle([reply("one"), reply("two")], completed=["m2"], above=2, now=NOW)
    outbox.claim(["m4"], now=NOW, settled=["m2"], delivered=["out-3", "out-5"])
    assert link.acks() == {"m4": "processing"}
    assert set(outbox.acked) == {"m4"}
    # The newest stays: SQLite would give its row number again, and the host has read past that.
    assert list(outbox.messages) == ["out-5"]
    assert [row["id"] for row in link.messages()] == ["out-5"]


def test_numbers_go_on_after_rows_were_cleared_away(link: Link, outbox: Outbox) -> None:
    for turn in range(4):
        outbox.claim([f"m{turn}"], now=NOW, delivered=list(outbox.messages))
        outbox.settle([reply("x")], completed=[f"m{turn}"], above=0, now=NOW)
    assert [row["seq"] for row in link.messages()] == [5, 7]


def test_an_outbox_that_is_opened_again_knows_what_is_in_it(link: Link, outbox: Outbox) -> None:
    outbox.claim(["m2", "m4"], now=NOW)
    outbox.settle([reply("one")], completed=["m2"], above=2, now=NOW)
    again = Outbox.open(link.out / OUTBOUND)
    assert set(again.acked) == {"m2", "m4"}
    assert again.finished == ["m2"]
    again.settle([reply("two")], completed=["m4"], above=2, now=NOW)
    assert [row["seq"] for row in link.messages()] == [3, 5]
    again.close()


def test_an_outbox_that_the_host_did_not_make_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SqliteError):
        Outbox.open(tmp_path / OUTBOUND)


def showing(*tools: Tool) -> ContainerState:
    return state_of(Phase.TURN, NOW, tools)


def test_a_tool_is_shown_with_its_own_time_limit(link: Link, outbox: Outbox) -> None:
    outbox.show(showing(Tool(name="Bash\n" + "x" * 500, declared=timedelta(seconds=90.5), since=NOW)))
    state = link.state()
    assert str(state["current_tool"]).startswith("Bash?xxx")
    assert len(str(state["current_tool"])) == 200
    assert state["tool_declared_timeout_ms"] == 90_500
    assert state["tool_started_at"] == write_time(NOW)
    outbox.show(showing())
    assert (link.state()["current_tool"], link.state()["tool_started_at"]) == (None, None)


@pytest.mark.parametrize(("declared", "shown"), [(timedelta(seconds=-1), 0), (None, None), (timedelta.max, 2**53 - 1)])
def test_a_time_limit_that_makes_no_sense_is_shown_as_the_nearest_that_does(
    link: Link, outbox: Outbox, declared: timedelta | None, shown: int | None
) -> None:
    outbox.show(showing(Tool(name="", declared=declared, since=NOW)))
    assert link.state()["tool_declared_timeout_ms"] == shown
    assert link.state()["current_tool"] == "?"


def test_a_long_error_is_cut_and_made_storable(link: Link, outbox: Outbox) -> None:
    outbox.settle(failed={"m2": "\ud800" + "x" * 2 * MOST_ERROR}, above=0, now=NOW)
    error = link.errors()["m2"]
    assert error is not None
    assert error.startswith("\ufffdx")
    assert len(error) == MOST_ERROR


@settings(max_examples=20)  # each is a file on a disk that is synced
@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 3), st.booleans()),
        max_size=6,
    )
)
def test_every_number_is_odd_new_and_above_all_that_is_known(turns: list[tuple[int, int, bool]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, OUTBOUND)
        conn = sqlite.open_read_write(path, Journal.DELETE, Synchronous.OFF)
        execute(conn, outbound_ddl())
        conn.close()
        outbox = Outbox.open(path)
        given_out: list[int] = []
        for at, (above, count, clear) in enumerate(turns):
            outbox.claim([f"m{at}"], now=NOW, delivered=list(outbox.messages) if clear else [])
            before = set(outbox.messages)
            outbox.settle([reply("x")] * count, completed=[f"m{at}"], above=above, now=NOW)
            fresh = [int(name.removeprefix("out-")) for name in outbox.messages if name not in before]
            assert len(fresh) == count
            assert all(is_runners(seq) for seq in fresh)
            highest = max([above, *given_out])
            for seq in fresh:
                assert highest < seq <= highest + 2, "the smallest that is free"
                highest = seq
            given_out += fresh
        assert len(set(given_out)) == len(given_out)
        outbox.close()


def test_what_is_to_be_kept_is_a_commit_of_its_own(link: Link, outbox: Outbox) -> None:
    outbox.save({"continuation:demo": "5", "continuation:other": "x\ud800"}, now=NOW)
    assert link.saved() == {"continuation:demo": "5", "continuation:other": "x\ufffd"}


def test_what_is_said_takes_the_place_of_what_was_begun_and_is_noted_with_what_it_took(
    link: Link, outbox: Outbox
) -> None:
    draft = Draft(reply="m2", destination=None, in_reply_to="m2", text="o", tool=None, updated_at=NOW)
    outbox.claim(["m2"], now=NOW)
    outbox.draft(draft)
    outbox.draft(evolve(draft, text="on"))
    assert [row["text"] for row in link.drafts()] == ["on"]
    used = Usage(seq=1, at=NOW, model=None, read=10, written=2, cost_usd=0.5)
    outbox.settle(failed={"m4": "no"}, keep_drafts=True, above=4, now=NOW)
    assert len(link.drafts()) == 1
    at_work = ContainerState(phase=Phase.TURN, updated_at=NOW)
    outbox.settle([reply("one")], completed=["m2"], usage=[used], state=at_work, above=4, now=NOW)
    assert link.drafts() == []
    assert [(row["read"], row["cost_usd"]) for row in link.usage()] == [(10, 0.5)]
    assert link.state()["phase"] == "turn"


def test_of_what_results_took_the_newest_rows_are_kept(link: Link, outbox: Outbox) -> None:
    for seq in range(1, MOST_USAGE + 4):
        outbox.settle(usage=[Usage(seq=seq, at=NOW, model="m", read=1, written=1)], above=0, now=NOW)
    assert [row["seq"] for row in link.usage()] == list(range(4, MOST_USAGE + 4))
