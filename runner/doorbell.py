"""Answers the doorbell: whatever a turn is at, the host can see that the loop goes round.

The host gives the time of `in/doorbell` a new value, and the answer is the same time on a file of ours. That says
nothing about work: a loop that goes round beside a tool that hangs answers, and is no sign of life for the tool.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import trio

from runner.logs import log

LOOK_SECONDS = 1.0
"""Between two looks. By the clock and not by inotify, which some mounts do not carry: it is quick enough."""


async def answer_doorbell(bell: Path, answer: Path) -> NoReturn:
    """Answer each ring of *bell* on *answer* within a second or so, until cancelled. Never fails.

    An agent that takes the place of *answer* with something else is one that does not answer.
    """
    answered = None
    while True:
        rung = _time_of(bell)
        if rung is not None and rung != answered:
            answered = rung
            _answer(answer, rung)
        await trio.sleep(LOOK_SECONDS)


def _time_of(bell: Path) -> int | None:
    try:
        return bell.stat().st_mtime_ns
    except OSError:
        return None


def _answer(answer: Path, rung: int) -> None:
    try:
        # Its times can only be set by whoever owns it: the host leaves it to us to make it.
        fd = os.open(answer, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
        try:
            os.utime(fd, ns=(rung, rung))
        finally:
            os.close(fd)
    except OSError as exc:
        log("doorbell_unanswered", why=str(exc))
