"""Serves a folder by HTTPS: what is asked of a host lies in the folder of its name. Ends with its standard input."""

from __future__ import annotations

import ssl
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CERTIFICATE = "server.pem"
"""In the folder, with its key."""


class _Files(SimpleHTTPRequestHandler):
    def translate_path(self, path: str) -> str:
        """Where it lies."""
        return super().translate_path(f"/{self.headers['host'].partition(':')[0]}{path}")

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def main() -> None:
    """Serve at an address what lies in a folder, as two arguments say; says so once it does."""
    address, folder = sys.argv[1:]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(folder, CERTIFICATE))
    with ThreadingHTTPServer((address, 443), partial(_Files, directory=folder)) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print("serves", flush=True)
        sys.stdin.read()
        server.shutdown()


if __name__ == "__main__":
    main()
