"""All that outlives a simulated host."""

from __future__ import annotations

from pathlib import Path

from attrs import define

from nanoclaw.actors.nets import Nets
from schema.sqlite import Connection
from tests.sim.clock import SimClock
from tests.sim.history import History
from tests.sim.platform import Platform
from tests.sim.sandboxes import Yard
from tests.sim.weather import Weather

WIDE = Nets(link=60.0, paused=3600.0, sessions=3600.0, lanes=3600.0, sweep=3600.0, memory=1e9, spool=1e9)
"""Nets that hardly ever catch anything: what is nudged has to be enough."""


@define(eq=False, kw_only=True)
class World:
    """All that outlives a host."""

    home: Path
    conn: Connection
    clock: SimClock
    weather: Weather
    history: History
    yard: Yard
    platforms: tuple[Platform, ...]
    engine_survives: bool
    nets: Nets = WIDE
