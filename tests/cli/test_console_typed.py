"""What Tab completes at the debug console."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from nanoclaw.cli.console import one
from nanoclaw.cli.console_acts import ACTS, words_of
from nanoclaw.cli.console_typed import below, completer, typed
from nanoclaw.config import Config
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


def test_the_host_is_asked_on_a_thread_while_somebody_types(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[threading.Thread] = []
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):

        def choices(_: str) -> Iterable[str]:
            asked.append(threading.current_thread())
            keys.send_text("\r")
            return ()

        keys.send_text("stack ")
        assert next(iter(typed(["stack"], choices))) == "stack "
    assert asked != []
    assert threading.main_thread() not in asked, "a loop of its own would meet the prompt's"


@pytest.mark.parametrize("name", ACTS)
def test_what_acts_is_not_done_again_every_second(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"{name} acts, and is not done again every second"):
        one(Config(home=tmp_path), ["watch", name, "ses-1"])
