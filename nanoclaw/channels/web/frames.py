"""What a page and the host say to each other over its socket.

A page says one word, a space and a JSON object, read as strictly as what a sandbox says. The host answers with JSON
objects that say their type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from attrs import field, frozen
from attrs.validators import ge, matches_re, max_len, min_len, optional

from nanoclaw.core.conversations import Answered, Conversation, File, Item, Person, Said, Shown
from nanoclaw.core.speech import ShowCard, ShowEdit, ShowQuestion, ShowReaction
from schema import payloads
from schema.files import MOST_FILES

MOST_TEXT = 100_000
MOST_NAME = 80
MOST_ID = 200


@frozen(kw_only=True)
class Open:
    """Show this conversation: what came after that position, or the end of it."""

    chat: str = field(validator=max_len(MOST_ID))
    after: int | None = field(default=None, validator=optional(ge(0)))


@frozen(kw_only=True)
class Older:
    """Show what was there before that position."""

    chat: str = field(validator=max_len(MOST_ID))
    before: int = field(validator=ge(0))


@frozen(kw_only=True)
class Say:
    """The person says *text*; *id* is unique for ever, so that saying it again is harmless.

    *files* are those that were sent ahead. *question* and *choice*: they pressed an option of that question.
    """

    id: str = field(validator=matches_re(r"[A-Za-z0-9-]{8,64}"))
    chat: str = field(validator=max_len(MOST_ID))
    text: str = field(validator=max_len(MOST_TEXT))
    files: tuple[str, ...] = field(default=(), validator=max_len(MOST_FILES))
    question: str | None = field(default=None, validator=optional(max_len(1_000)))
    choice: str | None = field(default=None, validator=optional(max_len(1_000)))

    def __attrs_post_init__(self) -> None:
        if not self.text.strip() and not self.files:
            raise ValueError("neither text nor files")
        if (self.question is None) != (self.choice is None):
            raise ValueError("an option of no question, or a question without an option")


@frozen(kw_only=True)
class Begin:
    """Begin a conversation with the agent of that id."""

    agent: str = field(validator=max_len(MOST_ID))
    name: str = field(validator=[min_len(1), max_len(MOST_NAME)])


@frozen(kw_only=True)
class Look:
    """Show the running house from now on, once a second; or no more."""

    on: bool


@frozen(kw_only=True)
class Timeline:
    """Show what happened in that session."""

    session: str = field(validator=max_len(MOST_ID))


FromPage: TypeAlias = Open | Older | Say | Begin | Look | Timeline
WORDS: Mapping[str, type[FromPage]] = {
    "open": Open,
    "older": Older,
    "say": Say,
    "begin": Begin,
    "look": Look,
    "timeline": Timeline,
}


def read_page(text: str) -> FromPage:
    """What a page said. Raises `PayloadError`."""
    word, _, rest = text.partition(" ")
    if word not in WORDS:
        raise payloads.PayloadError("it begins with no word that is known here")
    return payloads.read_as(WORDS[word], rest)


def message_id(person: Person, said: str) -> str:
    """What the rest of the house calls a message of *person*'s: no page can speak of another one's."""
    return f"{person.handle}:{said}"


def conversations(found: tuple[Conversation, ...]) -> list[dict[str, object]]:
    """The list, for a page."""
    return [{"id": one.id, "name": one.name, "agents": list(one.agents), "last": one.last} for one in found]


Render: TypeAlias = Callable[[str], str]
"""Makes HTML of an agent's Markdown."""


def item(person: Person, shown: Item, render: Render, plain: Render) -> dict[str, object]:
    """One thing that was said, for *person*'s page. Blocks for as long as *render* does.

    Only an agent's words are Markdown. What the host itself says is shown as it is: a card must show what it is about
    and nothing else.
    """
    match shown:
        case Said():
            return {
                "type": "said",
                "position": shown.position,
                "id": shown.id.removeprefix(message_id(person, "")),
                "at": shown.at.isoformat(),
                "sender": shown.sender,
                "text": shown.text,
                "files": _files(shown.files),
            }
        case Answered():
            return {
                "type": "answered",
                "position": shown.position,
                "question": shown.question,
                "answer": shown.answer,
            }
        case Shown():
            words = render if shown.speaker is not None else plain
            return {
                "type": "shown",
                "position": shown.position,
                "key": shown.key,
                "at": shown.at.isoformat(),
                "speaker": shown.speaker,
                "files": _files(shown.files),
                **_native(shown, words),
            }


def _native(shown: Shown, words: Render) -> dict[str, object]:
    match shown.native:
        case None:
            return {"html": words(shown.text) if shown.text else ""}
        case ShowEdit(platform_message_id=edited):
            return {"edits": edited, "html": words(shown.text)}
        case ShowReaction(platform_message_id=about, emoji=emoji):
            # Of the person's own messages, a page knows the id that it made up.
            return {"reacts_to": about.rpartition(":")[2] if ":" in about else about, "emoji": emoji}
        case ShowCard(title=title, description=description):
            return {"title": title, "html": words(description) if description else ""}
        case ShowQuestion() as asked:
            return {
                "title": asked.title if asked.title != asked.text else "",
                "html": words(asked.text) if asked.text else "",
                "question": asked.question,
                "options": [{"label": option.label, "value": option.value} for option in asked.options],
                "waits": shown.waits,
                "answer": shown.answer,
            }


def _files(files: tuple[File, ...]) -> list[dict[str, object]]:
    return [{"name": one.name, "size": one.size} for one in files]
