"""What people read of the command line is text: no markup, and nothing that drives their terminal."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from nanoclaw.cli import exits, resources
from nanoclaw.cli.main import main
from nanoclaw.cli.words import printable
from nanoclaw.core.notices import visible

Captured = pytest.CaptureFixture[str]


def without_gaps(text: str) -> str:
    return re.sub(r"[ \t]+", " ", text)


@given(st.text(st.characters(codec="utf-8")) | st.text("[]/\\abc: \x1b", max_size=20) | st.just(":smile: [b]x[/b] \\"))
def test_any_text_is_printed_as_it_is_but_for_what_nobody_sees(text: str) -> None:
    out = io.StringIO()
    Console(file=out, width=10_000, highlight=False).print(printable(text), soft_wrap=True)
    # A tab goes as far as the terminal's columns, of which some characters take two.
    assert without_gaps(out.getvalue()) == without_gaps(f"{visible(text)}\n")


def test_a_name_that_a_stranger_chose_is_shown_in_tables_and_sentences(capsys: Captured) -> None:
    name = "[/red]\x1b[2J:Eve\u202e"
    resources.show({"rows": [{"name": name}], "one": False, "hidden": [], "said": f"let {name} in"}, as_json=False)
    printed = capsys.readouterr().out
    assert printed.count("[/red] [2J:Eve") == 2
    assert "\x1b[2J" not in printed
    assert "\u202e" not in printed


def test_a_refusal_that_quotes_brackets_is_a_sentence_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setenv("NANOCLAW_HOME", str(tmp_path / "[" / "a]"))
    monkeypatch.setattr(sys, "argv", ["nanoclaw", "verify"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == exits.REFUSED
    assert f"there is nothing in {tmp_path}/[/a] yet" in capsys.readouterr().err
