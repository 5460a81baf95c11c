"""What a sandbox may have: memory, processors, a network, folders of the machine."""

from __future__ import annotations

from enum import Enum

from attrs import field, frozen
from attrs.validators import ge, gt

MIB = 1 << 20
LEAST_MEMORY = 64 * MIB


class Network(Enum):
    """What a sandbox reaches besides its own session."""

    NONE = "none"
    OPEN = "open"  # whatever the machine reaches: an operator's explicit choice


@frozen
class Owner:
    """Whose files in an agent's folders are: the user and group that its sandbox runs as."""

    uid: int
    gid: int


@frozen(kw_only=True)
class Limits:
    """How much of the machine a sandbox may take."""

    memory_bytes: int = field(default=2048 * MIB, validator=ge(LEAST_MEMORY))
    cpus: float = field(default=1.0, validator=gt(0))
    processes: int = field(default=512, validator=ge(16))


@frozen(kw_only=True)
class ExtraMount:
    """A folder of this machine inside a sandbox."""

    source: str
    """Absolute, without links in it."""
    target: str
    """Absolute, inside the sandbox."""
    read_write: bool = False
