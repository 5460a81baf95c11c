"""What of a model's result is said, and to whom? Pure.

`<message to="name">…</message>` blocks are messages, several of them allowed; `<internal>…</internal>` is never sent;
the rest is scratchpad. With exactly one destination and no block, the rest is the reply, in the thread it came from.
Models leave tags open: a block without its end runs to the next block, a thought without its end to the end of all.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TypeAlias

from attrs import frozen

from runner.core.text import storable
from runner.model import Reply
from schema.payloads import MOST_TEXT

MOST_PIECE = min(MOST_TEXT, 150_000)
"""Characters of one reply: as JSON each may take six bytes, and a row has 1 MiB."""

_INTERNAL = re.compile(r"<internal>.*?(?:</internal>|\Z)", re.DOTALL)
_BLOCK = re.compile(r'<message\s+to="([^"]*)"\s*>(.*?)(?:</message>|(?=<message\s+to=")|\Z)', re.DOTALL)


@frozen
class Say:
    """There is something to say."""

    replies: tuple[Reply, ...]
    unknown: tuple[str, ...] = ()
    """Names that blocks were addressed to and that mean nobody; those blocks are lost."""


@frozen
class Silent:
    """There is nothing to say, on purpose."""


@frozen
class NoAddress:
    """There are words and nobody they are for. Nothing is sent; the agent is told once how to address them."""

    unknown: tuple[str, ...] = ()


Outcome: TypeAlias = Say | Silent | NoAddress


def decide_replies(result: str | None, names: Collection[str], in_reply_to: str | None) -> Outcome:
    """Decide what of *result* becomes a message.

    Args:
      result: What the model ended with; None if it ended without words.
      names: The destinations there are.
      in_reply_to: The id of the newest message of the batch that asked for a turn. Every reply answers that one.
    """
    text = _INTERNAL.sub("", storable(result or ""))
    blocks = [(name, body.strip()) for name, body in _BLOCK.findall(text)]
    if not blocks:
        rest = text.strip()
        if not rest:
            return Silent()
        return Say(tuple(_cut(None, in_reply_to, rest))) if len(names) == 1 else NoAddress()
    spoken = [(name, body) for name, body in blocks if body]
    unknown = tuple(dict.fromkeys(name for name, _ in spoken if name not in names))
    replies = tuple(reply for name, body in spoken if name in names for reply in _cut(name, in_reply_to, body))
    if replies:
        return Say(replies, unknown)
    return NoAddress(unknown) if unknown else Silent()


def what_to_tell(outcome: Outcome, names: Collection[str]) -> str | None:
    """What the agent should know of how its words were taken; None if all went well."""
    if isinstance(outcome, Silent) or (isinstance(outcome, Say) and not outcome.unknown):
        return None
    what = "Part of your answer" if isinstance(outcome, Say) else "Your answer"
    why = f"there is no destination {_list(outcome.unknown)}" if outcome.unknown else "it does not say who it is for"
    lost = f"{what} was not delivered: {why}."
    if not names:
        return f"{lost} There is nobody you may write to."
    return f'{lost} Wrap each message as <message to="name">…</message>; the names are: {_list(sorted(names))}.'


def _cut(destination: str | None, in_reply_to: str | None, text: str) -> list[Reply]:
    """One reply, or as many as it takes for the longest text a message may have."""
    pieces = (text[at : at + MOST_PIECE] for at in range(0, len(text), MOST_PIECE))
    return [Reply(destination=destination, in_reply_to=in_reply_to, text=piece) for piece in pieces]


def _list(names: Collection[str]) -> str:
    return ", ".join(names)
