"""What agents ask of the host: done once, for their own session alone, and they are told what came of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from nanoclaw.actors import requests
from nanoclaw.actors.absorb import absorb
from nanoclaw.admin.kinds import handlers
from nanoclaw.core.requests import RULES
from nanoclaw.link.report import OutRow, Report
from nanoclaw.model.ids import TaskId
from nanoclaw.model.tasks import Misfire, Task, TaskState
from nanoclaw.store import tasks
from schema import payloads
from schema.payloads import SystemOut
from schema.requests import ACTIONS, ScheduleTask, UpdateTask
from schema.rows import OutKind
from schema.sqlite import transaction
from tests.actors.asking import BERLIN, Case
from tests.support.central import NOW, ROOM, everything
from tests.support.tasks import a_task, added


def only_task(case: Case) -> Task:
    """The only one there is."""
    (found,) = tasks.tasks(case.world.conn)
    return found


def test_every_action_that_can_be_asked_for_is_handled() -> None:
    more = handlers(threaded=dict, mint=str, engine="process", images=False)
    assert requests.HANDLERS.keys() | more.keys() == ACTIONS.keys() == RULES.keys()
    assert not requests.HANDLERS.keys() & more.keys()


def test_a_task_is_made_for_the_place_and_in_the_zone_of_whoever_asked() -> None:
    case = Case()
    told = case.ask(ScheduleTask(prompt="say good morning", recurrence="0 9 * * 1-5", script="true"))
    task = only_task(case)
    assert (task.session_id, task.prompt, task.script) == (case.place.session.id, "say good morning", "true")
    assert (task.channel, task.platform_id, task.timezone) == (ROOM.channel, ROOM.platform_id, BERLIN)
    assert (task.misfire, task.state) == (Misfire.LATEST, TaskState.ACTIVE)
    assert "next 2026-04-17T09:00+02:00" in told
    assert task.id in told
    assert [note["trigger"] for note in case.notes()] == [0]


@pytest.mark.parametrize(
    ("process_after", "expected"),
    [
        ("2026-04-17T09:00", datetime(2026, 4, 17, 7, tzinfo=UTC)),
        ("2026-04-17 09:00:00Z", datetime(2026, 4, 17, 9, tzinfo=UTC)),
        ("2026-04-17T09:00:00-04:00", datetime(2026, 4, 17, 13, tzinfo=UTC)),
    ],
)
def test_a_time_without_an_offset_is_the_agents_own(process_after: str, expected: datetime) -> None:
    case = Case()
    case.ask(ScheduleTask(prompt="once", process_after=process_after))
    plan = tasks.planned(case.world.conn, only_task(case).id)
    assert plan is not None
    assert plan.due_at == expected


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "say when"),
        ({"recurrence": "every day"}, "no recurrence"),
        ({"process_after": "tomorrow"}, "not a time"),
        ({"process_after": "2026-04-16T09:00"}, "has passed"),
        ({"recurrence": "@daily", "timezone": "Berlin"}, "no time zone"),
        ({"recurrence": "@daily", "misfire": "never"}, "latest, all, skip"),
    ],
)
def test_what_cannot_be_granted_changes_nothing_and_wakes_its_agent_with_the_reason(
    fields: dict[str, Any], why: str
) -> None:
    case = Case()
    told = case.ask(ScheduleTask(prompt="x", **fields))
    assert "refused: " in told
    assert why in told
    assert tasks.tasks(case.world.conn) == []
    assert [note["trigger"] for note in case.notes()] == [1]


def test_a_request_that_the_host_has_no_handler_for_is_like_one_that_it_does_not_know() -> None:
    case = Case()
    assert "the host knows no such request" in case.say("admin", '{"command": "help"}')
    assert case.handled.dropped is not None
    assert case.handled.dropped.reason == "unknown-request"


@pytest.mark.parametrize("arguments", ["", "[]", "{}", '{"prompt": 7}', '{"prompt": "x", "cron": "@daily"}', "{" * 99])
def test_what_cannot_be_read_is_refused(arguments: str) -> None:
    assert "refused: " in Case().say("schedule_task", arguments)


def test_a_task_is_changed_paused_resumed_listed_and_cancelled_by_its_agent() -> None:
    case = Case()
    assert "nothing is scheduled" in case.say("list_tasks", "{}")
    case.ask(ScheduleTask(prompt="first", recurrence="@daily", script="true"))
    task = only_task(case).id
    case.ask(UpdateTask(task_id=task, prompt="second", recurrence="30 8 * * *", script="", misfire="all"))
    changed = only_task(case)
    assert (changed.prompt, changed.cron, changed.script, changed.misfire) == (
        "second",
        "30 8 * * *",
        None,
        Misfire.ALL,
    )
    one = f'{{"task_id": "{task}"}}'
    assert "next 2026-04-17T08:30+02:00" in case.say("list_tasks", "{}")
    assert "is paused" in case.say("pause_task", one)
    assert only_task(case).state is TaskState.PAUSED
    assert "next 2026" in case.say("resume_task", one)
    assert "is cancelled" in case.say("cancel_task", one)
    assert only_task(case).state is TaskState.CANCELLED
    assert "refused" in case.say("resume_task", one)
    assert "nothing is scheduled" in case.say("list_tasks", "{}")


def test_a_change_of_nothing_is_refused() -> None:
    case = Case()
    case.ask(ScheduleTask(prompt="first", recurrence="@daily"))
    assert "say what to change" in case.ask(UpdateTask(task_id=only_task(case).id))


@pytest.mark.parametrize("action", ["update_task", "pause_task", "resume_task", "cancel_task"])
def test_the_tasks_of_another_session_are_not_there(action: str) -> None:
    case = Case()
    other = added(case.world, a_task(case.world.session("other", room="elsewhere"), "theirs"))
    told = case.say(action, '{"task_id": "theirs"}')
    assert "no such task" in told
    assert told == case.say(action, '{"task_id": "nobodys"}')
    assert tasks.get(case.world.conn, TaskId("theirs")) == other
    assert "theirs" not in case.say("list_tasks", "{}")


def test_a_report_that_is_absorbed_again_asks_for_nothing_twice() -> None:
    case = Case()
    payload = SystemOut(action="schedule_task", arguments=payloads.write(ScheduleTask(prompt="x", recurrence="@daily")))
    row = OutRow(
        rowid=1,
        id="out-1",
        seq=3,
        in_reply_to=None,
        timestamp=NOW,
        deliver_after=None,
        kind=OutKind.SYSTEM,
        destination=None,
        payload=payload,
        content=payloads.write(payload),
        digest="digest",
    )
    report = Report(rows=(row,), bad=(), acks=(), states=(), tool=None, cursor=1, more=False)
    with transaction(case.world.conn):
        first = absorb(case.world.conn, case.place, case.epoch, report, timezone=BERLIN, now=NOW)
    assert (first.asked, first.changed) == (True, True)
    tasks.move(case.world.conn, only_task(case), TaskState.CANCELLED, reason=None, now=NOW)
    before = everything(case.world.conn)
    with transaction(case.world.conn):
        again = absorb(case.world.conn, case.place, case.epoch, report, timezone=BERLIN, now=NOW)
    assert (again.asked, again.changed) == (False, False)
    assert everything(case.world.conn) == before
