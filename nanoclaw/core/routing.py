"""Who hears an event? Pure: ingress gathers the facts, this file judges them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from attrs import frozen

from nanoclaw.model.entities import MessagingGroup, Wiring


@frozen
class Wake:
    """Each of these wirings gets the message and starts a turn; the most important first."""

    wirings: tuple[Wiring, ...]


@frozen
class Ignore:
    """Nobody hears it; the reason is recorded, the content is not."""

    reason: str
    detail: str


Plan: TypeAlias = Wake | Ignore


def plan(chat: MessagingGroup | None, wirings: Sequence[Wiring]) -> Plan:
    """Judge one event of *chat* (None: no such chat is known) against the wirings of that chat.

    Every wiring engages on every message.
    """
    if chat is None:
        return Ignore("unknown-chat", "no messaging group of that name on that channel")
    if not wirings:
        return Ignore("not-wired", "no agent group hears this chat")
    return Wake(tuple(wirings))
