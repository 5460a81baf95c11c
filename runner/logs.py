"""The runner's log: one JSON object a line on standard error, which the host keeps by epoch."""

from __future__ import annotations

import json
import sys
import traceback
from datetime import UTC, datetime

_bound: dict[str, object] = {}


def bind(**fields: object) -> None:
    """Every line says *fields* from now on. A runner works on one thing at a time."""
    _bound.update(fields)


def log(event: str, *, error: BaseException | None = None, **fields: object) -> None:
    """Say that *event* happened.

    Args:
      event: What happened, in snake_case; the same words each time.
      error: Its type, text and traceback are added.
      fields: What to know about it. Anything JSON has no form for is shown as `str()` has it.
    """
    record: dict[str, object] = {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "event": event,
        **_bound,
        **fields,
    }
    if error is not None:
        record["error"] = f"{type(error).__name__}: {error}"
        record["traceback"] = "".join(traceback.format_exception(error))
    try:
        print(json.dumps(record, default=str), file=sys.stderr, flush=True)  # noqa: T201 - this is the one place
    except OSError:
        # Nobody reads any more: there is nobody left to tell that to either.
        return
