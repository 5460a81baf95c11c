"""How often actors look unasked: the nets under nudges, which may be lost."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class Nets:
    """Seconds between two looks that nobody asked for. A simulation of many hours has wider ones."""

    link: float = 1.0
    """At the link of a sandbox that is at work: the net under inotify."""
    idle: float = 600.0
    """At the link of one that nothing is asked of. Each look takes more than a millisecond of the processor, and there
    may be a thousand of them. What they may have missed in the truth, the look for all sessions finds."""
    paused: float = 600.0
    """At the link of one that is paused."""
    sessions: float = 60.0
    """For sessions with work, and by a session that rests."""
    lanes: float = 60.0
    """For lanes with something to send, and by one that has found nobody there."""
    sweep: float = 60.0
    """For what is due: the wall clock may jump."""
    memory: float = 5.0
    """At the machine's memory."""
    retention: float = 3600.0
    """For what is old enough to go."""
    spool: float = 600.0
    """For files in the spool that no message needs."""
