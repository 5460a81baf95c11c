"""How the demo provider is asked for tasks, so that schedules can be seen without a model. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from runner.providers.base import AskHost
from schema import payloads
from schema.requests import ListTasks, ScheduleTask

_IN_MINUTES = re.compile(r"schedule (\d{1,5}) (\S.*)", re.DOTALL | re.IGNORECASE)
_FIELD = r"(?:[\d*][\w*/,#-]*|(?:sun|mon|tue|wed|thu|fri|sat|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[\w,#-]*)"
_AGAIN = re.compile(rf"schedule (@[a-z]+|(?:{_FIELD} ){{4}}{_FIELD}) (\S.*)", re.DOTALL | re.IGNORECASE)


def scheduled(text: str, now: datetime) -> list[AskHost | str]:
    """What *text* asks of the host, and what is said about it; empty if it asks for nothing of the kind."""
    if text.lower().strip("!.,? ") == "tasks":
        return [
            AskHost("list_tasks", payloads.write(ListTasks())),
            "I have asked the host; ask me anything to hear it.",
        ]
    if again := _AGAIN.fullmatch(text):
        return _asked(ScheduleTask(prompt=again[2], recurrence=again[1]), f"by {again[1]}")
    if once := _IN_MINUTES.fullmatch(text):
        at = (now + timedelta(minutes=int(once[1]))).isoformat(timespec="seconds")
        return _asked(ScheduleTask(prompt=once[2], process_after=at), f"in {int(once[1])} min")
    return []


def _asked(task: ScheduleTask, when: str) -> list[AskHost | str]:
    return [AskHost("schedule_task", payloads.write(task)), f"I have asked the host to remind me {when}."]
