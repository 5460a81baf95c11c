"""Does an agent take up what was said? Pure.

Patterns come from people and texts from strangers, so patterns are RE2: its search takes time in proportion to the
text, whatever the pattern (https://github.com/google/re2/wiki/WhyRE2).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol, TypeAlias

import re2
from attrs import frozen

from nanoclaw.model.entities import EngageMode

ALWAYS = "."
"""The pattern that every message matches, also one without text."""
MOST_TEXT = 8 * 1024
"""Characters of a message that are searched."""
MOST_PATTERN = 1_000
MOST_MEMORY = 1 << 20
"""Bytes that RE2 may use for one pattern; a pattern that needs more does not compile."""


class Pattern(Protocol):
    """A compiled pattern."""

    def search(self, text: str) -> object | None:
        """What of *text* matches; None if nothing does."""
        ...


@frozen
class BadPattern:
    """This is no pattern."""

    why: str


@frozen
class Engaged:
    """It does."""

    why: str


@frozen
class NotEngaged:
    """It does not."""

    reason: str
    detail: str
    fault: bool = False
    """Is that because something is wrong with the wiring?"""


Verdict: TypeAlias = Engaged | NotEngaged


@lru_cache(maxsize=1024)
def compile_pattern(source: str) -> Pattern | BadPattern:
    """*source* as a pattern, or what is wrong with it."""
    if not source:
        return BadPattern("it is empty; the pattern for every message is .")
    if len(source) > MOST_PATTERN:
        return BadPattern(f"it has {len(source)} characters; {MOST_PATTERN} are the most")
    options = re2.Options()
    options.max_mem = MOST_MEMORY
    options.log_errors = False
    try:
        compiled: Pattern = re2.compile(source, options)
    except re2.error as exc:
        said: bytes = exc.args[0]
        return BadPattern(said.decode("utf-8", "replace"))
    except UnicodeEncodeError:
        return BadPattern("it holds half a character, which no text does")
    return compiled


def engage(mode: EngageMode, pattern: str | None, *, text: str, mention: bool, engaged_before: bool) -> Verdict:
    """Judge one message by one wiring.

    Args:
      mode: The wiring's.
      pattern: The wiring's, with `EngageMode.PATTERN`.
      text: What was said; its first `MOST_TEXT` characters are searched.
      mention: The platform's word that the agent was addressed.
      engaged_before: Has this agent taken up something in this thread before? Never without a thread.
    """
    if mode is EngageMode.PATTERN:
        return _by_pattern(pattern or "", text)
    if mention:
        return Engaged("the platform says that it is addressed to us")
    if mode is EngageMode.MENTION_STICKY:
        if engaged_before:
            return Engaged("the agent has engaged in this thread before")
        return NotEngaged("not-addressed", "no mention, and the agent has not engaged in this thread before")
    return NotEngaged("not-addressed", "no mention")


def _by_pattern(pattern: str, text: str) -> Verdict:
    if pattern == ALWAYS:
        return Engaged("the pattern . takes every message")
    compiled = compile_pattern(pattern)
    if isinstance(compiled, BadPattern):
        return NotEngaged("bad-pattern", f"the pattern {pattern!r} does not compile: {compiled.why}", fault=True)
    if compiled.search(_searchable(text)):
        return Engaged(f"the pattern {pattern!r} is in the text")
    return NotEngaged("no-match", f"the pattern {pattern!r} is not in the text")


def _searchable(text: str) -> str:
    """What RE2 is given of *text*: half surrogates have no UTF-8."""
    return text[:MOST_TEXT].encode("utf-8", "replace").decode("utf-8")
