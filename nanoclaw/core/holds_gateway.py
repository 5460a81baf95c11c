"""Is there a way out for agents, or why is there none? Pure."""

from __future__ import annotations

from collections.abc import Mapping

from nanoclaw.core.holds_words import Hold, Reason, bad, good, waits

PROCESS, NEXT, OVER = "process", "next", "over a limit"
"""What the gateway says of itself: its process' number or one of the two below, when the next one begins, and which
sandboxes have used up what they may ask for."""
NONE, BEGINS = "none", "starting"


CUTS_OFF = frozenset({Reason.NO_WAY_OUT, Reason.STARTING})
"""Of every agent; what a limit is about is one sandbox's."""


def gateway_hold(signals: Mapping[str, str], last_error: str | None) -> Hold:
    """What the gateway is at, or why no agent gets out."""
    before = f"; the one before ended: {last_error}" if last_error else ""
    match signals.get(PROCESS):
        case "none":
            following = f", the next one begins {signals[NEXT]}" if NEXT in signals else ""
            words = f"no agent reaches its model: the gateway has no process{following}{before}"
            return bad(Reason.NO_WAY_OUT, words, "nanoclaw logs --level warning")
        case "starting":
            return waits(Reason.STARTING, f"the gateway's process is starting, and agents wait for it{before}")
        case None:
            return good(Reason.AT_WORK, "it is no process of its own")
        case number if over := signals.get(OVER):
            words = f"process {number}; has used up what it may ask for or move: {over}"
            return waits(Reason.LIMIT, words, "nanoclaw egress log --outcome refused")
        case number:
            return good(Reason.AT_WORK, f"process {number}")
