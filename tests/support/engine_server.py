"""An engine that says what a test has written down for it: recorded answers on a socket of its own."""

from __future__ import annotations

import json
import re
import socketserver
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from attrs import define, field

PATIENCE_SECONDS = 20.0


@define
class EngineServer:
    """Answers by method and path; streams are sent object by object, and may hang after the last."""

    address: str
    answers: dict[str, object] = field(factory=dict)
    """`GET /images/x/json` and the object to answer with; what is not here is not found."""
    streams: dict[str, Sequence[object]] = field(factory=dict)
    hangs: bool = False
    """After a stream: wait until the other side hangs up, instead of ending it."""
    asked: list[str] = field(factory=list)
    hung_up: threading.Event = field(factory=threading.Event)
    """The other side went away in the middle."""


@contextmanager
def engine_server(folder: Path) -> Iterator[EngineServer]:
    """Serve until left."""
    path = folder / "engine.sock"
    state = EngineServer(address=f"unix://{path}")
    server = _Server(str(path), state)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def __init__(self, path: str, state: EngineServer) -> None:
        self.state = state
        super().__init__(path, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def address_string(self) -> str:
        return "socket"

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def _serve(self) -> None:
        state = self.server.state
        self._read_body()
        path = re.sub(r"^/v1\.\d+/", "/", self.path.partition("?")[0])
        key = f"{self.command} {path}"
        state.asked.append(key)
        if key in state.streams:
            self._stream(state.streams[key])
        elif path == "/version":
            self._answer(200, {"ApiVersion": "1.41", "Version": "20.10"})
        elif key in state.answers:
            self._answer(200, state.answers[key])
        else:
            self._answer(404, {"message": f"no {path}"})

    do_GET = do_POST = do_DELETE = _serve  # noqa: N815 - the names that the library calls

    def _read_body(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                self.rfile.read(size + 2)
            self.rfile.readline()

    def _answer(self, code: int, found: object) -> None:
        content = json.dumps(found).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, objects: Sequence[object]) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for one in objects:
            content = json.dumps(one).encode() + b"\r\n"
            self.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))
        if not self.server.state.hangs:
            self.wfile.write(b"0\r\n\r\n")
            return
        self.connection.settimeout(PATIENCE_SECONDS)
        if self.connection.recv(1) == b"":
            self.server.state.hung_up.set()
        self.close_connection = True
