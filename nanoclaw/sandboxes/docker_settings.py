"""What a home says about its containers."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from nanoclaw.core.way_choice import AUTO

MOST_STARTS = 4
"""More at a time are no faster: the daemon makes them one after the other."""


@frozen(kw_only=True)
class DockerSettings:
    """What the home says."""

    install: str
    """Which home this is; containers of others on the same daemon are left alone."""
    image: str
    """Name or id of the image that agents run in."""
    scratch: Path
    """A folder of this home where the probe may make folders of its own."""
    most_starts: int = MOST_STARTS
    allow_old_engine: bool = False
    way_out: str = AUTO
    """How containers reach their gateway; see `ways_to_try`."""
