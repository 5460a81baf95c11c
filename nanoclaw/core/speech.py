"""How something that an agent says is put on a channel: as the channel can show it, else in plain words. Pure.

Every channel can show text. What else it can is its abilities; for whatever it cannot, the words are made here, once
for all channels.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import Enum
from typing import TypeAlias

from attrs import frozen

from nanoclaw.core.approvals import PREFIX
from nanoclaw.core.notices import plain
from nanoclaw.model.ids import QuestionId
from schema.payloads import AskQuestion, Card, ChatOut, Edit, Option, OutPayload, Reaction, SystemOut
from schema.rows import OutKind

MOST_QUOTED = 80
"""Characters of a message that is named by its beginning."""
HOW_TO_ANSWER = "(answer with a number, or with the words)"


class Ability(Enum):
    """What a channel can show besides text and files."""

    EDIT = "edit"  # a message of ours changes where it stands
    REACTION = "reaction"
    CARD = "card"
    QUESTION = "question"  # options that can be pressed, or are numbered and typed
    APPROVAL = "approval"  # options that are buttons, and the platform vouches for who presses one
    DRAFT = "draft"  # a message that grows while it is written
    SPEAKER = "speaker"  # which agent speaks is seen beside each message


@frozen(kw_only=True)
class Target:
    """The message that an edit or a reaction is about, as it stands on its platform."""

    platform_message_id: str | None
    """None: it is not there, or its platform gave it no name."""
    text: str
    """What it said."""
    why_not: str | None = None
    """Why it is not there."""
    stands: tuple[str, ...] = ()
    """The platform's ids of the parts that its text stands in, if they are several."""
    answered: bool = False
    """It is a question of an agent's, and is changed by the host to say how it was answered."""


@frozen(kw_only=True)
class ShowEdit:
    """Change the message of that id, on its platform, to the text of this one."""

    platform_message_id: str


@frozen(kw_only=True)
class ShowReaction:
    """React to the message of that id on its platform."""

    platform_message_id: str
    emoji: str
    quoted: str
    """How that message begins."""


@frozen(kw_only=True)
class ShowCard:
    """A titled card."""

    title: str
    description: str


@frozen(kw_only=True)
class ShowQuestion:
    """A question with options to choose from; whoever chooses is told as an event with a `Choice`."""

    question: QuestionId
    title: str
    text: str
    options: tuple[Option, ...]


Native: TypeAlias = ShowEdit | ShowReaction | ShowCard | ShowQuestion


@frozen
class Say:
    """Send this: *native* where there is one, and *text*, which says the same in words."""

    text: str
    native: Native | None = None


@frozen
class OnlyRecord:
    """Show nothing; the record says why."""

    why: str


@frozen
class CannotSay:
    """It has come to nothing, for good."""

    why: str


Spoken: TypeAlias = Say | OnlyRecord | CannotSay


def speak(said: OutPayload, target: Target | None, abilities: Collection[Ability]) -> Spoken:
    """Put *said* as a channel of those *abilities* can show it.

    Args:
      said: What the agent says.
      target: What it is about, of an edit or a reaction; None: there is no such message any more.
      abilities: The channel's.
    """
    match said:
        case ChatOut():
            return Say(said.text)
        case Edit() | Reaction():
            return _about(said, target, abilities)
        case Card():
            native = ShowCard(title=said.title, description=said.description)
            return Say(said.fallback, native if Ability.CARD in abilities else None)
        case AskQuestion(question_id=name) if name.startswith(PREFIX):
            buttons = ShowQuestion(
                question=QuestionId(name), title=said.title, text=said.question, options=said.options
            )
            return Say(approval_in_words(said), buttons if Ability.APPROVAL in abilities else None)
        case AskQuestion():
            asked = ShowQuestion(
                question=QuestionId(said.question_id), title=said.title, text=said.question, options=said.options
            )
            return Say(question_in_words(said), asked if Ability.QUESTION in abilities else None)
        case SystemOut():
            return CannotSay("it is a request, which no chat is told of")


def is_repeatable(kind: str, abilities: Collection[Ability]) -> bool:
    """Does a second attempt leave nothing twice, on a channel of those *abilities*?

    What changes a message where it stands is the same change again. *kind* is an `OutKind` as the ledger has it.
    """
    changes = {OutKind.EDIT.value: Ability.EDIT, OutKind.REACTION.value: Ability.REACTION}
    return changes.get(kind) in abilities


def _about(said: Edit | Reaction, target: Target | None, abilities: Collection[Ability]) -> Spoken:
    if target is None:
        return CannotSay("the message that it is about is no longer known")
    if target.answered and not ({Ability.EDIT, Ability.APPROVAL} <= set(abilities) and target.platform_message_id):
        return OnlyRecord("there are no buttons to take away, or its platform does not say where they are")
    if target.why_not is not None:
        return CannotSay(f"the message that it is about did not arrive: {target.why_not}")
    quoted = plain(target.text, MOST_QUOTED)
    if isinstance(said, Edit):
        words = f"(correction of “{quoted}”)\n{said.text}" if quoted else f"(correction)\n{said.text}"
        if Ability.EDIT in abilities and target.platform_message_id is not None:
            return Say(said.text, ShowEdit(platform_message_id=target.platform_message_id))
        return Say(words)
    if Ability.REACTION in abilities and target.platform_message_id is not None:
        native = ShowReaction(platform_message_id=target.platform_message_id, emoji=said.emoji, quoted=quoted)
        return Say(said.emoji, native)
    return OnlyRecord("there are no reactions on this channel, and nothing was shown")


def question_in_words(asked: AskQuestion) -> str:
    """A question as text: its options numbered, and how to answer."""
    head = [line for line in (asked.title, asked.question) if line.strip()]
    if len(head) == 2 and head[0] == head[1]:
        head.pop()
    return "\n".join([*head, *numbered(asked.options), HOW_TO_ANSWER])


def approval_in_words(asked: AskQuestion) -> str:
    """A card as text. What has to be typed has its code in it, which nobody knows who was not sent the card."""
    code = asked.question_id.rpartition("/")[2]
    ways = [f"    {option.label} {code}" for option in asked.options]
    return "\n".join([asked.title, asked.question, "To decide, type one of these lines:", *ways])


def numbered(options: Sequence[Option]) -> list[str]:
    """One line for each option, as people type them."""
    return [f"{number}. {option.label}" for number, option in enumerate(options, start=1)]
