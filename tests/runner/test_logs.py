"""Lines that the host keeps."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from runner import logs
from runner.logs import bind, log


def test_a_line_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    log("turn", messages=2, path=Path("x\ny"), odd="\ud800")
    (line,) = capsys.readouterr().err.splitlines()
    record = json.loads(line)
    assert record["event"] == "turn"
    assert record["messages"] == 2
    assert record["path"] == "x\ny"
    assert record["at"].endswith("+00:00")


def test_an_error_comes_with_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        int("no")
    except ValueError as exc:
        log("broke", error=exc)
    record = json.loads(capsys.readouterr().err)
    assert record["error"] == "ValueError: invalid literal for int() with base 10: 'no'"
    assert "test_logs.py" in record["traceback"]


def test_a_reader_that_is_gone_is_no_reason_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Gone())
    log("turn")


def test_a_line_says_in_which_turn_of_which_epoch_it_was_written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "_bound", {})
    bind(epoch=3, turn=1)
    log("ready")
    bind(turn=2, claimed=["evt-1:agt-1"])
    log("turn", messages=1)
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert (first["epoch"], first["turn"]) == (3, 1)
    assert (second["epoch"], second["turn"], second["claimed"], second["messages"]) == (3, 2, ["evt-1:agt-1"], 1)
