"""How a wiring listens when nobody says otherwise, by the kind of its chat. Pure."""

from __future__ import annotations

from attrs import frozen

from nanoclaw.core.engage import ALWAYS
from nanoclaw.model.entities import EngageMode, IgnoredMessagePolicy, SenderScope, SessionMode


@frozen(kw_only=True)
class WiringDefaults:
    """What a new wiring says."""

    engage_mode: EngageMode
    engage_pattern: str | None
    sender_scope: SenderScope
    ignored_message_policy: IgnoredMessagePolicy
    session_mode: SessionMode = SessionMode.SHARED


def wiring_defaults(*, is_group: bool, threaded: bool) -> WiringDefaults:
    """A conversation of two is answered always, a group when it asks; with threads, the agent stays in those it is in.

    Args:
      is_group: Is the chat a group? Its own word, not whether its messages have threads: groups of platforms without
        threads are groups too.
      threaded: Does its channel have threads?
    """
    if not is_group:
        return WiringDefaults(
            engage_mode=EngageMode.PATTERN,
            engage_pattern=ALWAYS,
            sender_scope=SenderScope.ALL,
            ignored_message_policy=IgnoredMessagePolicy.DROP,
        )
    if threaded:
        return WiringDefaults(
            engage_mode=EngageMode.MENTION_STICKY,
            engage_pattern=None,
            sender_scope=SenderScope.KNOWN,
            ignored_message_policy=IgnoredMessagePolicy.ACCUMULATE,
        )
    return WiringDefaults(
        engage_mode=EngageMode.MENTION,
        engage_pattern=None,
        sender_scope=SenderScope.ALL,
        ignored_message_policy=IgnoredMessagePolicy.DROP,
    )
