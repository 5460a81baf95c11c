"""Lines that a person types in a chat, with a history where there is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console


def reader(history: Path, console: Console) -> Callable[[], str | None]:
    """Reads one line in a thread; None at the end of the input."""
    if not (console.is_terminal and sys.stdin.isatty()):

        def read_plain() -> str | None:
            return sys.stdin.readline() or None

        return read_plain

    from prompt_toolkit import PromptSession
    from prompt_toolkit.history import FileHistory
    from prompt_toolkit.patch_stdout import patch_stdout

    session: PromptSession[str] = PromptSession(history=FileHistory(str(history)))

    def read_prompt() -> str | None:
        try:
            with patch_stdout(raw=True):
                return session.prompt("you > ")
        except (EOFError, KeyboardInterrupt):
            return None

    return read_prompt
