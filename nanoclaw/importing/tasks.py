"""Tasks of an old home as tasks of today: paused, until somebody has looked at them."""

from __future__ import annotations

from nanoclaw.importing.old import OldTask
from nanoclaw.model.ids import SessionId, TaskId
from nanoclaw.model.tasks import Misfire, Task, TaskMaker, TaskState


def task_of(old: OldTask, session: SessionId, *, timezone: str) -> Task:
    """The task that *old* becomes. Its words for when it comes again are kept as they are, and read when it resumes."""
    return Task(
        id=TaskId(old.id),
        session_id=session,
        prompt=old.prompt,
        script=old.script,
        channel=old.channel,
        platform_id=old.platform_id,
        thread_id=old.thread_id,
        timezone=timezone,
        cron=old.recurrence,
        first_at=old.process_after or old.made_at,
        misfire=Misfire.LATEST,
        state=TaskState.PAUSED,
        reason="it was imported",
        failures=0,
        made_by=TaskMaker.IMPORT,
        created_at=old.made_at,
        changed_at=old.made_at,
    )
