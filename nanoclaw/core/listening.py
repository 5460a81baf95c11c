"""Where is nobody who hears what is not said to us? A channel need not tell of that. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from attrs import frozen

from nanoclaw.model.entities import EngageMode, IgnoredMessagePolicy


@frozen(kw_only=True)
class Listening:
    """How a chat is listened to, as far as plain messages go: those that do not address us."""

    always: bool
    """May any of them concern somebody?"""
    in_threads: bool
    """Does one concern somebody in threads that an agent has engaged in?"""


Way: TypeAlias = tuple[EngageMode, IgnoredMessagePolicy]
"""How one wiring listens, as far as that goes."""
QUIET = Listening(always=False, in_threads=False)
"""A chat that nobody listens to."""


def listening(ways: Iterable[Way], *, waits: bool) -> Listening:
    """How a chat is listened to.

    A pattern may be in any text, and one that does not compile is told to the operator; what is kept as context is
    heard; and words may be the answer to what waits for one.

    Args:
      ways: Of all the chat's wirings.
      waits: Does a question or an approval wait for an answer there?
    """
    always = in_threads = False
    for mode, ignored in ways:
        always = always or mode is EngageMode.PATTERN or ignored is IgnoredMessagePolicy.ACCUMULATE
        in_threads = in_threads or mode is EngageMode.MENTION_STICKY
    return Listening(always=always or waits, in_threads=in_threads)
