"""The name of the model's session: kept as soon as it is known, given again in the next life, forgotten on request."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime

from attrs import define, field

from runner.core.text import storable
from runner.logs import log
from runner.outbox import Outbox
from schema.rows import CONTINUATION, REACHED

FORGOTTEN = ""
"""What is kept of a session that is to be forgotten: a row that is gone would say nothing to the host."""


@define(eq=False)
class Continuation:
    """Where *provider* left off; and where others did, who may come back."""

    _outbox: Outbox
    _now: Callable[[], datetime]
    _provider: str
    _kept: dict[str, str] = field(factory=dict[str, str])
    """By key of session_state, as the host gave it."""
    _saved: bool = field(default=True, init=False)
    _reached: str | None = field(default=None, init=False)
    """Where the session was at the last result of this life, if anybody has said so."""

    @property
    def name(self) -> str | None:
        """The session to go on in; None: a new one."""
        return self._kept.get(self._key) or None

    @property
    def unsaved(self) -> Mapping[str, str]:
        """What is to be saved by key, soon; nothing if it is."""
        reached = {} if self._reached is None else {f"{REACHED}{self._provider}": self._reached}
        return {} if self._saved else {**self._kept, **reached}

    def become(self, name: str) -> None:
        """That is the session now: to be saved, unless it was before."""
        if storable(name) != self.name:
            self._kept[self._key] = storable(name)
            self._saved = False

    def reach(self, point: str | None) -> None:
        """A result was given, and *point* is where one can go back to it: to be saved with it. None: nowhere."""
        point = FORGOTTEN if point is None else storable(point)
        if point != (self._reached or FORGOTTEN):
            self._reached, self._saved = point, False

    def save(self) -> None:
        """Save what is not; one commit. Raises `SqliteError`."""
        if not self._saved:
            self._outbox.save(self.unsaved, now=self._now())
            self._saved = True

    def was_saved(self) -> None:
        """What was unsaved went into another commit."""
        self._saved = True

    def forget(self) -> None:
        """The next query begins a session; one commit. Raises `SqliteError`."""
        self._kept[self._key] = self._reached = FORGOTTEN
        self._saved = False
        self.save()

    @property
    def _key(self) -> str:
        return f"{CONTINUATION}{self._provider}"


def kept_by_host(provider_state: str) -> dict[str, str]:
    """What the host has kept of all providers' sessions; what is not usable is left out."""
    try:
        saved = json.loads(provider_state)
    except ValueError:
        saved = None
    if not isinstance(saved, Mapping):
        log("provider_state_unreadable")
        return {}
    return {key: value for key, value in saved.items() if key.startswith(CONTINUATION) and isinstance(value, str)}
