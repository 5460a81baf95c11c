"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ("nanoclaw", "runner", "schema")
PURE = ("nanoclaw/core", "nanoclaw/model", "runner/core")
IMPURE = {"now", "utcnow", "today", "open", "print", "input", "getenv", "sleep"}
SUPPRESSION = re.compile(r"#\s*(type: ignore|noqa)(?P<what>[^#\n]*)(?P<why>.*)")


def sources(*folders: str) -> Iterator[Path]:
    """The files in those folders."""
    for folder in folders:
        found = sorted((ROOT / folder).rglob("*.py"))
        assert found, folder
        yield from found


def calls(path: Path) -> Iterator[str]:
    """The last name of everything that a file calls."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name(id=name) | ast.Attribute(attr=name):
                    yield name
                case _:
                    pass


@pytest.mark.parametrize("folder", PURE)
def test_decisions_ask_no_clock_and_open_nothing(folder: str) -> None:
    for path in sources(folder):
        assert not IMPURE & set(calls(path)), path


def test_whatever_silences_a_checker_says_why() -> None:
    silent = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sources(*SHIPPED)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if (found := SUPPRESSION.search(line)) and not (found["why"].strip("# ") or " - " in found["what"])
    ]
    assert silent == []
