"""How a daemon sends what a container said: frames, each with a head, a time and a line."""

from __future__ import annotations

import calendar
import struct
import time
from typing import Any

from nanoclaw.sandboxes.docker_api import LogLine

FRAME = struct.Struct(">BxxxL")
"""Which stream it was, and the length of the rest."""
BROKEN = "the log broke off"


def read_lines(raw: Any, most_bytes: int) -> tuple[LogLine, ...]:
    """The lines of a log, of which each is a frame: which stream it was, its length, its time and its text."""
    found, size = [], 0
    while size < most_bytes and (header := _read(raw, FRAME.size)):
        body = _read(raw, FRAME.unpack(header)[1])
        if not body:
            raise OSError(BROKEN)
        at, _, text = body.partition(b" ")
        found.append(LogLine(at=at.decode("ascii", errors="replace"), text=text))
        size += len(text)
    return tuple(found)


def _read(raw: Any, size: int) -> bytes:
    """So many bytes, or none at the end."""
    data: bytes = raw.read(size)
    if data and len(data) < size:
        raise OSError(BROKEN)
    return data


def seconds_of(at: str) -> float:
    """Seconds since 1970 of a log line's time, or a little less: a float has not all of its digits."""
    whole = calendar.timegm(time.strptime(at[:19], "%Y-%m-%dT%H:%M:%S"))
    return whole + int(at[20:26].ljust(6, "0")) / 1e6
