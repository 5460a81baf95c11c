"""The bytes on the pipes between customs and a worker.

A worker says a frame when it is ready. A request is `REQUEST` (lengths of database and journal, the latter -1 where
there is none, and the cursor), then the two files. The worker answers with `TAKEN` as soon as it has all of that, so a
death before can never be the file's doing, and then with a frame: its length, and JSON.
"""

from __future__ import annotations

import struct

REQUEST = struct.Struct("!qqq")
LENGTH = struct.Struct("!I")
TAKEN = b"\x06"
READY = b"\x06"
"""What a template says when it takes orders."""
ORDER = struct.Struct("!I?")
"""To a template: the number of a process to end, and false; or anything, and true, with two pipes for a new worker."""
MOST_ANSWER_BYTES = 40 << 20
"""More than the bounds in `tables` can come to, whatever JSON makes of them."""


_SMALL = 64 << 10
"""Bytes: less than this is sent in one go."""


def request(database: bytes, journal: bytes | None, after: int) -> list[bytes]:
    """What customs writes to ask for one look, in order."""
    parts = [REQUEST.pack(len(database), -1 if journal is None else len(journal), after), database, journal or b""]
    return [b"".join(parts)] if sum(map(len, parts)) < _SMALL else parts


def frame(data: bytes) -> bytes:
    """*data* with its length before it."""
    return LENGTH.pack(len(data)) + data
