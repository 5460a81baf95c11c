"""Time zones by name. Their database is read from the machine, or from the package tzdata."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from nanoclaw.errors import UsageError


def find_zone(name: str) -> ZoneInfo:
    """The zone of an IANA name such as `Europe/Berlin`. Raises `UsageError` if there is none."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        # Not known, not a name at all, or the name of a folder.
        raise UsageError(f"there is no time zone {name!r}: use an IANA name, such as Europe/Berlin") from None
