"""A container is found under the name that a start wants: whose is it, and what has to become of it?"""

from __future__ import annotations

from typing import TypeAlias

from attrs import frozen

from nanoclaw.core.sandbox_spec import ContainerSpec, spec_digest
from nanoclaw.model.ids import EpochNumber, SessionId


@frozen(kw_only=True)
class Labels:
    """What a container says of itself; None where it says nothing, or nothing that can be read."""

    install: str | None = None
    session: SessionId | None = None
    epoch: EpochNumber | None = None
    spec: str | None = None


@frozen
class TakeUp:
    """It is the very container that is wanted: an answer was lost, or it was asked for twice."""


@frozen
class RemoveFirst:
    """It is of another life of the same session, which is over: only one may be."""

    what: str


@frozen
class Stranger:
    """It is none of ours. Its owner has to move it."""

    why: str


Found: TypeAlias = TakeUp | RemoveFirst | Stranger


def judge_found(spec: ContainerSpec, labels: Labels) -> Found:
    """Judge the container that has the name of *spec* by its labels."""
    if labels.install != spec.install or labels.session != spec.session:
        return Stranger(
            f"there is a container called {spec.name} that is not this home's: "
            f"rename or remove it (docker rm --force {spec.name})"
        )
    if labels.epoch != spec.epoch:
        return RemoveFirst(f"left over from epoch {labels.epoch}")
    if labels.spec != spec_digest(spec):
        return RemoveFirst(f"of epoch {labels.epoch}, with other settings")
    return TakeUp()
