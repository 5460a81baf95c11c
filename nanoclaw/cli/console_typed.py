"""What is typed at the debug console: line by line, with what fits completed by Tab."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prompt_toolkit.completion import Completer

PROMPT = "nanoclaw> "
Choices = Callable[[str], Iterable[str]]
"""What can stand behind a command, by the command's name."""


def typed(commands: Sequence[str], choices: Choices) -> Iterator[str]:
    """Each line until the end of the input. *choices* is asked as somebody types, once a line for each command."""
    if not sys.stdin.isatty():
        yield from sys.stdin
        return
    from prompt_toolkit import PromptSession

    # In a thread: a host that is slow to answer holds up nobody who types, and asking it is a loop of its own.
    session: PromptSession[str] = PromptSession(complete_in_thread=True)
    while True:
        try:
            yield session.prompt(PROMPT, completer=completer(commands, choices))
        except KeyboardInterrupt:
            continue
        except EOFError:
            return


def completer(commands: Sequence[str], choices: Choices) -> Completer:
    """Completes a command, and behind it what that command is about."""
    from prompt_toolkit.completion import CompleteEvent, Completion, FuzzyWordCompleter
    from prompt_toolkit.completion import Completer as Base
    from prompt_toolkit.document import Document

    known: dict[str, list[str]] = {}

    class Words(Base):
        """One line's."""

        def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
            """Those for the word under the cursor."""
            first, blank, rest = document.text_before_cursor.partition(" ")
            if not blank:
                return FuzzyWordCompleter(list(commands), WORD=True).get_completions(document, complete_event)
            if first == "watch":
                return self.get_completions(Document(rest), complete_event)
            if first not in known:
                known[first] = list(choices(first))
            return FuzzyWordCompleter(known[first], WORD=True).get_completions(Document(rest), complete_event)

    return Words()


def below(node: Mapping[str, object], above: str = "") -> Iterator[str]:
    """The path of every actor below *node*."""
    children = node["children"]
    assert isinstance(children, list)
    for child in children:
        path = f"{above}{child['name']}"
        yield path
        yield from below(child, f"{path}/")
