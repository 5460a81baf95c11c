"""What a session's actor does next. Pure: the actor looks, this file judges, the actor does it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeAlias

from attrs import frozen


@frozen(kw_only=True)
class Patience:
    """How long an idle sandbox is kept, and how."""

    pause_after: timedelta = timedelta(minutes=2)
    """Then nothing in it runs any more, until there is something to do."""
    keep_warm: timedelta = timedelta(minutes=30)
    """Then it is ended."""


@frozen(kw_only=True)
class View:
    """One look at a session."""

    due: int
    """Messages that may start a turn now and that nobody has claimed."""
    claimed: int
    next_at: datetime | None
    """When the next message becomes due; aware UTC."""
    running: bool
    """Is there a sandbox?"""
    paused: bool = False
    """Is it paused?"""
    wanted_away: str | None = None
    """Why somebody wants it to end once it is idle: its memory is needed."""
    parked: bool = False
    """Has somebody set it aside? A sandbox of it is told to end."""
    told_to_end: str | None = None
    """Why somebody wants it to end now, whatever it does: it is to start anew."""
    quiet: timedelta
    """How long the session has had nothing to do: by a clock that people do not set."""
    now: datetime
    """What *next_at* is held against; aware UTC."""


@frozen
class Start:
    """Start a sandbox."""


@frozen
class Rest:
    """Nothing to do for that long, or until there is mail."""

    pause: timedelta | None
    """None: there is no deadline."""


@frozen
class Pause:
    """Pause the sandbox; nothing has been asked of it for a while."""


@frozen
class Resume:
    """Let the paused sandbox run: there is something to do."""


@frozen
class Stop:
    """Let the sandbox go."""

    why: str


@frozen
class Leave:
    """The session needs no actor: no work, no sandbox, no deadline; or somebody has set it aside."""


Step: TypeAlias = Start | Rest | Pause | Resume | Stop | Leave


def next_step(view: View, patience: Patience) -> Step:
    """Judge a session."""
    if not view.running:
        return _without_sandbox(view)
    if view.told_to_end is not None:
        return Stop(view.told_to_end)
    if view.due or view.claimed:
        return Resume() if view.paused else Rest(None)
    if view.wanted_away is not None:
        return Stop(view.wanted_away)
    if view.quiet >= patience.keep_warm:
        return Stop(f"idle for {view.quiet}")
    pauses = [patience.keep_warm - view.quiet]
    if view.next_at is not None:
        pauses.append(view.next_at - view.now)
    if not view.paused and patience.pause_after < patience.keep_warm:
        if view.quiet >= patience.pause_after:
            return Pause()
        pauses.append(patience.pause_after - view.quiet)
    return Rest(min(pauses))


def _without_sandbox(view: View) -> Step:
    if view.parked:
        return Leave()
    if view.due:
        return Start()
    return Leave() if view.next_at is None else Rest(view.next_at - view.now)
