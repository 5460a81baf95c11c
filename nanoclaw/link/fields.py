"""Rows as customs takes them: from plain values of any type to typed rows, or the reason why not.

The worker calls this on what it read from a file, and the host once more on what the worker says: the same rules, so
neither has to be believed. Reasons name a column and quote nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import TypeVar

from nanoclaw.link.report import AckRow, Cell, DraftRow, OutRow, StateRow, ToolState, UsageRow, digest_of
from schema.payloads import PayloadError, read_out
from schema.rows import AckStatus, OutKind, Phase
from schema.seq import HIGHEST, is_runners
from schema.times import normalise_time, read_time

E = TypeVar("E", bound=Enum)
Plain = Mapping[str, object]

OUT_COLUMNS = ("id", "seq", "in_reply_to", "timestamp", "deliver_after", "kind", "destination", "content")
ACK_COLUMNS = ("message_id", "status", "error")
STATE_COLUMNS = ("key", "value")
TOOL_COLUMNS = ("current_tool", "tool_declared_timeout_ms", "tool_started_at", "phase")
DRAFT_COLUMNS = ("reply", "destination", "in_reply_to", "text", "tool")
USAGE_COLUMNS = ("seq", "model", "read", "written", "cached", "cost_usd")

MOST_NAME = 200
MOST_TIME = 40
MOST_ERROR = 1_000
MOST_STATE = 65_536
"""Characters."""
MOST_DRAFT = 8_000
"""Characters: about twice of what the platforms take as one message."""
MOST_COST = 1_000_000.0
"""Dollars, for one result."""


class FieldError(ValueError):
    """A row that customs does not pass. `str()` says which column, and quotes nothing of it."""


def out_row(rowid: int, plain: Plain) -> OutRow:
    """A row of messages_out. Raises `FieldError`."""
    seq = plain["seq"]
    if type(seq) is not int or not is_runners(seq):
        raise FieldError("seq: not a number that a runner gives")
    kind = _member(plain, "kind", OutKind)
    content = _text(plain, "content")
    row_id = _name(plain, "id")
    if not is_id(row_id):
        raise FieldError("id: could be taken for a path")
    try:
        payload = read_out(kind, content)
    except PayloadError as exc:
        raise FieldError(f"content: {printable(str(exc))}") from None
    return OutRow(
        rowid=rowid,
        id=row_id,
        seq=seq,
        in_reply_to=_optional_name(plain, "in_reply_to"),
        timestamp=_time(plain, "timestamp"),
        deliver_after=None if plain["deliver_after"] is None else _time(plain, "deliver_after"),
        kind=kind,
        destination=_optional_name(plain, "destination"),
        payload=payload,
        content=content,
        digest=digest_of(_cell(plain[column]) for column in OUT_COLUMNS),
    )


def ack_row(plain: Plain) -> AckRow:
    """A row of processing_ack. Raises `FieldError`."""
    error = None if plain["error"] is None else _text(plain, "error")[:MOST_ERROR]
    return AckRow(message_id=_name(plain, "message_id"), status=_member(plain, "status", AckStatus), error=error)


def state_row(plain: Plain) -> StateRow:
    """A row of session_state. Raises `FieldError`."""
    value = _text(plain, "value")
    if len(value) > MOST_STATE:
        raise FieldError(f"value: longer than {MOST_STATE} characters")
    return StateRow(key=_name(plain, "key"), value=value)


def tool_state(plain: Plain) -> ToolState:
    """The row of container_state. Raises `FieldError`."""
    declared = plain["tool_declared_timeout_ms"]
    if declared is not None and (type(declared) is not int or not 0 <= declared <= HIGHEST):
        raise FieldError("tool_declared_timeout_ms: not a length of time")
    return ToolState(
        current_tool=_optional_name(plain, "current_tool"),
        declared_timeout_ms=declared,
        started_at=None if plain["tool_started_at"] is None else _time(plain, "tool_started_at"),
        phase=_member(plain, "phase", Phase),
    )


def draft_row(plain: Plain) -> DraftRow:
    """A row of drafts. Raises `FieldError`."""
    return DraftRow(
        reply=_name(plain, "reply"),
        destination=_optional_name(plain, "destination"),
        in_reply_to=_optional_name(plain, "in_reply_to"),
        text=_text(plain, "text")[:MOST_DRAFT],
        tool=_optional_name(plain, "tool"),
    )


def usage_row(plain: Plain) -> UsageRow:
    """A row of usage. Raises `FieldError`."""
    cost = plain["cost_usd"]
    if cost is not None and (type(cost) is not float or not 0 <= cost <= MOST_COST or math.isnan(cost)):
        raise FieldError("cost_usd: not what one result can cost")
    return UsageRow(
        seq=_count(plain, "seq"),
        model=_optional_name(plain, "model"),
        read=_count(plain, "read"),
        written=_count(plain, "written"),
        cached=_count(plain, "cached"),
        cost_usd=cost if isinstance(cost, float) else None,
    )


def is_name(value: object) -> bool:
    """Is this text that can stand in a list of names: printable, 1 to 200 characters?"""
    return isinstance(value, str) and 0 < len(value) <= MOST_NAME and value.isprintable()


def is_id(value: object) -> bool:
    """Is this a name that could also be a folder's?"""
    return is_name(value) and value not in {".", ".."} and "/" not in str(value)


def printable(text: str, most: int = 300) -> str:
    """*text* on one line, cut to *most* characters, with `?` for what cannot be shown."""
    return "".join(character if character.isprintable() else "?" for character in text[:most])


def _text(plain: Plain, column: str) -> str:
    value = plain[column]
    if not isinstance(value, str):
        raise FieldError(f"{column}: not text")
    return value


def _name(plain: Plain, column: str) -> str:
    value = _text(plain, column)
    if not is_name(value):
        raise FieldError(f"{column}: not 1 to {MOST_NAME} printable characters")
    return value


def _optional_name(plain: Plain, column: str) -> str | None:
    return None if plain[column] is None else _name(plain, column)


def _count(plain: Plain, column: str) -> int:
    value = plain[column]
    if type(value) is not int or not 0 <= value <= HIGHEST:
        raise FieldError(f"{column}: not a count")
    return value


def _time(plain: Plain, column: str) -> datetime:
    text = _text(plain, column)
    try:
        # SQLite's own form is a runner's slip, not an attack: both mean the same instant.
        return read_time(normalise_time(text if len(text) <= MOST_TIME else ""))
    except ValueError:
        raise FieldError(f"{column}: not a time") from None


def _member(plain: Plain, column: str, enum: type[E]) -> E:
    try:
        return enum(_text(plain, column))
    except ValueError:
        raise FieldError(f"{column}: none of those there are") from None


def _cell(value: object) -> Cell:
    if value is None:
        return "null", None
    return ("integer" if isinstance(value, int) else "text"), str(value).encode()
