"""What Tab completes at the debug console."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from nanoclaw.cli.console_acts import words_of
from nanoclaw.cli.console_typed import below, completer
from nanoclaw.errors import UsageError

CHOICES = {"stack": ["sessions", "sessions/ses-1", "delivery"], "park": ["ses-1", "ses-2"]}


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("st", ["stack"]),
        ("stack s/1", ["sessions/ses-1"]),
        ("park ", ["ses-1", "ses-2"]),
        ("watch stack del", ["delivery"]),
        ("watch pa", ["park"]),
        ("claims x", []),
    ],
)
def test_a_command_is_completed_and_behind_it_what_it_is_about(text: str, offered: list[str]) -> None:
    asked: list[str] = []

    def choices(command: str) -> Iterable[str]:
        asked.append(command)
        return CHOICES.get(command, ())

    words = completer(["stack", "park", "claims", "watch"], choices)
    for _ in range(2):
        found = words.get_completions(Document(text), CompleteEvent())
        assert [one.text for one in found] == offered
    assert len(asked) == len(set(asked)), "the host is asked once a line"


def test_every_actor_below_has_its_path() -> None:
    tree = {"children": [{"name": "a", "children": [{"name": "b", "children": []}]}, {"name": "c", "children": []}]}
    assert list(below(tree)) == ["a", "a/b", "c"]


def test_what_acts_has_quotes_and_what_looks_takes_them_as_they_are() -> None:
    assert words_of("park ses-1 'it loops'") == ["park", "ses-1", "it loops"]
    assert words_of("sql SELECT 'x  y'") == ["sql", "SELECT", "'x", "y'"]
    assert words_of("") == []
    with pytest.raises(UsageError, match="park: No closing quotation"):
        words_of("park ses-1 it's")
