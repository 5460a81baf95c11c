"""Files that travel with messages: what the host holds of each is a copy of its own, in the spool."""

from __future__ import annotations

from attrs import frozen

from nanoclaw.model.ids import EventId, SpoolId


@frozen(kw_only=True)
class Spooled:
    """A whole file in the spool, synced to the disk."""

    id: SpoolId
    size: int
    digest: str
    """SHA-256, in hex."""


@frozen(kw_only=True)
class NewAttachment:
    """A file that came with an event."""

    name: str
    """As its sender called it: any text at all."""
    mime_type: str | None = None
    """As its platform called it."""
    file: Spooled


@frozen(kw_only=True)
class Attachment:
    """A file that came with an event, as it is stored."""

    event_id: EventId
    position: int
    """Its place among those of the event, from 0."""
    name: str
    """Safe as the name of a file, and no other of the event has it."""
    mime_type: str | None
    size: int
    digest: str
    spool_id: SpoolId


@frozen(kw_only=True)
class LedgerFile:
    """A file that goes out with a message."""

    name: str
    """Safe as the name of a file, and no other of the message has it."""
    size: int
    digest: str
    spool_id: SpoolId
