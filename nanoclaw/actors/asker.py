"""Who asks something of the host: what the host itself knows of them, and nothing that they said."""

from __future__ import annotations

from attrs import frozen

from nanoclaw.core.mcp_programs import Kept, Refused
from nanoclaw.core.requests import Right
from nanoclaw.model.entities import SessionPlace
from nanoclaw.model.ids import EpochNumber
from nanoclaw.model.messages import Address


@frozen(kw_only=True)
class Asker:
    """An agent in one of its sessions."""

    place: SessionPlace
    epoch: EpochNumber
    origin: Address | None
    """Where the message came from that it was at, or where its session is."""
    timezone: str
    """IANA name: what its times are in where it does not say."""
    right: Right = Right.TALK
    """The least that the agent and its turn may; see `core.requests`."""
    programs: Kept | Refused | None = None
    """What the MCP server would be started with that it asks for; None: that was not looked at."""
    folders: frozenset[str] = frozenset()
    """What is in the folder of all agents' folders, whoever it belongs to or belonged to."""
