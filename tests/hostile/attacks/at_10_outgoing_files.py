"""AT-10: messages with files that are not there, not files, not its own, or swapped while they are looked at.

Words: a file of the host's, the number of messages of the race.
"""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

from schema.files import OUTBOX
from tests.hostile.attacks.evil import OUT, hang, report, say, words, write

canary, races = words()[0], int(words()[1])
NAMES = (
    "../x",
    "/etc/passwd",
    "a/../../x",
    "..\\x",
    "a\0b",
    ".",
    "..",
    "x" * 256,
    "\u202egpj.exe",
    "trailing.",
    "-rf",
    canary,
    "link",
    "fifo",
    "folder",
    "socket-that-is-not",
)


def message(number: int, files: list[str], **changes: object) -> None:
    """Commit a message with files."""
    content = json.dumps({"text": f"message {number}", "files": files})
    write(lambda conn: say(conn, number, "", content=content, **changes))


def folder_of(number: int) -> Path:
    """The folder of a message's files."""
    folder = OUT / OUTBOX / f"evil-{number}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


(OUT / "x").write_text("outside of the outbox")
one = folder_of(1)
(one / "genuine").write_text("genuine")
(one / "link").symlink_to(canary)
os.mkfifo(one / "fifo")
(one / "folder").mkdir()
names = ["genuine", *NAMES]
for number, start in enumerate(range(0, len(names), 8), start=1):
    if number > 1:
        folder_of(number).rmdir()
        (OUT / OUTBOX / f"evil-{number}").symlink_to("evil-1")
    message(number, names[start : start + 8])
# The rows are numbered on, whatever their id claims to be a path of.
message(10, ["passwd"], id="../../../../../../etc")
message(11, ["genuine"], id="evil-1/../evil-1")


def swap(path: Path) -> None:
    """A file and a link, in turn, as fast as can be."""
    real, link = path.with_name("real"), path.with_name("other")
    while not done.is_set():
        real.write_text("genuine")
        real.rename(path)
        link.symlink_to(canary)
        link.rename(path)


done = threading.Event()
for number in range(20, 20 + races):
    done.clear()
    thread = threading.Thread(target=swap, args=(folder_of(number) / "raced",))
    thread.start()
    time.sleep(0.005)
    message(number, ["raced"])
    time.sleep(0.05)
    done.set()
    thread.join()
report(sent=races)
hang()
