"""`nanoclaw tasks`: what agents are to do at a time, and what became of it. Times are shown in each task's own zone."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from attrs import frozen

from nanoclaw.admin import references
from nanoclaw.admin.verb import Answer, Line, Request, Says, Verb, plain_cell
from nanoclaw.core.recurrence import coming, read_moment
from nanoclaw.errors import UsageError
from nanoclaw.kit.zones import find_zone
from nanoclaw.model.ids import TaskId
from nanoclaw.model.tasks import Misfire, Occurrence, Task, TaskMaker, TaskState
from nanoclaw.store import occurrences, tasks
from nanoclaw.store.sessions import session_place
from schema.sqlite import Connection

SHOWN_RUNS = 20
MOST_NEXT = 100
PROMPT_SHOWN = 60
"""Characters of a prompt in a list."""


@frozen(kw_only=True)
class ListTasks:
    """Which ones."""

    session: Annotated[str | None, Says("only those of this session")] = None
    state: Annotated[TaskState | None, Says("only those in this state; without it, active and paused ones")] = None


@frozen(kw_only=True)
class OneTask:
    """Which one."""

    task: Annotated[str, Says("its id, or how it begins", positional=True)]


@frozen(kw_only=True)
class NextRuns:
    """Of which one."""

    task: Annotated[str, Says("its id, or how it begins", positional=True)]
    most: Annotated[int, Says("how many")] = 5


@frozen(kw_only=True)
class AddTask:
    """What, when and for whom."""

    session: Annotated[str, Says("the session whose agent is to do it", positional=True)]
    prompt: Annotated[str, Says("what is to be done", positional=True)]
    at: Annotated[str | None, Says("when, such as 2026-04-16T09:00; with --cron, the first time")] = None
    cron: Annotated[str | None, Says("when again and again, such as '0 9 * * 1-5' or @daily")] = None
    timezone: Annotated[str | None, Says("IANA name of the zone that times are in; without it, the home's")] = None
    misfire: Annotated[Misfire, Says("what becomes of times that passed while no host ran")] = Misfire.LATEST
    script: Annotated[str | None, Says("what is run in the sandbox first, and may say that nothing is to do")] = None


def list_tasks(conn: Connection, asked: ListTasks, _: Request) -> Answer:
    """What is to be done at a time, and when next."""
    session = None if asked.session is None else references.session(conn, asked.session).id
    states = tasks.LIVE if asked.state is None else (asked.state,)
    rows = tuple(
        _line(conn, one) for one in tasks.tasks(conn) if one.state in states and session in (None, one.session_id)
    )
    return Answer(rows=rows, said=None if rows else "none: nanoclaw tasks add makes one, and agents make their own")


def show_task(conn: Connection, asked: OneTask, _: Request) -> Answer:
    """One task, and what became of its last times."""
    task = references.task(conn, asked.task)
    runs = [_run(task, one) for one in tasks.occurrences(conn, task.id, SHOWN_RUNS)]
    whole: Line = {
        **_line(conn, task),
        "prompt": task.prompt,
        "script": task.script,
        "why": task.reason,
        "made_by": task.made_by.value,
        "made": _local(task, task.created_at),
        "misfire": task.misfire.value,
        "failures_in_a_row": task.failures,
        "runs": "\n".join(runs) or None,
    }
    return Answer(rows=(whole,), one=True)


def add_task(conn: Connection, asked: AddTask, request: Request) -> Answer:
    """Have something done at a time, or again and again. Its agent answers where its session is."""
    session = references.session(conn, asked.session)
    place = session_place(conn, session.id)
    assert place is not None
    zone = find_zone(asked.timezone or request.timezone)
    if asked.at is None and asked.cron is None:
        raise UsageError("say when: --at for once, --cron for again and again, or both")
    try:
        first = request.now if asked.at is None else read_moment(asked.at, zone)
    except ValueError as exc:
        raise UsageError(f"--at: {exc}") from None
    chat = place.messaging_group
    task = Task(
        id=TaskId(request.mint("task")),
        session_id=session.id,
        prompt=asked.prompt,
        script=asked.script or None,
        channel=None if chat is None else chat.channel,
        platform_id=None if chat is None else chat.platform_id,
        thread_id=session.thread_id,
        timezone=zone.key,
        cron=asked.cron,
        first_at=first,
        misfire=asked.misfire,
        state=TaskState.ACTIVE,
        reason=None,
        failures=0,
        made_by=TaskMaker.OPERATOR,
        created_at=request.now,
        changed_at=request.now,
    )
    tasks.add(conn, task, now=request.now)
    return Answer(rows=(_line(conn, task),), one=True, said=f"made {task.id}")


def run_task(conn: Connection, asked: OneTask, request: Request) -> Answer:
    """Have it done now, besides its times."""
    task = references.task(conn, asked.task)
    if occurrences.waiting(conn, task.id):
        raise UsageError(f"a run of {task.id} is not over yet: wait for it")
    occurrences.run_now(conn, task, now=request.now)
    return Answer(said=f"{task.id} runs now; nanoclaw tasks show {task.id} says what becomes of it")


def pause_task(conn: Connection, asked: OneTask, request: Request) -> Answer:
    """Let it rest. Times that pass meanwhile are not made up for."""
    task = tasks.move(
        conn, references.task(conn, asked.task), TaskState.PAUSED, reason="the operator paused it", now=request.now
    )
    return Answer(said=f"{task.id} is paused")


def resume_task(conn: Connection, asked: OneTask, request: Request) -> Answer:
    """Go on with it from now on. One that was for once and whose time has passed runs at once."""
    task = tasks.move(conn, references.task(conn, asked.task), TaskState.ACTIVE, reason=None, now=request.now)
    return Answer(rows=(_line(conn, task),), one=True, said=f"{task.id} goes on")


def cancel_task(conn: Connection, asked: OneTask, request: Request) -> Answer:
    """End it for good. What it was stays to be seen."""
    task = references.task(conn, asked.task)
    request.confirm(f"End {task.id} for good?")
    tasks.move(conn, task, TaskState.CANCELLED, reason="the operator cancelled it", now=request.now)
    return Answer(said=f"{task.id} is cancelled")


def next_runs(conn: Connection, asked: NextRuns, request: Request) -> Answer:
    """When it comes next, on the clock of its zone."""
    task = references.task(conn, asked.task)
    if not 1 <= asked.most <= MOST_NEXT:
        raise UsageError(f"--most: between 1 and {MOST_NEXT}")
    plan, recurrence = tasks.planned(conn, task.id), tasks.recurrence_of(task)
    said: str | None
    if task.state is TaskState.PAUSED:
        moments = [] if recurrence is None else coming(recurrence, request.now, asked.most)
        said = "it is paused: these are the times if it is resumed now" if moments else "it is paused"
    else:
        moments = [] if plan is None else [plan.due_at]
        if plan is not None and recurrence is not None:
            moments += coming(recurrence, plan.due_at, asked.most - 1)
        said = None if moments else f"it is {task.state.value}: it does not come again"
    rows: tuple[Line, ...] = tuple({"at": _local(task, one), "utc": plain_cell(one)} for one in moments)
    return Answer(rows=rows, said=said)


def _line(conn: Connection, task: Task) -> Line:
    plan = tasks.planned(conn, task.id)
    short = task.prompt if len(task.prompt) <= PROMPT_SHOWN else task.prompt[: PROMPT_SHOWN - 1] + "…"
    last = [one for one in tasks.occurrences(conn, task.id, 2) if one.queued_at is not None or one.outcome is not None]
    return {
        "id": task.id,
        "session": task.session_id,
        "state": task.state.value,
        "cron": task.cron,
        "timezone": task.timezone,
        "next": None if plan is None else _local(task, plan.due_at),
        "last": None if not last else _outcome(last[0]),
        "prompt": " ".join(short.split()),
    }


def _run(task: Task, one: Occurrence) -> str:
    why = f": {one.reason}" if one.reason else ""
    return f"{_local(task, one.due_at)} {_outcome(one)}{why}"


def _outcome(one: Occurrence) -> str:
    if one.outcome is not None:
        return one.outcome.value
    return "planned" if one.queued_at is None else "under way"


def _local(task: Task, moment: datetime) -> str:
    """A time on the clock of the task's zone, with its offset: an hour that comes twice is no riddle."""
    return moment.astimezone(find_zone(task.timezone)).isoformat(sep=" ", timespec="seconds")


VERBS = (
    Verb("tasks", "list", ListTasks, list_tasks),
    Verb("tasks", "show", OneTask, show_task),
    Verb("tasks", "add", AddTask, add_task, writes=True),
    Verb("tasks", "run", OneTask, run_task, writes=True),
    Verb("tasks", "pause", OneTask, pause_task, writes=True),
    Verb("tasks", "resume", OneTask, resume_task, writes=True),
    Verb("tasks", "cancel", OneTask, cancel_task, writes=True, destroys=True),
    Verb("tasks", "next", NextRuns, next_runs),
)
