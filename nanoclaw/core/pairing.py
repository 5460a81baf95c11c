"""Whom a code makes an owner: the first who says its four digits in private, in time. Pure.

Four digits are few. So a code lives for minutes, dies after a few wrong ones, whoever said those, and is used once.
Nobody is told that theirs was wrong: a stranger cannot even learn that somebody waits for a code. Somebody whom nothing
vouches for becomes no owner, as everybody can say that they are them.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from typing import TypeAlias

from attrs import evolve, frozen

from nanoclaw.model.ids import UNVERIFIED, ChannelName
from nanoclaw.model.messages import InboundEvent

DIGITS = 4
MOST_WRONG = 5
LIFETIME = timedelta(minutes=10)


@frozen(kw_only=True)
class Code:
    """A code that waits to be said."""

    channel: ChannelName
    digits: str
    expires_at: datetime
    wrong: int = 0
    """How often something else was said."""
    said_in: str | None = None
    """The platform's id of the message that said it. It is used then, and still good for that message."""


@frozen
class Paired:
    """Whoever said it is the one."""

    code: Code


@frozen
class Guessed:
    """It was another code."""

    code: Code | None
    """What is left; None: it has died of it."""


@frozen
class NoCode:
    """The message says none, or nobody waits for one."""


Meaning: TypeAlias = Paired | Guessed | NoCode


def judge(event: InboundEvent, code: Code | None, *, now: datetime) -> Meaning:
    """What *event* means for the *code* of its channel."""
    said = event.text.strip()
    vouched_for = not event.sender_id.startswith(f"{event.channel}:{UNVERIFIED}")
    is_plain = vouched_for and not event.is_group and event.choice is None and not event.attachments
    if code is None or not is_plain or code.channel != event.channel:
        return NoCode()
    if len(said) != DIGITS or not (said.isascii() and said.isdecimal()):
        return NoCode()
    if code.said_in is not None:
        return Paired(code) if code.said_in == event.platform_message_id else NoCode()
    if now >= code.expires_at:
        return NoCode()
    if hmac.compare_digest(said, code.digits):
        return Paired(evolve(code, said_in=event.platform_message_id))
    wrong = code.wrong + 1
    return Guessed(evolve(code, wrong=wrong) if wrong < MOST_WRONG else None)
