"""One container of the fake daemon, and one client who hears of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import trio
from attrs import define, field, frozen

from nanoclaw.core.sandbox_settle import Labels
from nanoclaw.core.sandbox_spec import EPOCH_LABEL, INSTALL_LABEL, SESSION_LABEL, SPEC_LABEL
from nanoclaw.model.ids import EpochNumber, SessionId
from nanoclaw.sandboxes.docker_api import ContainerId, Ended, LogLine, State


@define(eq=False)
class FakeContainer:
    """One container."""

    id: ContainerId
    name: str
    labels: Mapping[str, str]
    document: dict[str, Any]
    state: State = State.CREATED
    exit_code: int = 0
    out_of_memory: bool = False
    stubborn: bool = False
    """Does it not heed SIGTERM?"""
    asked: bool = False
    """Was it sent SIGTERM?"""
    starts: int = 0
    said: list[LogLine] = field(factory=list[LogLine])


@frozen(eq=False)
class Listener:
    """Somebody who hears events."""

    labels: Mapping[str, str]
    heard: Callable[[Ended], None]
    broken: trio.Event = field(factory=trio.Event)


def labels_of(container: FakeContainer) -> Labels:
    """What it says of itself."""
    found = container.labels
    return Labels(
        install=found.get(INSTALL_LABEL),
        session=SessionId(found[SESSION_LABEL]) if SESSION_LABEL in found else None,
        epoch=EpochNumber(int(found[EPOCH_LABEL])) if EPOCH_LABEL in found else None,
        spec=found.get(SPEC_LABEL),
    )
