"""How much of the machine's memory is free."""

from __future__ import annotations

from pathlib import Path

MEMINFO = Path("/proc/meminfo")


def free_share(source: Path = MEMINFO) -> float | None:
    """The part of all memory that programs could still have, 0 to 1; None where the system does not say.

    Blocks shortly. `MemAvailable` counts what could be taken from caches: see the Linux kernel's documentation of
    /proc/meminfo.
    """
    try:
        lines = source.read_text(encoding="ascii").splitlines()
        found = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines) if rest}
        return found["MemAvailable"] / found["MemTotal"]
    except (OSError, ValueError, KeyError, IndexError, ZeroDivisionError):
        return None
