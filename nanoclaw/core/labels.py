"""Who speaks, where several agents write to one chat by one account of a platform. Pure.

A label is the first line of each message: a mark and the agent's name. Platforms put messages of one account below each
other as if they were one, so an agent must not be able to write a line that looks like another's label: where there are
labels, the mark is in no other place.
"""

from __future__ import annotations

import html
import re

from attrs import evolve, frozen

from nanoclaw.core.notices import plain
from nanoclaw.core.speech import Say, ShowCard, ShowQuestion, ShowReaction
from nanoclaw.model.entities import AgentLabels

MARK = "◆"
INSTEAD = "◇"
"""What an agent's own mark becomes."""
MOST_NAME = 60
"""Characters of a name."""
_MARKS = re.compile("[◆♦⧫⬥⬧⬩⬪⯁🞗-🞙🞝-🞟]\ufe0f?")
"""The mark, and signs that pass for it."""
_ENTITY = re.compile(r"&#?\w{1,40};?")
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


@frozen
class Label:
    """How an agent's messages begin."""

    name: str
    literal: bool = False
    """Is what follows shown sign for sign, and no Markdown?"""

    def on(self, text: str) -> str:
        """*text*, which may be empty, under the label."""
        name = _MARKS.sub(INSTEAD, plain(self.name, MOST_NAME)) or "?"
        if self.literal:
            return f"{MARK} {name}\n{_own(text)}".rstrip("\n")
        escaped = _PUNCTUATION.sub(r"\\\1", name)
        head = f"**{MARK} {escaped}**"
        words = _own(text)
        # What is no plain word may mean something to Markdown only behind an empty line.
        return f"{head}\n{words}" if words[:1].isalpha() else f"{head}\n\n{words}".rstrip("\n")


def label_of(name: str, labels: AgentLabels, *, others: bool) -> str | None:
    """The name that an agent's messages have to begin with in a chat of those *labels*; None: none.

    Args:
      name: The agent's.
      labels: What is set for the chat.
      others: May another agent write there?
    """
    match labels:
        case AgentLabels.ALWAYS:
            return name
        case AgentLabels.AUTO:
            return name if others else None
        case AgentLabels.NEVER:
            return None


def labelled(say: Say, label: Label) -> Say:
    """The same, under *label*. A reaction stands at another message and says nothing."""
    match say.native:
        case ShowReaction():
            return say
        case ShowCard(title=title, description=words) as card:
            title, words = _headed(title, words, label)
            return Say(label.on(say.text), evolve(card, title=title, description=words))
        case ShowQuestion(title=title, text=words) as question:
            title, words = _headed(title, words, label)
            return Say(label.on(say.text), evolve(question, title=title, text=words))
        case _:
            return Say(label.on(say.text), say.native)


def _headed(title: str, words: str, label: Label) -> tuple[str, str]:
    """A title and what stands below it, the first of which is under the label."""
    if title.strip() and title.strip() != words.strip():
        return label.on(title), _own(words)
    return "", label.on(words)


def _own(text: str) -> str:
    """An agent's words, without the mark, also where a reader of Markdown would make one."""
    text = _ENTITY.sub(lambda found: INSTEAD if _MARKS.search(html.unescape(found[0])) else found[0], text)
    return _MARKS.sub(INSTEAD, text)
