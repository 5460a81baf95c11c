"""AT-31: says what is mounted under /workspace/extra and whether it can be written; swaps a folder there for a link.

Words: the name of the mount in which to swap; none for nothing.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from tests.hostile.attacks.evil import attempt, report, words

EXTRA = Path("/workspace/extra")
SWAP_SECONDS = 20

seen = {
    mount.name: {
        "files": sorted(str(path.relative_to(mount)) for path in mount.rglob("*")),
        "write": attempt((mount / "written").touch),
        "text": "".join(path.read_text(errors="replace") for path in mount.rglob("*") if path.is_file()),
    }
    for mount in (EXTRA.iterdir() if EXTRA.exists() else ())
}
report(seen=seen)
for name in words():
    work = EXTRA / name
    end = time.monotonic() + SWAP_SECONDS
    while time.monotonic() < end:
        (work / "inner").rename(work / "aside")
        (work / "inner").symlink_to("/etc")
        time.sleep(0.001)
        os.unlink(work / "inner")  # noqa: PTH108 - as fast as can be
        (work / "aside").rename(work / "inner")
        time.sleep(0.001)
