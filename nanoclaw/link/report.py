"""What customs lets through of an outbox: typed requests of a runner, and what was wrong with the rest.

Nothing in here is a fact. An `OutRow` says what a runner asks for; who it is, where it may speak, when it happened and
in which order are the host's to know.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import TypeAlias

from attrs import frozen

from schema.payloads import OutPayload
from schema.rows import AckStatus, OutKind, Phase

Cell: TypeAlias = tuple[str, bytes | None]
"""A stored value: SQLite's name of its type, and its bytes (numbers as text). None for NULL, and above 1 MiB."""


@frozen(kw_only=True)
class OutRow:
    """A row of messages_out that is well-formed."""

    rowid: int
    id: str
    """Printable, 1 to 200 characters, no `/`, not `.` or `..`: it can be the name of a folder."""
    seq: int
    """Odd and positive; whether it is free is the ledger's to say."""
    in_reply_to: str | None
    timestamp: datetime | None
    deliver_after: datetime | None
    kind: OutKind
    destination: str | None
    payload: OutPayload
    content: str
    """The JSON that `payload` was read from, as it was stored."""
    digest: str
    """`digest_of` the eight stored values, in the order of the columns."""


@frozen(kw_only=True)
class BadRow:
    """A row that is none: a dead letter."""

    table: str
    rowid: int
    reason: str
    """For people; quotes nothing of the row."""
    digest: str
    """`digest_of` its stored values. Of a value longer than 1 MiB only the type is in it."""
    id: str | None
    """What the row calls itself, where that much is well-formed."""


@frozen(kw_only=True)
class AckRow:
    """What the runner says of one of its inbound rows."""

    message_id: str
    status: AckStatus
    error: str | None
    """Cut to 1,000 characters."""


@frozen(kw_only=True)
class StateRow:
    """Something the runner wants to be given again in its next life."""

    key: str
    value: str


@frozen(kw_only=True)
class ToolState:
    """What the runner says it is doing."""

    current_tool: str | None
    declared_timeout_ms: int | None
    started_at: datetime | None
    phase: Phase


@frozen(kw_only=True)
class DraftRow:
    """A reply that is being written."""

    reply: str
    """The runner's name for it."""
    destination: str | None
    in_reply_to: str | None
    text: str
    """Cut to 8,000 characters."""
    tool: str | None
    """The tool that runs meanwhile."""


@frozen(kw_only=True)
class UsageRow:
    """What one result took of its model, as the runner says."""

    seq: int
    """Counts the results of its epoch."""
    model: str | None
    read: int
    """Tokens."""
    written: int
    """Tokens."""
    cached: int
    """Tokens of those read."""
    cost_usd: float | None


@frozen(kw_only=True)
class Report:
    """One look at an outbox.

    `rows` and `bad` rows of messages_out are those after the cursor that the look was given, at most 100 together,
    in the order of their rowids. Acks, states and the tool are all there are, each time; drafts and usage are the
    newest, the oldest of them first. So are bad rows of those tables, which have the same table, rowid and digest each
    time.
    """

    rows: tuple[OutRow, ...]
    bad: tuple[BadRow, ...]
    acks: tuple[AckRow, ...]
    states: tuple[StateRow, ...]
    tool: ToolState | None
    cursor: int
    """The highest rowid of messages_out that was seen: what the next look starts after.

    SQLite gives a rowid again once the newest row is gone, so a runner that prunes has to keep its newest.
    """
    more: bool
    """Are there rows behind the cursor that this report had no room for?"""
    drafts: tuple[DraftRow, ...] = ()
    usage: tuple[UsageRow, ...] = ()


@frozen(kw_only=True)
class Quarantine:
    """A file that is not what an honest runner writes: its epoch is to be ended."""

    reason: str
    """One word for it, such as `schema`."""
    detail: str
    """For people; printable, and quotes nothing of the file."""


Inspected: TypeAlias = Report | Quarantine


def digest_of(cells: Iterable[Cell]) -> str:
    """SHA-256, in hex, over the canonical form of a row: type, length and bytes of each of its values."""
    digest = hashlib.sha256()
    for kind, data in cells:
        digest.update(f"{kind}:{'' if data is None else len(data)}:".encode())
        digest.update(data or b"")
    return digest.hexdigest()
