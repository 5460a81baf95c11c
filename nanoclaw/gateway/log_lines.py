"""What the gateway's process writes into its log is in the host's: one JSON object a line, without secrets already."""

from __future__ import annotations

import json
import os
from subprocess import Popen

import structlog
import trio

log = structlog.get_logger()

MOST_LINE = 64 << 10
LEVELS = ("debug", "info", "warning", "error", "critical")
_OURS = frozenset({"event", "level", "timestamp", "exc_info", "stack_info"})


async def pass_on(program: Popen[bytes]) -> None:
    """Write every line of its standard error into the log, until it ends."""
    assert program.stderr is not None
    async with trio.lowlevel.FdStream(os.dup(program.stderr.fileno())) as stream:
        rest = bytearray()
        async for piece in stream:
            rest += piece
            *lines, last = rest.split(b"\n")
            for line in lines:
                _say(line)
            rest = last
            if len(rest) > MOST_LINE:
                _say(rest)
                rest = bytearray()
        _say(rest)


def _say(line: bytes | bytearray) -> None:
    if not line.strip():
        return
    try:
        said = json.loads(line)
        tell = getattr(log, LEVELS[LEVELS.index(said["level"])])
        fields = {str(key): value for key, value in said.items() if key not in _OURS}
        tell(str(said["event"]), **{**fields, "part": "gateway"})
    except (ValueError, LookupError, TypeError):
        # An interpreter that cannot go on says so in words of its own.
        log.warning("gateway_said", line=line.decode(errors="replace"))
