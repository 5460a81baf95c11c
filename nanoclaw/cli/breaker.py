"""Remembers the starts of a home that did not end well, in a small file of its own: the truth may be what is broken."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from attrs import frozen

from nanoclaw.core.breaker import Start, next_start
from schema.times import read_time, write_time

FILE = "starts.json"


@frozen
class Breaker:
    """The note of one home, in its folder `run`. For whoever holds the home."""

    _path: Path

    @classmethod
    def of(cls, run_folder: Path) -> Breaker:
        """The one in *run_folder*, which need not be there yet."""
        return cls(run_folder / FILE)

    def begin(self, *, now: datetime) -> Start:
        """Note a start, and say how long it has to wait."""
        start = next_start(self._last(), now=now)
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = self._path.with_suffix(".new")
        partial.write_text(json.dumps({"attempt": start.attempt, "at": write_time(start.at)}) + "\n", encoding="utf-8")
        partial.replace(self._path)
        return start

    def ended_well(self) -> None:
        """Forget the starts there were."""
        self._path.unlink(missing_ok=True)

    def _last(self) -> Start | None:
        """The last start; None if there is none, or what is there is no note of ours."""
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
            return _read(found)
        except (OSError, ValueError, KeyError, TypeError):
            return None


def _read(found: Mapping[str, object]) -> Start:
    attempt, at = found["attempt"], found["at"]
    if type(attempt) is not int or not isinstance(at, str):
        raise TypeError("no note of ours")
    return Start(attempt=attempt, at=read_time(at))
