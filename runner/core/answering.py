"""What a result comes to: what is said, which messages are settled, and whether the agent has to say it again. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from attrs import frozen

from runner.core.causes import Causes, causes_of
from runner.core.replies import NoAddress, Say, answer_command, decide_replies, what_to_tell
from runner.core.under_way import Put
from runner.model import Reply
from schema.rows import Destination


@frozen(kw_only=True)
class Settle:
    """It is said, and those messages are done."""

    replies: tuple[Reply, ...]
    completed: tuple[str, ...]
    lost: str | None = None
    """What the agent would be told, had it not been told the like already."""


@frozen(kw_only=True)
class Remind:
    """Some of it reached nobody. The agent is told so; until it has answered, nothing is said and nothing settled."""

    put: Put


Verdict: TypeAlias = Settle | Remind


def decide_answer(
    text: str | None,
    answered: Sequence[Put],
    destinations: Sequence[Destination],
    *,
    last: Causes,
    before: str = "",
    spoke: bool = False,
    new_id: str,
) -> Verdict:
    """Decide what becomes of a result.

    Args:
      text: What the model said; None for nothing.
      answered: What it had read.
      destinations: Whom it may write to, as things are now.
      last: What it answered before, for words that answer nothing: those of a model that speaks up by itself.
      before: What it said before that, on the way to it.
      spoke: Has it sent something by itself meanwhile? Then words for nobody are taken for thoughts.
      new_id: The name of another input, should one be needed.
    """
    causes = causes_under(answered, destinations, last)
    held = tuple(reply for put in answered for reply in put.held)
    completed = tuple(message for put in answered for message in put.settles)
    command = next((put.command for put in answered if put.command is not None), None)
    if command is not None:
        return Settle(replies=(*held, *answer_command(text, command, causes.newest)), completed=completed)
    names = [destination.name for destination in destinations]
    outcome = decide_replies(text, names, causes, before=before)
    replies = (*held, *outcome.replies) if isinstance(outcome, Say) else held
    is_thought = spoke and outcome == NoAddress()
    complaint = None if is_thought else what_to_tell(outcome, names)
    if complaint is None or any(put.reminder is not None for put in answered):
        return Settle(replies=replies, completed=completed, lost=complaint)
    return Remind(
        put=Put(
            id=new_id,
            rows=tuple(incoming for put in answered for incoming in put.rows),
            reminder=complaint,
            held=replies,
        )
    )


def causes_under(puts: Sequence[Put], destinations: Sequence[Destination], last: Causes) -> Causes:
    """What a model answers that has read *puts*; *last* if nobody asked anything in them."""
    causes = causes_of((incoming.row for put in puts for incoming in put.rows), destinations)
    return last if causes.newest is None else causes
