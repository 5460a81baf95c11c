"""A web server on a socket that answers like a container daemon, or as badly as it is told to."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import define, field

Answer = Callable[[socket.socket], None]


def says(status: int, body: object) -> Answer:
    """Answers with JSON."""
    data = json.dumps(body).encode()

    def answer(connection: socket.socket) -> None:
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        connection.sendall(head.encode() + data)

    return answer


def streams(*chunks: bytes, then: Callable[[], object] = lambda: None) -> Answer:
    """Answers with a stream that ends after *chunks*, once *then* has returned."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for chunk in chunks:
            connection.sendall(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        then()
        connection.sendall(b"0\r\n\r\n")

    return answer


def frame(text: bytes, *, stream: int = 2) -> bytes:
    """A piece of a log, as a daemon sends it for a container without a terminal."""
    return struct.pack(">BxxxL", stream, len(text)) + text


def hangs_up(connection: socket.socket) -> None:
    """Ends in the middle."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")


@define(eq=False)
class StubDaemon:
    """Answers each path as it is told to, the longest that fits."""

    path: Path
    answers: dict[str, Answer]
    asked: list[str] = field(factory=list[str])
    """What was asked for: methods and paths, without the version."""
    bodies: list[bytes] = field(factory=list[bytes])

    @property
    def url(self) -> str:
        """Where it is."""
        return f"unix://{self.path}"

    def serve(self, connection: socket.socket) -> None:
        """One request, one connection."""
        with connection:
            data = b""
            while b"\r\n\r\n" not in data:
                part = connection.recv(65536)
                if not part:
                    return
                data += part
            head, _, body = data.partition(b"\r\n\r\n")
            headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
            length = int(headers.get(b"content-length", b"0"))
            while len(body) < length:
                body += connection.recv(65536)
            method, target = head.split(b" ")[:2]
            wanted = target.decode().split("?")[0]
            bare = "/" + wanted.split("/", 2)[2] if wanted.startswith("/v1.") else wanted
            self.asked.append(f"{method.decode()} {bare}")
            self.bodies.append(body)
            fitting = max((one for one in self.answers if bare.startswith(one)), key=len)
            self.answers[fitting](connection)


@contextmanager
def stub_daemon(path: Path, answers: dict[str, Answer]) -> Iterator[StubDaemon]:
    """A daemon at *path*, as long as the block lasts."""
    daemon = StubDaemon(path, {"/version": says(200, {"ApiVersion": "1.41", "Version": "29.0.0"}), **answers})
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(50)
        threads: list[threading.Thread] = []

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threads.append(threading.Thread(target=_serve, args=(daemon, connection), daemon=True))
                threads[-1].start()

        acceptor = threading.Thread(target=accept, daemon=True)
        acceptor.start()
        try:
            yield daemon
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            acceptor.join(5)
            for thread in threads:
                thread.join(5)


def _serve(daemon: StubDaemon, connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the client may go first
        daemon.serve(connection)
