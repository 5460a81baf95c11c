"""The rows of both session databases as frozen values, and the converter between rows and values."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import Enum
from functools import lru_cache, partial
from typing import Any, TypeVar

from attrs import fields_dict, frozen
from cattrs import Converter

from schema.sqlite import Bindings, Connection, Row, Value, fetch, fetch_plain
from schema.times import read_time, write_time

T = TypeVar("T")

_MOST_KEPT = 4_096
"""Rows of one kind that `select_kept` remembers."""
_KEEPERS: dict[type, Callable[[tuple[str, ...], tuple[Value, ...]], Any]] = {}


AGENT_CHANNEL = "agent"
"""Where a message is from that another agent wrote; its `platform_id` is the id of that agent group."""

CONTINUATION = "continuation:"
"""How the key in session_state begins of what a provider goes on from, by the provider's name."""
REACHED = "reached:"
"""The same of where its session was at the last result: saved with what was settled then."""


class InKind(Enum):
    """What an inbound row is."""

    CHAT = "chat"
    CHAT_SDK = "chat-sdk"
    TASK = "task"
    WEBHOOK = "webhook"
    SYSTEM = "system"


class InStatus(Enum):
    """Where an inbound row stands. A claim is not a status: it is a fact about an epoch."""

    PENDING = "pending"
    COMPLETED = "completed"
    FAILED = "failed"
    PAUSED = "paused"


class OutKind(Enum):
    """What a runner asks for."""

    CHAT = "chat"
    EDIT = "edit"
    REACTION = "reaction"
    CARD = "card"
    ASK_QUESTION = "ask_question"
    SYSTEM = "system"


class AckStatus(Enum):
    """What a runner says of an inbound row. `processing` is the claim."""

    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


class Phase(Enum):
    """What a runner says it is doing."""

    STARTING = "starting"
    IDLE = "idle"
    TURN = "turn"
    WAITING_RATE_LIMIT = "waiting_rate_limit"
    WAITING_ANSWER = "waiting_answer"


class DeliveredStatus(Enum):
    """How a delivery ended."""

    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"


class DestinationType(Enum):
    """Who is behind a destination's name."""

    CHANNEL = "channel"
    AGENT = "agent"


@frozen(kw_only=True)
class MessageIn:
    """A row of messages_in."""

    id: str
    seq: int
    kind: InKind
    timestamp: datetime
    status: InStatus
    process_after: datetime | None = None
    recurrence: str | None = None
    series_id: str | None = None
    tries: int = 0
    trigger: bool = True
    platform_id: str | None = None
    channel_type: str | None = None
    thread_id: str | None = None
    content: str
    source_session_id: str | None = None
    on_wake: bool = False


@frozen(kw_only=True)
class Delivered:
    """A row of delivered: how a message of this session ended, also of earlier epochs."""

    message_out_id: str
    seq: int
    platform_message_id: str | None
    status: DeliveredStatus
    delivered_at: datetime
    channel_type: str | None
    platform_id: str | None
    thread_id: str | None


@frozen(kw_only=True)
class Destination:
    """A row of destinations: a name the agent may speak to."""

    name: str
    display_name: str
    type: DestinationType
    channel_type: str | None = None
    platform_id: str | None = None
    agent_group_id: str | None = None


@frozen(kw_only=True)
class Routing:
    """The row of session_routing: where a reply goes when nothing else is said."""

    channel_type: str | None = None
    platform_id: str | None = None
    thread_id: str | None = None


@frozen(kw_only=True)
class Meta:
    """The row of meta: what an epoch starts from."""

    epoch: int
    seq_floor: int
    provider_state: str
    timezone: str


@frozen(kw_only=True)
class MessageOut:
    """A row of messages_out, as an honest runner writes it."""

    id: str
    seq: int
    in_reply_to: str | None
    timestamp: datetime
    deliver_after: datetime | None = None
    kind: OutKind
    destination: str | None
    content: str


codec = Converter(forbid_extra_keys=True)
codec.register_structure_hook(datetime, lambda text, _: read_time(text))
codec.register_unstructure_hook(datetime, write_time)
codec.register_structure_hook(bool, lambda value, _: _read_bool(value))
codec.register_unstructure_hook(bool, int)
codec.register_structure_hook(int, lambda value, _: _read_exactly(int, value))
codec.register_structure_hook(float, lambda value, _: _read_exactly(float, value))
codec.register_structure_hook(str, lambda value, _: _read_exactly(str, value))


def _read_bool(value: object) -> bool:
    if value not in (0, 1):
        raise ValueError(f"not a truth value: {value!r}")
    return bool(value)


def _read_exactly(cls: type[T], value: object) -> T:
    """STRICT tables hold what their columns say; cattrs alone would make the text "None" of a NULL."""
    if type(value) is not cls:
        raise TypeError(f"not a {cls.__name__}: {value!r}")
    return value


def read_row(row: Row, cls: type[T]) -> T:
    """A row as a *cls*, whose fields are the columns. Raises cattrs' errors, which say which column."""
    return codec.structure(row, cls)


def select(conn: Connection, cls: type[T], sql: str, bindings: Bindings | None = None) -> list[T]:
    """Like `sqlite.fetch`, with each row made a *cls* whose fields are the columns."""
    read = _reader(cls)
    return [read(row) for row in fetch(conn, sql, bindings)]


def select_kept(conn: Connection, cls: type[T], sql: str, bindings: Bindings | None = None) -> list[T]:
    """`select` for rows that are read far more often than they change: equal rows are read once. *cls* is frozen."""
    names, rows = fetch_plain(conn, sql, bindings)
    if cls not in _KEEPERS:
        _KEEPERS[cls] = lru_cache(_MOST_KEPT)(partial(_read_plain, cls))
    read = _KEEPERS[cls]
    return [read(names, row) for row in rows]


def _read_plain(cls: type[T], names: tuple[str, ...], row: tuple[Value, ...]) -> T:
    return read_row(dict(zip(names, row, strict=True)), cls)


def _reader(cls: type[T]) -> Callable[[Row], T]:
    hook = codec.get_structure_hook(cls)
    return lambda row: hook(row, cls)


def bindings(value: object) -> dict[str, Value]:
    """A frozen row value as named bindings: column name to stored form."""
    plain: dict[str, Value] = codec.unstructure(value)
    return plain


def insert_sql(table: str, cls: type[object], *, replace: bool = False, single: bool = False) -> str:
    """An INSERT of every field of *cls* into *table*.

    *replace* makes it an upsert by primary key; *single* is for a table of one row, whose key `only` is 1.
    """
    names = list(fields_dict(cls))  # type: ignore[arg-type]  # attrs' stub wants its own protocol
    columns = [*(["only"] if single else []), *names]
    values = [*(["1"] if single else []), *(f":{name}" for name in names)]
    verb = "INSERT OR REPLACE" if replace else "INSERT"
    return f"{verb} INTO {table} ({', '.join(columns)}) VALUES ({', '.join(values)})"
