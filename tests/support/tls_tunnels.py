"""A proxy's inside for programs that speak TLS: it answers in every host's name, and passes on what it reads."""

from __future__ import annotations

import ssl
from functools import cached_property

import trio
import trustme
from attrs import define, field

MOST_READ = 1 << 16


@define(eq=False, slots=False)
class Tunnels:
    """Ends TLS with a certificate for whatever host is asked for, as its own authority signs it."""

    port: int
    """Where, on loopback, everything that was asked for is answered."""
    opened: list[str] = field(factory=list[str], init=False)
    """The hosts and ports that were asked for."""

    @cached_property
    def authority(self) -> trustme.CA:
        """Whom a program has to trust."""
        return trustme.CA()

    @property
    def certificate(self) -> str:
        """Its certificate, in PEM."""
        return self.authority.cert_pem.bytes().decode()

    async def serve(self, host: str, plain: trio.SocketStream) -> None:
        """See one connection to its end."""
        self.opened.append(host)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.authority.issue_cert(host.partition(":")[0]).configure_cert(context)
        secure = trio.SSLStream(plain, context, server_side=True, https_compatible=True)
        async with await trio.open_tcp_stream("127.0.0.1", self.port) as behind, trio.open_nursery() as nursery:
            nursery.start_soon(_copy, secure, behind, nursery.cancel_scope)
            nursery.start_soon(_copy, behind, secure, nursery.cancel_scope)


async def _copy(source: trio.abc.Stream, sink: trio.abc.Stream, both: trio.CancelScope) -> None:
    try:
        while data := await source.receive_some(MOST_READ):
            await sink.send_all(data)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass
    both.cancel()
