"""Where is nobody who hears what is not said to us? A channel need not tell of that. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from nanoclaw.model.entities import EngageMode, IgnoredMessagePolicy, Wiring


@frozen(kw_only=True)
class Listening:
    """How a chat is listened to, as far as plain messages go: those that do not address us."""

    always: bool
    """May any of them concern somebody?"""
    in_threads: bool
    """Does one concern somebody in threads that an agent has engaged in?"""


QUIET = Listening(always=False, in_threads=False)
"""A chat that nobody listens to."""


def listening(wirings: Iterable[Wiring], *, waits: bool) -> Listening:
    """How the chat of *wirings* is listened to.

    A pattern may be in any text, and one that does not compile is told to the operator; what is kept as context is
    heard; and words may be the answer to what waits for one.

    Args:
      wirings: All of the chat's.
      waits: Does a question or an approval wait for an answer there?
    """
    always = in_threads = False
    for wiring in wirings:
        always = (
            always
            or wiring.engage_mode is EngageMode.PATTERN
            or wiring.ignored_message_policy is IgnoredMessagePolicy.ACCUMULATE
        )
        in_threads = in_threads or wiring.engage_mode is EngageMode.MENTION_STICKY
    return Listening(always=always or waits, in_threads=in_threads)
