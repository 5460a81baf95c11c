"""What tests run under: a program that the host starts by way of a shell ends the test."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path
from types import FunctionType

import pytest

from tests.support import no_shell


def test_who_starts_one_is_found_out_and_a_test_may() -> None:
    ours = FunctionType(start.__code__.replace(co_filename=f"{no_shell.OURS}x.py"), globals())
    with pytest.raises(AssertionError, match="by way of a shell"):
        ours()
    start()


def test_the_host_names_a_shell_only_where_a_container_of_its_own_making_has_it() -> None:
    named = set()
    for file in Path(no_shell.OURS).rglob("*.py"):
        words = (one.value for one in ast.walk(ast.parse(file.read_text())) if isinstance(one, ast.Constant))
        if any(isinstance(word, str) and Path(word).name in no_shell.SHELLS for word in words):
            named.add(file.relative_to(no_shell.OURS).as_posix())
    # What an image begins with, and a constant of ours whose arguments are words of their own.
    assert named == {"core/images.py", "sandboxes/package_fetch.py"}


@pytest.mark.parametrize(
    ("program", "words", "found"),
    [
        ("/bin/sh", ["sh", "-c", "echo x"], True),
        ("bash", [b"bash", b"-c", b"echo x"], True),
        ("env", ["/usr/bin/zsh", "-c", "echo x"], True),
        ("git", ["git", "-c", "a=b", "log"], False),
        ("sh", ["sh", "script"], False),
        (None, "true", False),
    ],
)
def test_a_shell_is_one_that_reads_words(program: object, words: object, *, found: bool) -> None:
    assert no_shell.is_shell(program, words) is found


def start() -> None:
    """Start one."""
    subprocess.run("true", shell=True, check=True)  # noqa: S602, S607 - a constant
