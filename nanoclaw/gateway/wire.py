"""One end of an HTTP/1.1 connection: h11 has the rules, Trio the bytes, and nobody may keep us waiting for ever."""

from __future__ import annotations

from typing import TypeAlias

import h11
import trio
from attrs import define, field

from nanoclaw.core.model_requests import MOST_HEAD

CHUNK = 64 << 10
SEND_SECONDS = 60.0
"""How long the other end may take nothing of what is sent."""

Event: TypeAlias = h11.Request | h11.InformationalResponse | h11.Response | h11.Data | h11.EndOfMessage


class GoneError(Exception):
    """The other end left, was silent for too long, or does not speak HTTP. Nothing more comes of this connection."""

    def __init__(self, wire: Wire, why: str, status: int | None = None) -> None:
        super().__init__(why)
        self.wire = wire
        self.why = why
        self.status = status
        """What an answer to that would be, if it can still be given."""


@define(eq=False)
class Wire:
    """The connection to one neighbour. One task receives, one sends."""

    stream: trio.abc.Stream
    http: h11.Connection
    _heard_head: bool = field(default=False, init=False)
    """Is it a HEAD that is to be answered? No answer to that has a body, whatever its headers say."""

    async def receive(self, patience: float) -> Event | None:
        """The next thing that the other end says; None if it has closed the connection in good order.

        Args:
          patience: How many seconds it may say nothing.

        Raises:
          GoneError: see there.

        Cancellation: a checkpoint; nothing that was said is lost.
        """
        try:
            while (event := self.http.next_event()) is h11.NEED_DATA:
                with trio.fail_after(patience):
                    self.http.receive_data(bytes(await self.stream.receive_some(CHUNK)))
        except trio.TooSlowError:
            raise GoneError(self, f"nothing came for {patience:g} s") from None
        except h11.RemoteProtocolError as exc:
            raise GoneError(self, str(exc), exc.error_status_hint) from exc
        except (trio.BrokenResourceError, trio.ClosedResourceError) as exc:
            raise GoneError(self, "the connection broke") from exc
        await trio.lowlevel.checkpoint()
        if isinstance(event, h11.ConnectionClosed):
            return None
        if isinstance(event, h11.Request):
            self._heard_head = event.method == b"HEAD"
        # Paused is only who is asked for more than one message at a time, which nobody is here.
        assert isinstance(event, h11.Request | h11.InformationalResponse | h11.Response | h11.Data | h11.EndOfMessage)
        return event

    async def send(self, event: Event) -> None:
        """Say *event*, all of it; a body only where there can be one. Raises `GoneError`.

        Cancellation: some of it may have been said; the connection is to be closed then.
        """
        data = b"" if self._heard_head and isinstance(event, h11.Data) else self.http.send(event)
        try:
            with trio.fail_after(SEND_SECONDS):
                await self.stream.send_all(data)
        except trio.TooSlowError:
            raise GoneError(self, f"it took nothing for {SEND_SECONDS:g} s") from None
        except (trio.BrokenResourceError, trio.ClosedResourceError) as exc:
            raise GoneError(self, "the connection broke") from exc

    async def wait_for_end(self) -> bool:
        """Wait until the other end leaves or speaks out of turn; says whether it has left.

        Cancellation: nothing that was said is lost.
        """
        try:
            data = bytes(await self.stream.receive_some(CHUNK))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return True
        self.http.receive_data(data)
        return not data

    def is_quiet(self) -> bool:
        """Between two messages: has the other end neither left nor said anything?"""
        stream = self.stream
        if isinstance(stream, trio.SSLStream):
            stream = stream.transport_stream
        assert isinstance(stream, trio.SocketStream)
        # What came after an answer answers nothing that will be asked.
        return not self.http.trailing_data[0] and not stream.socket.is_readable()

    def next_message(self) -> bool:
        """Get ready for the next request on this connection; says whether there can be one."""
        if self.http.our_state is h11.DONE and self.http.their_state is h11.DONE:
            self.http.start_next_cycle()
            return True
        return False

    async def close(self) -> None:
        """Close it at once, whatever is under way. A checkpoint; closed also when cancelled."""
        await trio.aclose_forcefully(self.stream)


def server(stream: trio.abc.Stream) -> Wire:
    """*stream* as whoever answers on it has it."""
    return Wire(stream, h11.Connection(our_role=h11.SERVER, max_incomplete_event_size=MOST_HEAD))


def client(stream: trio.abc.Stream) -> Wire:
    """*stream* as whoever asks on it has it."""
    return Wire(stream, h11.Connection(our_role=h11.CLIENT, max_incomplete_event_size=MOST_HEAD))
