"""`nanoclaw tasks`: what the operator sees of tasks and does about them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from nanoclaw.admin.verb import ConfirmationNeededError
from nanoclaw.errors import UsageError
from nanoclaw.model.ids import SessionId, TaskId
from nanoclaw.store import inbound, occurrences
from tests.support.central import NOW, everything
from tests.support.desk import Desk

BERLIN = "Europe/Berlin"


def furnished() -> tuple[Desk, SessionId]:
    """A desk with one session."""
    desk = Desk()
    return desk, desk.world.session()


def test_a_task_is_made_seen_run_paused_resumed_and_cancelled() -> None:
    desk, session = furnished()
    assert desk.do("tasks list").said == "none: nanoclaw tasks add makes one, and agents make their own"
    made = desk.do("tasks add", session=session, prompt="wake\n the cat", cron="0 9 * * 1-5", timezone=BERLIN)
    assert made.said == "made task-1"
    line = desk.one("tasks list", session=session)
    assert line == made.rows[0]
    assert (line["state"], line["cron"], line["timezone"]) == ("active", "0 9 * * 1-5", BERLIN)
    assert (line["next"], line["last"], line["prompt"]) == ("2026-04-17 09:00:00+02:00", None, "wake the cat")

    assert "runs now" in str(desk.do("tasks run", task="task-1").said)
    assert desk.one("tasks list")["last"] == "under way"
    with pytest.raises(UsageError, match="not over yet"):
        desk.do("tasks run", task="task-1")
    message = occurrences.message_id(TaskId("task-1"), NOW)
    inbound.settle(desk.world.conn, message, error="no cat", now=NOW)
    shown = desk.one("tasks show", task="task")
    assert shown["runs"] == "2026-04-17 09:00:00+02:00 planned\n2026-04-16 16:37:00+02:00 failed: no cat"
    assert (shown["prompt"], shown["failures_in_a_row"], shown["made_by"]) == ("wake\n the cat", 1, "operator")

    assert desk.do("tasks pause", task="task-1").said == "task-1 is paused"
    assert desk.one("tasks show", task="task-1")["why"] == "the operator paused it"
    assert desk.one("tasks resume", task="task-1")["next"] == "2026-04-17 09:00:00+02:00"
    with pytest.raises(ConfirmationNeededError, match="for good"):
        desk.ask("tasks cancel", {"task": "task-1"})
    assert desk.do("tasks cancel", task="task-1").said == "task-1 is cancelled"
    assert desk.do("tasks list").rows == ()
    assert desk.one("tasks list", state="cancelled")["id"] == "task-1"


def test_the_next_five_runs_are_shown_on_the_clock_of_the_zone() -> None:
    desk, session = furnished()
    desk.do("tasks add", session=session, prompt="x", cron="30 2 * * *", timezone=BERLIN, at="2026-10-24T02:30")
    rows = desk.do("tasks next", task="task-1").rows
    assert [row["at"] for row in rows] == [
        "2026-10-24 02:30:00+02:00",
        "2026-10-25 02:30:00+02:00",
        "2026-10-26 02:30:00+01:00",
        "2026-10-27 02:30:00+01:00",
        "2026-10-28 02:30:00+01:00",
    ]
    assert rows[0]["utc"] == "2026-10-24T00:30:00Z"
    assert len(desk.do("tasks next", task="task-1", most=2).rows) == 2


def test_what_does_not_come_again_says_so() -> None:
    desk, session = furnished()
    desk.do("tasks add", session=session, prompt="x", at="2026-04-17T09:00")
    assert len(desk.do("tasks next", task="task-1").rows) == 1
    desk.do("tasks pause", task="task-1")
    assert desk.do("tasks next", task="task-1").said == "it is paused"
    desk.do("tasks cancel", task="task-1")
    assert desk.do("tasks next", task="task-1").said == "it is cancelled: it does not come again"
    desk.do("tasks add", session=session, prompt="y", cron="@hourly")
    desk.do("tasks pause", task="task-2")
    again = desk.do("tasks next", task="task-2")
    assert again.said == "it is paused: these are the times if it is resumed now"
    assert again.rows[0]["at"] == "2026-04-16 15:00:00+00:00"


def test_a_task_answers_where_its_session_is() -> None:
    desk, session = furnished()
    desk.do("tasks add", session=session, prompt="x", cron="@hourly")
    desk.do("tasks run", task="task-1")
    row = desk.world.row(occurrences.message_id(TaskId("task-1"), NOW))
    assert (row.channel, row.platform_id, row.session_id) == ("test", "room", session)


@pytest.mark.parametrize(
    ("verb", "arguments", "why"),
    [
        ("tasks add", {"session": "ses-1", "prompt": "x"}, "--at for once, --cron for again"),
        ("tasks add", {"session": "ses-1", "prompt": "x", "at": "noon"}, "--at: not a time"),
        ("tasks add", {"session": "ses-1", "prompt": "x", "at": "2026-04-16T09:00"}, "has passed"),
        ("tasks add", {"session": "ses-1", "prompt": "x", "cron": "0 9"}, "no recurrence"),
        ("tasks add", {"session": "ses-1", "prompt": " ", "cron": "@daily"}, "needs a prompt"),
        ("tasks add", {"session": "ses-1", "prompt": "x", "cron": "@daily", "timezone": "here"}, "no time zone"),
        ("tasks add", {"session": "nobody", "prompt": "x", "cron": "@daily"}, "there is no session"),
        ("tasks show", {"task": "nothing"}, "there is no task.*nanoclaw tasks list"),
        ("tasks next", {"task": "task-1", "most": 0}, "--most: between 1 and 100"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_way_on(verb: str, arguments: dict[str, object], why: str) -> None:
    desk, session = furnished()
    desk.do("tasks add", session=session, prompt="x", cron="@hourly")
    desk.world.wait(seconds=timedelta(seconds=1).total_seconds())
    before = everything(desk.world.conn)
    with pytest.raises(UsageError, match=why):
        desk.ask(verb, arguments)
    assert everything(desk.world.conn) == before
