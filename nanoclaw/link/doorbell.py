"""The doorbell of a link: the host rings with a file of its own, and the runner answers with one of its own.

A ring is the time of `in/doorbell`, and its answer the same time on `out/<epoch>/answer`. Only times are compared and
no byte is read, so there is nothing that an answer could do but be right or wrong.
"""

from __future__ import annotations

import os
from pathlib import Path

from nanoclaw.link.layout import OutDirectory, mtime_ns
from schema.files import ANSWER, DOORBELL


def ring(inside: Path) -> int | None:
    """Ring, and return what answers it; None if the disk would not. Blocks shortly.

    Args:
      inside: The session's `in/`, which the host alone writes.
    """
    try:
        fd = os.open(inside / DOORBELL, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        try:
            os.utime(fd)
            return os.fstat(fd).st_mtime_ns
        finally:
            os.close(fd)
    except OSError:
        return None


def answer(out: OutDirectory) -> int | None:
    """Which ring the runner says it has seen; None: none. Blocks shortly."""
    return mtime_ns(out, ANSWER)
