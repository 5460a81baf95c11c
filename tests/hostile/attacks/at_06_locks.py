"""AT-06: holds what others might wait for: a lock on the inbox, one on the outbox, a lease."""

from __future__ import annotations

import fcntl
import os
import time

import apsw

from tests.hostile.attacks.evil import DB, IN, OUT, hang, knock, report, words

F_SETLEASE = 1024

(kind,) = words()
conn = apsw.Connection(str(DB))
match kind:
    case "inbox":
        conn = apsw.Connection(str(IN / "inbound.db"), flags=apsw.SQLITE_OPEN_READONLY)
        conn.execute("BEGIN")
        conn.execute("SELECT * FROM meta").fetchall()
    case "outbox":
        conn.execute("BEGIN EXCLUSIVE")
        for name in ("outbound.db.lock", "outbound.db-lock", ".lock"):
            os.close(os.open(OUT / name, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    case _:
        lease = os.open(DB, os.O_RDONLY)
        report(held=kind)
        fcntl.fcntl(lease, F_SETLEASE, fcntl.F_WRLCK)
report(held=kind)
knock()
if kind == "outbox":
    time.sleep(3)
    conn.execute("ROLLBACK")
    conn.close()
else:
    hang()
