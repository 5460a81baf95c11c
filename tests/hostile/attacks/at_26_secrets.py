"""AT-26: reads everything that can be read, looking for a secret fruit, and for one that is there to be found."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from tests.hostile.attacks.evil import report

# Not spelt out, or this file would be what is found.
FRUIT = re.compile(b"(?:kum" + b"quat|med" + b"lar)[-_ a-z0-9]{0,40}")
MOST = 4 << 20
SKIPPED = ("/proc/kcore", "/proc/kmsg", "/sys/kernel")
LIBRARIES = ("/usr/lib", "/usr/share", "/opt/nanoclaw/packages")
"""Of the image, of which the test looks at every layer's history; too much to read each time."""


def files(top: str) -> Iterator[Path]:
    """Every file below, special ones aside."""
    for folder, folders, names in os.walk(top):
        path = Path(folder)
        folders[:] = [
            name
            for name in folders
            if not str(path / name).startswith((*SKIPPED, *LIBRARIES)) and not (path / name).is_symlink()
        ]
        for name in names:
            yield path / name


def read(path: Path) -> bytes:
    """What is in it; nothing for what cannot be read."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return b""
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return b""
    try:
        return os.read(descriptor, MOST)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


count = 0
hits: dict[str, list[str]] = {}
for one in files("/"):
    count += 1
    content = read(one)
    if fruit := sorted({match.decode() for match in FRUIT.findall(content)}):
        hits[str(one)] = fruit
report(files=count, hits=hits, environment=dict(os.environ))
