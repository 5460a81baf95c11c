"""Tools for what is to be done later: schedule_task, list_tasks, update_task, pause_task, resume_task, cancel_task.

Tasks are the host's. Each tool asks it for what is to be done.
"""

from __future__ import annotations

from datetime import datetime

from attrs import asdict

from runner.core.arguments import Text
from runner.tools.asking import request
from runner.tools.desk import Definition, define_tool
from schema.requests import CancelTask, ListTasks, PauseTask, ResumeTask, ScheduleTask, UpdateTask

MOST_PROMPT = 50_000
MOST_SCRIPT = 50_000
MOST_WORDS = 100

TASK_ID = Text(name="task_id", about="Which task, as list_tasks calls it.", most=300)
MISFIRE = Text(
    name="misfire",
    about="What becomes of times at which nothing could run: latest (once for all of them), all, or skip.",
    most=MOST_WORDS,
    required=False,
)
ZONE = Text(
    name="timezone",
    about="The zone of its times, such as Europe/Lisbon. Left out: the zone that your prompt names.",
    most=MOST_WORDS,
    required=False,
)


def _process_after(about: str) -> Text:
    return Text(name="process_after", about=about, most=MOST_WORDS, required=False)


def _schedule(**said: str) -> ScheduleTask:
    task = ScheduleTask(**said)
    if task.process_after is None and task.recurrence is None:
        raise ValueError("Say when: process_after, recurrence, or both.")
    _check_time(task.process_after)
    return task


def _update(**said: str) -> UpdateTask:
    task = UpdateTask(**said)
    if all(value is None for name, value in asdict(task).items() if name != "task_id"):
        raise ValueError("Say what to change: prompt, process_after, recurrence, script, timezone or misfire.")
    _check_time(task.process_after)
    return task


def _check_time(text: str | None) -> None:
    """Whether it is one that can be meant, the host says."""
    try:
        if text is not None:
            datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(
            "process_after is not a time: write it like 2026-04-16T09:00, in the user's zone, or with an offset."
        ) from None


TASKS: tuple[Definition, ...] = (
    define_tool(
        "schedule_task",
        "Have something put to you later, once or again and again. For what comes often, give a script that finds out "
        "whether there is anything to do, and try it out first. To change a task, use update_task.",
        [
            Text(name="prompt", about="What you are to be told when it is due.", most=MOST_PROMPT),
            _process_after(
                "When: like 2026-04-16T09:00, which is the user's wall clock, or with an offset. With a recurrence: "
                "not before."
            ),
            Text(
                name="recurrence",
                about="How it comes again: the five fields of cron, such as 0 9 * * 1-5, or @daily and the like.",
                most=MOST_WORDS,
                required=False,
            ),
            Text(
                name="script",
                about='Run by bash in your sandbox first, 30 s at most. Its last line is JSON: {"wakeAgent": true or '
                'false, "data": what you are to know}. With false you are not asked.',
                most=MOST_SCRIPT,
                required=False,
            ),
            ZONE,
            MISFIRE,
        ],
        _schedule,
        request,
    ),
    define_tool(
        "list_tasks", "What is scheduled in this conversation, with ids and next times.", [], ListTasks, request
    ),
    define_tool(
        "update_task",
        "Change a task. What is left out stays as it is.",
        [
            TASK_ID,
            Text(name="prompt", about="What you are to be told.", most=MOST_PROMPT, required=False),
            _process_after("When, as for schedule_task."),
            Text(
                name="recurrence",
                about="As for schedule_task; empty: it does not come again.",
                most=MOST_WORDS,
                required=False,
                may_be_empty=True,
            ),
            Text(
                name="script",
                about="As for schedule_task; empty: none.",
                most=MOST_SCRIPT,
                required=False,
                may_be_empty=True,
            ),
            ZONE,
            MISFIRE,
        ],
        _update,
        request,
    ),
    define_tool("pause_task", "Let a task rest until it is resumed.", [TASK_ID], PauseTask, request),
    define_tool("resume_task", "Go on with a task that rests.", [TASK_ID], ResumeTask, request),
    define_tool("cancel_task", "End a task for good.", [TASK_ID], CancelTask, request),
)
