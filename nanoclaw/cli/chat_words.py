"""What a chat shows of messages that are more than a text: edits, reactions, cards, and questions to be answered."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, field
from rich.console import RenderableType

from nanoclaw.channels.terminal.frames import Show
from nanoclaw.cli.words import printable
from nanoclaw.core.notices import visible
from nanoclaw.core.questions import meant
from nanoclaw.core.speech import HOW_TO_ANSWER, numbered
from schema.payloads import Option


def lines_of(frame: Show, agent: str | None, saved: Sequence[str]) -> list[str]:
    """What to print of a message where there is no terminal to make it look nice; of files, what was *saved*."""
    words = in_words(frame)
    said = words if frame.speaker in (None, agent) else f"{frame.speaker}: {words}"
    return [visible(line) for line in (*([said] if words else []), *saved)]


def on_terminal(frame: Show) -> RenderableType:
    """What a terminal shows of a message: an agent's as Markdown, with where its links lead.

    The host's own words are no Markdown: they quote strangers', of which people must see every sign before they decide.
    """
    from rich.markdown import Markdown

    if frame.speaker is None:
        return printable(in_words(frame))
    return Markdown(visible(in_markdown(frame)), hyperlinks=False)


def in_words(frame: Show) -> str:
    """The message as plain text."""
    return "\n".join([*_said(frame, "{}"), *_choices(frame)])


def in_markdown(frame: Show) -> str:
    """The message as Markdown."""
    # What follows a list without a line between them is taken for part of its last item.
    choices = ["\n".join(numbered(_options(frame))), HOW_TO_ANSWER] if frame.options else []
    return "\n\n".join([*_said(frame, "**{}**"), *choices])


def _said(frame: Show, title: str) -> list[str]:
    if frame.edits is not None:
        return [f"(changed) {frame.text}"]
    if frame.reacts_to is not None:
        return [f"{frame.text} to “{frame.quoted}”" if frame.quoted else frame.text]
    head = [title.format(frame.title)] if frame.title else []
    return [*head, *([frame.text] if frame.text and frame.text != frame.title else [])]


def _choices(frame: Show) -> list[str]:
    """The options of a question, and how to answer it."""
    return [*numbered(_options(frame)), HOW_TO_ANSWER] if frame.options else []


@define
class OpenQuestions:
    """The questions that a chat has shown and nobody answered in it."""

    _shown: dict[str, tuple[Option, ...]] = field(factory=dict[str, tuple[Option, ...]], init=False)

    def note(self, frame: Show) -> None:
        """Remember *frame* if it asks something."""
        if frame.question is not None:
            self._shown[frame.question] = _options(frame)

    def take(self, typed: str) -> str | None:
        """The id of the latest question that *typed* answers, which is open no longer; None: it answers none."""
        for question, options in reversed(self._shown.items()):
            if meant(typed, options) is not None:
                del self._shown[question]
                return question
        return None


def _options(frame: Show) -> tuple[Option, ...]:
    return tuple(Option(label=label, value=label) for label in frame.options)
