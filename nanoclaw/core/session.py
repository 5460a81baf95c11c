"""What a session's actor does next. Pure: the actor looks, this file judges, the actor does it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeAlias

from attrs import frozen


@frozen(kw_only=True)
class View:
    """One look at a session. Times are aware UTC."""

    due: int
    """Messages that may start a turn now and that nobody has claimed."""
    claimed: int
    next_at: datetime | None
    """When the next message becomes due."""
    running: bool
    """Is there a sandbox?"""
    quiet_since: datetime
    """When the session last had anything to do."""
    now: datetime


@frozen
class Start:
    """Start a sandbox."""


@frozen
class Rest:
    """Nothing to do until *until*, or until there is mail."""

    until: datetime | None


@frozen
class Stop:
    """Let the sandbox go; nothing has been asked of it for long."""

    quiet: timedelta


@frozen
class Leave:
    """The session needs no actor: no work, no sandbox, no deadline."""


Step: TypeAlias = Start | Rest | Stop | Leave


def next_step(view: View, *, keep_warm: timedelta) -> Step:
    """Judge a session; *keep_warm* is how long an idle sandbox is kept."""
    if not view.running:
        if view.due:
            return Start()
        return Leave() if view.next_at is None else Rest(view.next_at)
    if view.due or view.claimed:
        return Rest(None)
    quiet = view.now - view.quiet_since
    if quiet >= keep_warm:
        return Stop(quiet)
    end = view.quiet_since + keep_warm
    return Rest(end if view.next_at is None else min(end, view.next_at))
