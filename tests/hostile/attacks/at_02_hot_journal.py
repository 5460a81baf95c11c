"""AT-02: a journal beside the outbox names a file that is not the sandbox's, for whoever rolls it back to delete.

Words: what kind of journal, what happens then (stay, exit or oom), the file to delete.
"""

from __future__ import annotations

import os
import struct
import sys

from tests.hostile.attacks.evil import DB, JOURNAL, claim, hang, knock, report, say, words, write

MAGIC = bytes.fromhex("d9d505f920a163d7")
PAGE = 4096

kind, then, victim = words()


def hot(name: str) -> bytes:
    """A journal without records, armed, that ends with the name of a super-journal."""
    pages = DB.stat().st_size // PAGE
    header = MAGIC + struct.pack(">IIIII", 0, 1, pages, 512, PAGE)
    encoded = name.encode()
    check = sum(byte if byte < 128 else byte - 256 for byte in encoded) & 0xFFFFFFFF
    trailer = struct.pack(">I", 0x40000000 // PAGE + 1) + encoded + struct.pack(">II", len(encoded), check) + MAGIC
    return header.ljust(512, b"\0") + trailer


if then == "oom":
    claim()
match kind:
    case "hot":
        JOURNAL.write_bytes(hot(victim))
    case "hot-relative":
        JOURNAL.write_bytes(hot(os.path.relpath(victim, "/nanoclaw/out")))
    case "link":
        JOURNAL.symlink_to(victim)
    case "fifo":
        os.mkfifo(JOURNAL)
    case "sparse":
        with JOURNAL.open("wb") as file:
            file.write(hot(victim))
            # As long as the sandbox's limit for files lets it be, which is more than the host reads.
            file.truncate(1 << 30)
    case "cold":
        write(lambda conn: say(conn, 1, "said before the journal grew cold"))
        JOURNAL.write_bytes(bytes(28) + hot(victim)[28:])
    case other:
        raise ValueError(other)
report(planted=kind)
knock()
if then == "exit":
    sys.exit(0)
hoard = []
while then == "oom":
    hoard.append(bytearray(os.urandom(1 << 20)) * 64)
hang()
