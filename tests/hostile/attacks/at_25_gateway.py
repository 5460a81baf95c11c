"""AT-25: asks the gateway for what it is not there for, over the session's own socket, and tries to take its place."""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from schema.files import GATEWAY_SOCKET, SANDBOX_GATEWAY
from tests.hostile.attacks.evil import attempt, report

SOCKET = Path(SANDBOX_GATEWAY, GATEWAY_SOCKET)
SECONDS = 10.0
MANY = 64
ASKS = {
    "honest": b"GET /v1/models HTTP/1.1\r\nHost: x\r\nX-Api-Key: mine\r\nAuthorization: Bearer mine\r\n",
    "tunnel": b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n",
    "elsewhere": b"GET http://169.254.169.254/v1/models HTTP/1.1\r\nHost: 169.254.169.254\r\n",
    "root": b"GET / HTTP/1.1\r\nHost: x\r\n",
    "up": b"GET /v1/../admin HTTP/1.1\r\nHost: x\r\n",
    "hidden up": b"GET /v1/%2e%2e/admin HTTP/1.1\r\nHost: x\r\n",
    "no host": b"GET //169.254.169.254/v1/models HTTP/1.1\r\nHost: x\r\n",
    "removal": b"DELETE /v1/files/1 HTTP/1.1\r\nHost: x\r\n",
    "two hosts": b"GET /v1/models HTTP/1.1\r\nHost: x\r\nHost: 127.0.0.1:22\r\n",
    "folded": b"GET /v1/models HTTP/1.1\r\nHost: x\r\nX: a\r\n b\x00c: d\r\n",
    "no version": b"GET /v1/models\r\n",
    "too much": b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n",
    "long": b"GET /v1/models HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100_000 + b"\r\n",
    "smuggled": (
        b"POST /v1/files HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        b"GET /admin HTTP/1.1\r\nHost: x\r\n"
    ),
}


def ask(said: bytes) -> str:
    """Everything that is answered."""
    with socket.socket(socket.AF_UNIX) as plain:
        plain.settimeout(SECONDS)
        plain.connect(str(SOCKET))
        heard = b""
        try:
            plain.sendall(said + b"Connection: close\r\n\r\n")
            plain.shutdown(socket.SHUT_WR) if b"Content-Length: 9" in said else None
            while piece := plain.recv(1 << 16):
                heard += piece
        except OSError as exc:
            heard += f" ({type(exc).__name__})".encode()
        return heard.decode(errors="replace")


def reach(address: str) -> None:
    """Connect to what is no part of the sandbox."""
    with socket.create_connection((address, 80), timeout=2):
        pass


def take_its_place() -> None:
    """Be the gateway oneself."""
    with socket.socket(socket.AF_UNIX) as plain:
        plain.bind(f"{SOCKET}.new")


answers = {name: ask(said) for name, said in ASKS.items()}
tries = {
    "open it to all": attempt(lambda: SOCKET.chmod(0o777)),
    "give it away": attempt(lambda: os.chown(SOCKET, 1000, 1000)),
    "remove it": attempt(SOCKET.unlink),
    "move it": attempt(lambda: SOCKET.rename(f"{SOCKET}.old")),
    "take its place": attempt(take_its_place),
    "reach the world": attempt(lambda: reach("1.1.1.1")),
    "reach the machine": attempt(lambda: reach("172.17.0.1")),
}
with ExitStack() as held:
    for _ in range(MANY):
        one = held.enter_context(socket.socket(socket.AF_UNIX))
        one.setblocking(False)
        attempt(partial(one.connect, str(SOCKET)))
        attempt(partial(one.send, b"POST /v1/mess"))
    report(answers=answers, tries=tries)
