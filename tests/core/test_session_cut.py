"""A session as of a turn: what was settled by then, what was said by then, and nothing later."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from nanoclaw.core.session_cut import Cut, NoTurn, cut
from nanoclaw.model.ids import InboundId
from nanoclaw.model.messages import InboundRow, LedgerRow
from nanoclaw.store import inbound
from schema.rows import select
from tests.support.central import World


def lived(turns: int) -> tuple[list[InboundRow], list[LedgerRow]]:
    """So many turns, a second apart, each with one answer; and a message that waits."""
    world = World()
    session = world.session()
    epoch = world.epoch(session)
    for number in range(turns):
        row = world.message(session, f"m{number}")
        world.wait(seconds=1)
        world.reply(session, epoch, 101 + 2 * number, answers=row)
        inbound.settle(world.conn, row, error=None, now=world.now)
    world.wait(seconds=1)
    world.message(session, "waits")
    came = select(world.conn, InboundRow, "SELECT * FROM inbound ORDER BY seq")
    went = select(world.conn, LedgerRow, "SELECT * FROM ledger ORDER BY seq")
    return came, went


@settings(max_examples=20)
@given(st.integers(1, 6).flatmap(lambda turns: st.tuples(st.just(turns), st.integers(0, turns - 1))))
def test_a_cut_has_just_the_turns_up_to_it(both: tuple[int, int]) -> None:
    turns, last = both
    found = cut(*lived(turns), f"m{last}")
    assert isinstance(found, Cut)
    assert [row.id for row in found.came] == [f"m{number}" for number in range(last + 1)]
    assert [row.in_reply_to for row in found.went] == [f"m{number}" for number in range(last + 1)]
    assert found.is_last is (last == turns - 1)


def test_without_a_turn_it_is_the_last_that_was_settled() -> None:
    found = cut(*lived(3), None)
    assert isinstance(found, Cut)
    assert (found.turn.id, found.is_last) == ("m2", True)


def test_a_message_is_known_by_its_whole_id_or_a_beginning_that_means_one() -> None:
    came, went = lived(2)
    came = [*came, evolve(came[0], id=InboundId("m10"), seq=100)]
    assert isinstance(cut(came, went, "m1"), Cut), "its whole id is one message's, whatever else begins so"
    for turn, why in (("m", "more than one"), ("x", "no message"), ("waits", "not settled")):
        found = cut(came, went, turn)
        assert isinstance(found, NoTurn)
        assert why in found.why
    assert cut([], [], None) == NoTurn("nothing in it is settled yet")
