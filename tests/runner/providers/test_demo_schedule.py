"""The demo asks the host for tasks, in words that cron and people have."""

from __future__ import annotations

from datetime import datetime

import pytest

from runner.providers.base import AskHost
from runner.providers.demo_schedule import scheduled
from schema.payloads import read_as
from schema.requests import ListTasks, ScheduleTask

NOW = datetime.fromisoformat("2026-04-16T14:37:00+02:00")


@pytest.mark.parametrize(
    ("text", "task"),
    [
        ("schedule 2 tea", ScheduleTask(prompt="tea", process_after="2026-04-16T14:39:00+02:00")),
        ("Schedule @daily make tea", ScheduleTask(prompt="make tea", recurrence="@daily")),
        ("schedule 0 9 * * 1-5 make tea", ScheduleTask(prompt="make tea", recurrence="0 9 * * 1-5")),
        ("schedule 30 7 * JAN MON-FRI up", ScheduleTask(prompt="up", recurrence="30 7 * JAN MON-FRI")),
    ],
)
def test_a_task_is_asked_for_as_it_is_said(text: str, task: ScheduleTask) -> None:
    asked, said = scheduled(text, NOW)
    assert isinstance(asked, AskHost)
    assert asked.action == "schedule_task"
    assert read_as(ScheduleTask, asked.arguments) == task
    assert "remind me" in str(said)


def test_the_list_is_asked_for() -> None:
    asked, _ = scheduled("Tasks!", NOW)
    assert isinstance(asked, AskHost)
    assert read_as(ListTasks, asked.arguments) == ListTasks()


@pytest.mark.parametrize("text", ["schedule", "schedule tea", "tasks are many", "schedule 2", "schedule @daily"])
def test_anything_else_is_no_business_of_the_host(text: str) -> None:
    assert scheduled(text, NOW) == []
