"""Tasks and agents: what is asked of the host, and how what it says becomes the tool's answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runner.tools.asking import PATIENCE_SECONDS
from runner.tools.base import Answer
from schema.payloads import SystemIn, SystemOut, read_as
from schema.requests import (
    ACTIONS,
    Admin,
    Asked,
    CancelTask,
    CreateAgent,
    ListTasks,
    PauseTask,
    ResumeTask,
    ScheduleTask,
    UpdateTask,
    result_key,
)
from tests.runner.tools.bench import Bench

RESULT = f"note:{result_key('sess-1', 7, 'out-3')}"


def asked(bench: Bench) -> Asked:
    """What the host is asked."""
    ((to, in_reply_to, payload),) = bench.written()
    assert (to, in_reply_to) == (None, "m2")
    assert isinstance(payload, SystemOut)
    request = read_as(ACTIONS[payload.action], payload.arguments)
    assert isinstance(request, ACTIONS[payload.action])
    return request


async def call(bench: Bench, name: str, meanwhile: Callable[[], None], /, **arguments: object) -> Answer:
    """Call a tool; when it waits, do something."""
    answers: list[Answer] = []

    async def calling() -> None:
        answers.append(await bench.tools.call(name, arguments))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(calling)
        await wait_all_tasks_blocked()
        meanwhile()
    return answers[0]


@pytest.mark.parametrize(
    ("name", "arguments", "request_"),
    [
        (
            "schedule_task",
            {"prompt": "tea", "process_after": "2026-04-16T09:00"},
            ScheduleTask(prompt="tea", process_after="2026-04-16T09:00"),
        ),
        (
            "schedule_task",
            {"prompt": "tea", "recurrence": "@daily", "script": "true", "timezone": "UTC", "misfire": "all"},
            ScheduleTask(prompt="tea", recurrence="@daily", script="true", timezone="UTC", misfire="all"),
        ),
        ("list_tasks", {}, ListTasks()),
        (
            "update_task",
            {"task_id": "task-1", "recurrence": "", "script": ""},
            UpdateTask(task_id="task-1", recurrence="", script=""),
        ),
        ("pause_task", {"task_id": "task-1"}, PauseTask(task_id="task-1")),
        ("resume_task", {"task_id": "task-1"}, ResumeTask(task_id="task-1")),
        ("cancel_task", {"task_id": "task-1"}, CancelTask(task_id="task-1")),
        ("create_agent", {"name": "Scout"}, CreateAgent(name="Scout")),
        ("admin", {"command": "help"}, Admin(command="help")),
        (
            "admin",
            {"command": "tasks next", "options": {"task": "t", "most": 3, "x": None, "y": True}},
            Admin(command="tasks next", options='{"task": "t", "most": 3, "y": true}'),
        ),
        (
            "create_agent",
            {"name": "Scout", "instructions": "Look around."},
            CreateAgent(name="Scout", instructions="Look around."),
        ),
    ],
)
async def test_the_host_is_asked_and_its_word_is_the_answer(
    bench: Bench, name: str, arguments: dict[str, object], request_: Asked
) -> None:
    done = SystemIn(action=name, text="it is so")
    answer = await call(bench, name, lambda: bench.tell(RESULT, done), **arguments)
    assert answer == Answer("it is so")
    assert asked(bench) == request_


async def test_a_refusal_of_the_host_is_one_of_the_tool(bench: Bench) -> None:
    no = SystemIn(action="cancel_task", text="refused: there is no such task here")
    answer = await call(bench, "cancel_task", lambda: bench.tell(RESULT, no), task_id="x")
    assert answer == Answer("It was refused: there is no such task here", failed=True)


async def test_a_host_that_takes_its_time_is_not_waited_for(autojump_clock: MockClock, bench: Bench) -> None:
    start = trio.current_time()
    answer = await bench.call("list_tasks")
    assert trio.current_time() - start == pytest.approx(PATIENCE_SECONDS)
    assert answer.text == "It is asked for; what came of it you will be told later, as a system_response to list_tasks."
    assert not bench.tools.awaits(RESULT), "what comes later is input like any other"


async def test_results_of_other_epochs_and_requests_are_none_of_this_one(bench: Bench) -> None:
    def meanwhile() -> None:
        assert not bench.tools.awaits(f"note:{result_key('sess-1', 6, 'out-3')}")
        assert not bench.tools.awaits(f"note:{result_key('sess-1', 7, 'out-5')}")
        assert not bench.tools.awaits("m4")
        bench.tell(RESULT, SystemIn(action="list_tasks", text="nothing is scheduled"))

    await call(bench, "list_tasks", meanwhile)


@pytest.mark.parametrize(
    ("name", "arguments", "why"),
    [
        ("schedule_task", {"prompt": "tea"}, "Say when: process_after, recurrence, or both."),
        ("schedule_task", {"prompt": "tea", "process_after": "tomorrow"}, "process_after is not a time: write it like"),
        ("schedule_task", {"process_after": "2026-04-16"}, "prompt is missing."),
        ("update_task", {"task_id": "task-1"}, "Say what to change: prompt, process_after, recurrence, script,"),
        ("update_task", {"task_id": "task-1", "process_after": "soon"}, "process_after is not a time: write it like"),
        ("pause_task", {}, "task_id is missing."),
        (
            "admin",
            {"command": "x", "options": {"y": {"z": 1}}},
            "In options, y has to be text, a whole number, true or",
        ),
        ("admin", {"command": "x", "options": "y"}, "options has to be an object with 50 names at the most."),
        ("list_tasks", {"status": "paused"}, "There is no parameter status. There are: none."),
    ],
)
async def test_a_request_that_makes_no_sense_is_not_made(
    bench: Bench, name: str, arguments: dict[str, object], why: str
) -> None:
    assert (await bench.refused(name, arguments)).startswith(why)
