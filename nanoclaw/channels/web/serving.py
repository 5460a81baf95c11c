"""Serves an application at a port of this machine: hypercorn on Trio, on a socket that we open ourselves."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Awaitable
from typing import Protocol

import structlog
import trio
from hypercorn.config import Config
from hypercorn.trio import serve as hypercorn_serve
from starlette.types import ASGIApp

log = structlog.get_logger()

BACKLOG = 64
STALLED_MILLISECONDS = 5_000
"""A browser that takes nothing for so long is cut off, by the kernel: hypercorn cannot be cancelled while it sends."""
IDLE_SECONDS = 30
PING_SECONDS = 30.0
GRACE_SECONDS = 2.0
MOST_FRAME = 1 << 20


class Serving(Protocol):
    """Serves until cancelled."""

    def __call__(self, *, task_status: trio.TaskStatus[None]) -> Awaitable[object]: ...


def open_port(address: str, port: int, *, or_any: bool = True) -> socket.socket:
    """Listen at *port* of *address*; *or_any*: at any other where that is taken.

    Raises:
      OSError: this machine has no such address, or will not let us.
    """
    try:
        return _listen(address, port)
    except OSError as exc:
        if exc.errno != errno.EADDRINUSE or not port or not or_any:
            raise
        log.warning("web_port_taken", port=port)
        return _listen(address, 0)


def _listen(address: str, port: int) -> socket.socket:
    plain = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            # Those that are accepted have it from the one that listens.
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALLED_MILLISECONDS)
        plain.bind((address, port))
        plain.listen(BACKLOG)
    except BaseException:
        plain.close()
        raise
    return plain


def serving(app: ASGIApp, listener: socket.socket) -> Serving:
    """What serves *app* on *listener*, which is its own from now on."""
    config = Config()
    config.accesslog = config.errorlog = None
    config.include_server_header = False
    config.alpn_protocols = ["http/1.1"]
    config.backlog = BACKLOG
    config.keep_alive_timeout = IDLE_SECONDS
    config.graceful_timeout = GRACE_SECONDS
    config.websocket_max_message_size = MOST_FRAME
    config.websocket_ping_interval = PING_SECONDS

    async def serve(*, task_status: trio.TaskStatus[None]) -> None:
        async with trio.open_nursery() as nursery:
            number = listener.detach()
            config.bind = [f"fd://{number}"]
            await nursery.start(hypercorn_serve, app, config)
            # Hypercorn lets programs that we start have it, and we start what is not to be trusted.
            os.set_inheritable(number, False)
            task_status.started()

    return serve
