"""Chance, and what is broken just now. All of a run's luck comes out of one seed."""

from __future__ import annotations

from collections import Counter
from random import Random

from attrs import define, field


@define(eq=False)
class Weather:
    """What the world is like at the moment."""

    seed: int
    luck: Random = field(init=False)
    storm: float = field(default=0.0, init=False)
    """How likely it is that something goes wrong, each time it could."""
    disk_full: bool = field(default=False, init=False)
    engine_away: bool = field(default=False, init=False)
    platform_away: bool = field(default=False, init=False)
    _minted: Counter[str] = field(factory=Counter[str], init=False)

    def __attrs_post_init__(self) -> None:
        self.luck = Random(self.seed)

    def strikes(self, share: float = 1.0) -> bool:
        """Does something go wrong now?"""
        return self.storm > 0 and self.luck.random() < self.storm * share

    def clear(self) -> None:
        """From now on everything works."""
        self.storm = 0.0
        self.disk_full = self.engine_away = self.platform_away = False

    def mint(self, prefix: str) -> str:
        """The next id with that prefix: numbered, in text order, over all lives of the host."""
        self._minted[prefix] += 1
        return f"{prefix}-{self._minted[prefix]:05}"
