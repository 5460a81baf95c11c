"""Trouble on demand: what the demo provider does when it is asked to show how trouble ends. Pure."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import TypeAlias

from attrs import frozen

from runner.providers.base import ToolEnded, ToolStarted

LONGEST = 3_600.0
"""Seconds that can be asked for."""


@frozen
class Pause:
    """Do nothing for so many seconds."""

    seconds: float


@frozen
class Crash:
    """Die as a process."""


@frozen
class Freeze:
    """Let nothing in the process run any more, while it lives."""


@frozen
class Limit:
    """Be refused for so many seconds, from the first time on, as a provider does that was asked too much."""

    seconds: float


Trouble: TypeAlias = Pause | Crash | Freeze | Limit | ToolStarted | ToolEnded | str

_SECONDS = re.compile(r"(work|limited) (\d{1,4}(?:\.\d{1,3})?)", re.IGNORECASE)


def trouble(text: str) -> list[Trouble]:
    """What *text* asks for, and what is said when it is over; empty if it asks for nothing of the kind."""
    match text.lower().strip("!.,? "):
        case "crash":
            return [Crash()]
        case "freeze":
            return [Freeze()]
        case "hang":
            return [ToolStarted("hang", "hang"), Pause(math.inf), ToolEnded("hang")]
        case _:
            return _lasting(text.strip())


def _lasting(text: str) -> list[Trouble]:
    asked = _SECONDS.fullmatch(text)
    if asked is None or float(asked[2]) > LONGEST:
        return []
    seconds = float(asked[2])
    if asked[1].lower() == "work":
        tool = ToolStarted("work", "work", timedelta(seconds=seconds))
        return [tool, Pause(seconds), ToolEnded("work"), f"I worked for {seconds:g} s and had said so."]
    return [Limit(seconds), f"I was refused for {seconds:g} s."]
