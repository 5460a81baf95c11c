"""AT-11: says ten things, then rewrites what it said: old copies, other content, stolen and impossible numbers."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from functools import partial

import apsw

from tests.hostile.attacks.evil import DB, hang, install, knock, report, say, write

SEQS = (2, -1, 0, (1 << 63) - 1, 1, 999_999_999_999)

before = DB.read_bytes()
write(lambda conn: [say(conn, n, f"said {n}") for n in range(1, 11)])
time.sleep(1.5)
after = DB.read_bytes()
install(before)
time.sleep(0.3)
install(after)
write(lambda conn: conn.execute('UPDATE messages_out SET content = \'{"text": "forged"}\''))
time.sleep(0.3)
write(lambda conn: conn.execute("DELETE FROM messages_out"))
# Behind what the host has seen, or it would not look at them at all.
write(lambda conn: [say(conn, n, "forged again", rowid=100 + n) for n in range(1, 11)])
time.sleep(0.3)
write(lambda conn: conn.execute("DELETE FROM messages_out"))
for number, seq in enumerate(SEQS, start=20):
    with suppress(apsw.ConstraintError):
        write(partial(say, number=number, text="forged number", seq=seq, rowid=200 + number))
write(lambda conn: say(conn, 40, "forged time", timestamp="9999-99-99", deliver_after="garbage", rowid=240))
edit = json.dumps({"message": 2, "text": "forged edit"})
write(lambda conn: say(conn, 41, "", kind="edit", content=edit, rowid=241))
reaction = json.dumps({"message": 4_000, "emoji": "+1"})
write(lambda conn: say(conn, 42, "", kind="reaction", content=reaction, rowid=242))
write(lambda conn: say(conn, 43, "said at last", rowid=243))
knock()
report(done=True)
hang()
