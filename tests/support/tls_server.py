"""A server on loopback that speaks TLS with a certificate of the test's own."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import trustme

NEAR = "127.0.0.2"
"""An address of this machine that no program takes for its own, as it does localhost."""
SAID = "a quince from outside"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Say the one thing there is to say."""
        body = SAID.encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@contextmanager
def tls_server() -> Iterator[tuple[int, str]]:
    """The port of the server at `NEAR`, and the text of the certificate by which it is known."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(NEAR).configure_cert(context)
    with ThreadingHTTPServer((NEAR, 0), _Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_address[1], authority.cert_pem.bytes().decode()
        finally:
            server.shutdown()
            thread.join()
