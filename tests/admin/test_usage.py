"""`nanoclaw usage list`: sums that people can read."""

from __future__ import annotations

import pytest

from nanoclaw.errors import UsageError
from nanoclaw.model.ids import SessionId
from nanoclaw.store import usage
from tests.support.desk import Desk


def took(desk: Desk, session: SessionId, seq: int, *, model: str | None = "opus", cost: float | None = 0.5) -> None:
    row = usage.Usage(
        session_id=session,
        epoch=desk.world.epoch(session) if seq == 1 else 1,  # type: ignore[arg-type]  # a number
        seq=seq,
        at=desk.world.now,
        model=model,
        read=1_000,
        written=10,
        cached=900,
        cost_usd=cost,
    )
    usage.add(desk.world.conn, [row])


def test_what_models_took_is_added_up_for_each_agent_group_or_each_session() -> None:
    desk = Desk()
    assert desk.do("usage list").said == "no model has been asked yet"
    one, two = desk.world.session("ada", room="a"), desk.world.session("bob", room="b")
    took(desk, one, 1)
    desk.world.wait(seconds=2 * 86_400)
    took(desk, one, 2)
    took(desk, two, 1, model=None, cost=None)
    first, second = desk.do("usage list").rows
    assert first == {
        "group": "ada",
        "group_id": "agt-ada",
        "model": "opus",
        "results": 2,
        "read": 2_000,
        "cached": 1_800,
        "written": 20,
        "dollars": "1.0000",
    }
    assert (second["group"], second["model"], second["dollars"]) == ("bob", "not said", None)
    assert desk.one("usage list", group="ada", days=1)["results"] == 1
    assert {row["session"] for row in desk.do("usage list", sessions=True).rows} == {one, two}


@pytest.mark.parametrize("days", [0, -1, 10**9])
def test_a_time_that_makes_no_sense_is_refused(days: int) -> None:
    with pytest.raises(UsageError, match="--days"):
        Desk().do("usage list", days=days)
