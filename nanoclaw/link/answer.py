"""The worker's answer on its way to the host: JSON, believed by nobody.

The worker may have been taken over by the file it read, so the host reads its answer as strictly as the worker reads
the file: the same rules for every row (`fields`), the bounds of every list, and nothing beyond what is known here.
"""

from __future__ import annotations

import json
import string
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import TypeVar

from nanoclaw.link import fields
from nanoclaw.link.fields import FieldError, Plain, is_id
from nanoclaw.link.report import BadRow, Inspected, OutRow, Quarantine, Report
from nanoclaw.link.tables import MESSAGES, MOST_BAD, SIDE_TABLES, TABLES

T = TypeVar("T")

MOST_WORDS = 300
"""Characters of a reason or a detail."""
MOST_BAD_ROWS = MESSAGES.most_rows + MOST_BAD * len(SIDE_TABLES)
_NAMES = tuple(table.name for table in TABLES)
_ROW_KEYS = {table.name: frozenset({"rowid", *table.columns}) for table in TABLES}
_BAD_KEYS = frozenset({"table", "rowid", "reason", "digest", "id"})


def encode(answer: dict[str, object]) -> bytes:
    """What `reader.read_file` returned, as bytes for the pipe."""
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()


def decode(data: bytes, after: int) -> Inspected:
    """The report, or the quarantine, that the worker answers for a look after rowid *after*.

    Raises:
      FieldError: this is no answer; the worker is not to be asked again.
    """
    try:
        plain = json.loads(data)
        if isinstance(plain, dict) and plain.keys() == {"quarantine"}:
            return _quarantine(_fields(plain["quarantine"], {"reason", "detail"}))
        return _report(_fields(plain, {*_NAMES, "bad", "cursor", "more"}), after)
    except FieldError:
        raise
    except (ValueError, RecursionError):
        # Not JSON, or text that cannot be written down again.
        raise FieldError("not an answer") from None


def _quarantine(plain: Plain) -> Quarantine:
    return Quarantine(reason=_words(plain["reason"]), detail=_words(plain["detail"]))


def _report(plain: Plain, after: int) -> Report:
    messages, *sides = ((plain[table.name], table.most_rows, _ROW_KEYS[table.name]) for table in TABLES)
    acks, states, tools, drafts, usage = sides
    rows, tool = _each(*messages, _out_row), _each(*tools, fields.tool_state)
    cursor, more = plain["cursor"], plain["more"]
    if type(cursor) is not int or type(more) is not bool:
        raise FieldError("cursor: not a rowid")
    seen = [after, *(row.rowid for row in rows)]
    if any(one >= other for one, other in pairwise(seen)) or cursor < seen[-1]:
        raise FieldError("rowid: out of order")
    return Report(
        rows=rows,
        bad=_each(plain["bad"], MOST_BAD_ROWS, _BAD_KEYS, _bad_row),
        acks=_each(*acks, fields.ack_row),
        states=_each(*states, fields.state_row),
        tool=tool[0] if tool else None,
        cursor=cursor,
        more=more,
        drafts=_each(*drafts, fields.draft_row),
        usage=_each(*usage, fields.usage_row),
    )


def _each(value: object, most: int, keys: Iterable[str], read: Callable[[Plain], T]) -> tuple[T, ...]:
    if not isinstance(value, list) or len(value) > most:
        raise FieldError("not a list, or too long a one")
    return tuple(read(_fields(item, keys)) for item in value)


def _fields(value: object, keys: Iterable[str]) -> Plain:
    if not isinstance(value, dict) or value.keys() != set(keys):
        raise FieldError("not the fields there are")
    return value


def _out_row(plain: Plain) -> OutRow:
    return fields.out_row(_rowid(plain), plain)


def _bad_row(plain: Plain) -> BadRow:
    table, digest, row_id = plain["table"], plain["digest"], plain["id"]
    if not isinstance(table, str) or table not in _NAMES:
        raise FieldError("table: none of those there are")
    if not isinstance(digest, str) or len(digest) != 64 or not set(digest) <= set(string.hexdigits):
        raise FieldError("digest: not one")
    if row_id is not None and not is_id(row_id):
        raise FieldError("id: not a name")
    return BadRow(
        table=table,
        rowid=_rowid(plain),
        reason=_words(plain["reason"]),
        digest=digest,
        id=row_id if isinstance(row_id, str) else None,
    )


def _rowid(plain: Plain) -> int:
    value = plain["rowid"]
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise FieldError("rowid: not one")
    return value


def _words(value: object) -> str:
    if not isinstance(value, str) or len(value) > MOST_WORDS or not value.isprintable():
        raise FieldError("not words")
    return value
