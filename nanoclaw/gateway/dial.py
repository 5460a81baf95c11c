"""The way to a model's endpoint: a name looked up, a connection made, encrypted where the address says so."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Awaitable, Callable
from functools import cache
from typing import TypeAlias

import trio

from nanoclaw.core.endpoints import Endpoint

CONNECT_SECONDS = 15.0

Dial: TypeAlias = Callable[[Endpoint], Awaitable[trio.abc.Stream]]
"""Connects. Raises `UnreachableError`; cancelled, it leaves nothing behind."""


class UnreachableError(Exception):
    """Nobody answers there; `str()` says why, in a few words for people."""


async def dial(endpoint: Endpoint) -> trio.abc.Stream:
    """Connect to *endpoint*, by any of its addresses.

    Raises:
      UnreachableError: nobody answers in time, or not whom the certificate should name.
    """
    with trio.move_on_after(CONNECT_SECONDS):
        try:
            plain = await trio.open_tcp_stream(endpoint.host, endpoint.port)
        except socket.gaierror as exc:
            raise UnreachableError(f"the name {endpoint.host} is not known here") from exc
        except OSError as exc:
            raise UnreachableError("nobody takes the connection") from exc
        return await encrypt(plain, endpoint.host) if endpoint.scheme == "https" else plain
    raise UnreachableError(f"it did not answer within {CONNECT_SECONDS:g} s")


async def encrypt(plain: trio.SocketStream, host: str) -> trio.abc.Stream:
    """Speak TLS over *plain* with whoever is *host*.

    Raises:
      UnreachableError: it is not, or does not in time. *plain* is closed then, as it is by cancellation.
    """
    try:
        context = await trio.to_thread.run_sync(_trusted)
        secure = trio.SSLStream(plain, context, server_hostname=host, https_compatible=True)
        with trio.fail_after(CONNECT_SECONDS):
            await secure.do_handshake()
    except trio.TooSlowError as exc:
        await trio.aclose_forcefully(plain)
        raise UnreachableError("it does not speak TLS in time") from exc
    except trio.BrokenResourceError as exc:
        await trio.aclose_forcefully(plain)
        reason = exc.__cause__
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise UnreachableError(f"its certificate is not to be trusted ({reason.verify_message})") from exc
        raise UnreachableError("it does not speak TLS as it should") from exc
    except BaseException:
        await trio.aclose_forcefully(plain)
        raise
    return secure


@cache
def _trusted() -> ssl.SSLContext:
    """Whom this machine trusts. Reads a file: for a thread, the first time."""
    return ssl.create_default_context()
