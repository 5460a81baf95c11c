"""The host starts no program by way of a shell: in the whole run of the tests, whoever of it does so fails."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from traceback import walk_stack

SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh", "fish"})
OURS = str(Path(__file__).parents[2] / "nanoclaw") + os.sep
_TESTS = str(Path(__file__).parents[1]) + os.sep


def watch() -> None:
    """From now on. An audit hook stays for the life of the process."""
    sys.addaudithook(_look)


def is_shell(program: object, args: object) -> bool:
    """Would a shell read words of these?"""
    words = [os.fsdecode(word) for word in args] if isinstance(args, list | tuple) else []
    named = [os.fsdecode(program)] if isinstance(program, str | bytes | os.PathLike) else []
    return "-c" in words[1:2] and not SHELLS.isdisjoint(Path(one).name for one in (*named, *words[:1]))


def _look(event: str, args: tuple[object, ...]) -> None:
    if event == "os.system" or (event == "subprocess.Popen" and is_shell(args[0], args[1])):
        who = _who()
        if who.startswith(OURS):
            raise AssertionError(f"{who} starts a program by way of a shell: {event} {args[:2]!r}")


def _who() -> str:
    """The file of whoever asks for it, the host's or a test's; nobody's, where a thread was sent to do it."""
    for frame, _ in walk_stack(None):
        file = frame.f_code.co_filename
        if file != __file__ and file.startswith((OURS, _TESTS)):
            return file
    return ""
