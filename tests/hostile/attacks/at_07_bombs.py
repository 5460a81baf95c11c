"""AT-07: outboxes and files that are too large, or take too long, or are too many. Words: one order for each life."""

from __future__ import annotations

import os
import sys

from schema.files import MOST_FILE_BYTES, OUTBOX
from tests.hostile.attacks.evil import CORPUS, DB, EPOCH, OUT, attempt, claim, hang, install, report, say, words, write

MIB = 1 << 20
ROWS = 300
ENTRIES = 20_000

order = words()[EPOCH - 1]
match order:
    case "sparse":
        report(terabyte=attempt(lambda: os.truncate(DB, 1 << 40)))
        os.truncate(DB, 1 << 30)
    case "large":
        os.truncate(DB, 64 * MIB + 4096)
    case "rows":
        claim()
        write(lambda conn: [say(conn, n, f"row {n}") for n in range(1, ROWS + 1)])
        sys.exit(0)
    case "entries":
        (OUT / OUTBOX).mkdir()
        for number in range(ENTRIES):
            (OUT / OUTBOX / str(number)).touch()
        sys.exit(0)
    case "files":
        folder = OUT / OUTBOX / "evil-1"
        folder.mkdir(parents=True)
        (folder / "sparse").touch()
        os.truncate(folder / "sparse", 1 << 30)
        (folder / "larger").write_bytes(bytes(MOST_FILE_BYTES + 1))
        (folder / "largest").write_bytes(b"x" * MOST_FILE_BYTES)
        text = '{"text": "files", "files": ["sparse", "larger", "largest"]}'
        write(lambda conn: say(conn, 1, "", content=text))
    case "long-row":
        write(lambda conn: (say(conn, 1, "x" * (10 * MIB)), say(conn, 2, "after the long one")))
    case name:
        install((CORPUS / name).read_bytes())
hang()
