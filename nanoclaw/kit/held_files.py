"""Which files this process has open, as its kernel sees it: looked up when somebody asks, on a thread."""

from __future__ import annotations

import os
from pathlib import Path

DESCRIPTORS = Path("/proc/self/fd")


def held_below(folder: Path, *, start: str = "") -> list[str] | None:
    """What is open of *folder*: a name for each descriptor, from there, in order; None: this machine does not say.

    Args:
      folder: Where to look. It need not be there any more.
      start: How the names begin that count.

    Blocks, for some microseconds a descriptor of the process.
    """
    above, found = f"{os.path.realpath(folder)}/", []
    try:
        descriptors = list(DESCRIPTORS.iterdir())
    except OSError:
        return None
    for one in descriptors:
        try:
            path = str(one.readlink())
        except OSError:
            continue  # it was closed just now
        if path.startswith(above + start):
            found.append(path.removeprefix(above))
    return sorted(found)
