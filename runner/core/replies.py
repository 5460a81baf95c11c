"""What of a model's result is said, and to whom? Pure.

Messages go to those whose names they bear, each as an answer to what came from there. With exactly one destination
and no block, all there is, is the reply, in the thread it came from.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeAlias

from attrs import frozen

from runner.core.blocks import Kind, parts, spoken, without_half_a_tag
from runner.core.causes import Causes
from runner.core.text import storable
from runner.model import Reply
from schema.payloads import MOST_TEXT

MOST_PIECE = min(MOST_TEXT, 150_000)
"""Characters of one reply: as JSON each may take six bytes, and a row has 1 MiB."""


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


def decide_replies(result: str | None, names: Collection[str], causes: Causes, *, before: str = "") -> Outcome:
    """Decide what of *result* becomes a message.

    Args:
      result: What the model ended with; None if it ended without words.
      names: The destinations there are.
      causes: What is answered.
      before: What it said on the way, between its tools: thoughts, but for what is addressed in it.
    """
    last = _blocks(result or "")
    rest = "" if last else spoken(storable(result or "")).strip()
    # Models say at the end once more what they have said already.
    early = [block for block in _blocks(before) if block not in last]
    addressed = [(name, body) for name, body in (*early, *last) if body]
    unknown = tuple(dict.fromkeys(name for name, _ in addressed if name not in names))
    replies = [reply for name, body in addressed if name in names for reply in _cut(name, causes.of(name), body)]
    if rest and len(names) == 1:
        replies += _cut(None, causes.newest, rest)
    if replies:
        return Say(tuple(replies), unknown)
    return NoAddress(unknown) if unknown or rest else Silent()


def answer_command(result: str | None, command: str, in_reply_to: str | None) -> tuple[Reply, ...]:
    """What is said of a *command*: whatever came of it, where it was given."""
    said = storable(result or "").strip() or f"{command.partition(' ')[0]}: done."
    return tuple(_cut(None, in_reply_to, said))


def begun(text: str, names: Collection[str]) -> tuple[str | None, str] | None:
    """Whom a result that is still being written is for, and what it says so far; None while that is nothing."""
    found = list(parts(without_half_a_tag(spoken(storable(text)))))
    blocks = [part for part in found if part.kind is Kind.MESSAGE]
    if not blocks:
        rest = found[-1].text.strip()
        return (None, rest) if rest and len(names) == 1 else None
    body = blocks[-1].text.strip()
    return (blocks[-1].to, body) if body and blocks[-1].to in names else None


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


def _blocks(text: str) -> list[tuple[str, str]]:
    """The messages in *text*: whom each is for, and what it says."""
    found = parts(spoken(storable(text)))
    return [(part.to, part.text.strip()) for part in found if part.to is not None]


def _cut(destination: str | None, in_reply_to: str | None, text: str) -> list[Reply]:
    """One reply, or as many as it takes for the longest text a message may have."""
    pieces = (text[at : at + MOST_PIECE] for at in range(0, len(text), MOST_PIECE))
    return [Reply(destination=destination, in_reply_to=in_reply_to, text=piece) for piece in pieces]


def _list(names: Collection[str]) -> str:
    return ", ".join(names)
