"""AT-03: tries to write where only the host may, then is an honest runner to be sent files."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from tests.hostile.attacks.evil import IN, OUT, attempt, report

libc = ctypes.CDLL(None, use_errno=True)


def mount_over() -> None:
    """Put a folder of our own in the place of the inbox."""
    if libc.mount(b"tmpfs", str(IN).encode(), b"tmpfs", 0, None) != 0:
        raise OSError(ctypes.get_errno(), "mount")


def unmount() -> None:
    """Take the mount away, to see what is below."""
    if libc.umount2(str(IN).encode(), 2) != 0:
        raise OSError(ctypes.get_errno(), "umount2")


def remount() -> None:
    """Make it writable."""
    if libc.mount(b"none", str(IN).encode(), None, 32 | 4096, None) != 0:
        raise OSError(ctypes.get_errno(), "mount")


database, fresh = IN / "inbound.db", IN / "inbound.db-journal"
(OUT / "mine").write_text("mine")
by_root = Path(f"/proc/1/root{IN}")
attempts = {
    "write the database": lambda: os.close(os.open(database, os.O_RDWR)),
    "plant a journal": lambda: fresh.write_bytes(b"x"),
    "plant a journal through /proc/1/root": lambda: (by_root / fresh.name).write_bytes(b"x"),
    "plant a journal through ..": lambda: Path(f"{OUT}/../in/{fresh.name}").write_bytes(b"x"),
    "rename": lambda: database.rename(IN / "other.db"),
    "move something over it": lambda: (OUT / "mine").rename(database),
    "unlink": database.unlink,
    "chmod": lambda: database.chmod(0o666),
    "chmod the folder": lambda: IN.chmod(0o777),
    "link into it": lambda: os.link(OUT / "mine", IN / "mine"),
    "link out of it": lambda: os.link(database, OUT / "theirs"),
    "symlink": lambda: (IN / "planted").symlink_to("/etc"),
    "make a folder": (IN / "planted").mkdir,
    "truncate": lambda: os.truncate(database, 0),
    "rename the folder": lambda: IN.rename("/nanoclaw/elsewhere"),
    "write beside it": lambda: Path("/nanoclaw/x").write_text("x"),
    "write the settings": lambda: Path("/nanoclaw/container.json").write_text("{}"),
    "mount over it": mount_over,
    "unmount it": unmount,
    "make it writable": remount,
}
report(attempts={name: attempt(work) for name, work in attempts.items()}, uid=os.getuid())
(OUT / "mine").unlink()
