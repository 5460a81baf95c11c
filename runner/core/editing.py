"""Can the message of a number be edited, or reacted to? Pure. Why it cannot is a sentence for the model."""

from __future__ import annotations

from schema.rows import Delivered, DeliveredStatus, InKind, MessageIn, MessageOut, OutKind
from schema.seq import is_hosts

SAID = frozenset({OutKind.CHAT, OutKind.CARD, OutKind.ASK_QUESTION})
HEARD = frozenset({InKind.CHAT, InKind.CHAT_SDK})


def why_not_edited(seq: int, message: MessageIn | Delivered | MessageOut | None) -> str | None:
    """Why the text of message number *seq* cannot be replaced; None if it can."""
    if message is None:
        return _unknown(seq)
    if is_hosts(seq):
        return f"#{seq} is not yours; you can edit only what you have sent."
    if isinstance(message, MessageOut) and message.kind is not OutKind.CHAT:
        return f"#{seq} has no text of its own; you can edit only messages."
    return _not_there(seq, message)


def why_not_reacted(seq: int, message: MessageIn | Delivered | MessageOut | None) -> str | None:
    """Why nobody can react to message number *seq*; None if one can."""
    match message:
        case None:
            return _unknown(seq)
        case MessageIn(kind=kind) if kind not in HEARD or message.platform_id is None:
            return f"#{seq} is not a message in a chat."
        case MessageOut(kind=kind) if kind not in SAID:
            return f"#{seq} is not a message in a chat."
        case _:
            return _not_there(seq, message)


def _not_there(seq: int, message: MessageIn | Delivered | MessageOut) -> str | None:
    if isinstance(message, Delivered) and message.status is DeliveredStatus.FAILED:
        return f"#{seq} was never delivered."
    return None


def _unknown(seq: int) -> str:
    return f"There is no message #{seq}, or it is too old. Numbers stand in the id of what you are told."
