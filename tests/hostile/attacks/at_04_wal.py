"""AT-04: the outbox says that it has a write-ahead log, whose shared memory is cut under whoever maps it."""

from __future__ import annotations

import os
import time

import apsw

from tests.hostile.attacks.evil import DB, OUT, hang, knock, report, words

SHM, WAL = OUT / "outbound.db-shm", OUT / "outbound.db-wal"

(kind,) = words()
if kind == "honest":
    conn = apsw.Connection(str(DB))
    conn.pragma("journal_mode", "wal")
    conn.execute("INSERT INTO session_state VALUES ('a', 'b', '')")
    report(mode=kind)
    hang()
with DB.open("r+b") as file:
    file.seek(18)
    file.write(b"\2\2")
WAL.write_bytes(os.urandom(40_000))
SHM.write_bytes(bytes(32_768))
report(mode=kind)
while True:
    os.truncate(SHM, 0)
    os.truncate(SHM, 32_768)
    knock()
    time.sleep(0.001)
