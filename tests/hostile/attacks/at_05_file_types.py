"""AT-05: something that is not a plain file of its own, where the host looks for one.

Words: a file of the host's, another session's outbox; for each life a name, and what to put there.
"""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

from tests.hostile.attacks.evil import DB, EPOCH, OUT, install, knock, report, words

canary, other, *orders = words()
name, kind = orders[EPOCH - 1].split(":")
target = OUT / name
target.parent.mkdir(parents=True, exist_ok=True)
image = DB.read_bytes()


def put(what: str) -> None:
    """Replace the target, in one step where that can be."""
    if what == "gone":
        target.unlink()
    elif what == "folder":
        target.unlink(missing_ok=True)
        target.mkdir()
    else:
        aside = target.with_name("aside")
        make(what, aside)
        aside.rename(target)


def make(what: str, path: Path) -> None:
    """Make it, under another name."""
    links = {
        "link": canary,
        "relative-link": os.path.relpath(canary, target.parent),
        "other-session": other,
        "loop": target.name,
        "environ": "/proc/self/environ",
        "zero": "/dev/zero",
    }
    if what in links:
        path.symlink_to(links[what])
        return
    match what:
        case "fifo":
            os.mkfifo(path)
        case "socket":
            os.chdir(path.parent)
            socket.socket(socket.AF_UNIX).bind(path.name)
        case "hardlink":
            Path(OUT, "second").write_bytes(image)
            os.link(OUT / "second", path)
        case unknown:
            raise ValueError(unknown)


report(put=kind)
if kind == "flicker":
    end = time.monotonic() + 3
    while time.monotonic() < end:
        install(image, target)
        time.sleep(0.0005)
        put("link")
        time.sleep(0.0005)
else:
    put(kind)
while True:
    knock()
    time.sleep(0.2)
