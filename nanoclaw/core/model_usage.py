"""What a call of a model took, read from its answer as it passes: what the agent says of it is not asked. Pure.

An answer that does not say, or that was cut off, is estimated from what passed, rather too high than too low.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from attrs import define, field, frozen

MOST_KEPT = 8 << 20
"""Bytes of an answer in one piece, or of one event, that are kept to be read."""
BYTES_A_TOKEN = 3
"""In an estimate. Plain English has about four."""
MOST_TOKENS = 1 << 40
MOST_MODEL = 100
STORED_LONG = "ephemeral_1h_input_tokens"
"""As an answer has it, in `cache_creation`."""
_EVENTS = (b'"message_start"', b'"message_delta"', b'"content_block_delta"')


@frozen(kw_only=True)
class Counted:
    """What one call took, in tokens."""

    model: str = ""
    """As the answer names it; empty: it does not."""
    read: int = 0
    """All that the model read, *cached* and *stored* included."""
    cached: int = 0
    stored: int = 0
    stored_long: int = 0
    """Those of *stored* that stay for an hour."""
    written: int = 0
    estimated: bool = False

    @property
    def tokens(self) -> int:
        """All of them."""
        return self.read + self.written


@define(eq=False)
class Meter:
    """Hears one request and its answer, piece by piece."""

    _asked: int = field(default=0, init=False)
    _heard: int = field(default=0, init=False)
    _status: int = field(default=0, init=False)
    _stream: bool = field(default=False, init=False)
    _readable: bool = field(default=True, init=False)
    _rest: bytearray = field(factory=bytearray, init=False)
    _skipping: bool = field(default=False, init=False)
    """In the middle of a line that is too long to be read."""
    _model: str = field(default="", init=False)
    _usage: dict[str, int] = field(factory=dict[str, int], init=False)
    _said: int = field(default=0, init=False)
    """Characters that the model wrote."""
    _final: bool = field(default=False, init=False)
    _put: bool = field(default=False, init=False)
    _said_elsewhere: Counted | None = field(default=None, init=False)

    def settle(self, counted: Counted) -> None:
        """It was heard elsewhere, where this much has been counted so far."""
        self._said_elsewhere = counted

    def asked(self, size: int) -> None:
        """So many bytes of the request went out."""
        self._asked += size

    def put(self) -> None:
        """All of the request is out: from now on it costs something, whoever does not wait for the answer."""
        self._put = True

    def lost(self) -> None:
        """No answer comes, and nobody here is to blame for that."""
        self._put = False

    def begins(self, status: int, content_type: bytes, encoding: bytes) -> None:
        """An answer begins."""
        self._status = status
        self._stream = content_type.lower().startswith(b"text/event-stream")
        self._readable = encoding in (b"", b"identity")

    def heard(self, data: bytes) -> None:
        """A piece of the answer."""
        self._heard += len(data)
        if not self._readable or self._status != 200:
            return
        self._rest += data
        if self._stream:
            self._lines()
        elif len(self._rest) > MOST_KEPT:
            self._readable = False
            self._rest.clear()

    def total(self) -> Counted:
        """What the call took, as far as it has gone. One that was refused, or never put, took nothing."""
        if self._said_elsewhere is not None:
            return self._said_elsewhere
        if self._status == 0 and self._put:
            return Counted(read=-(-self._asked // BYTES_A_TOKEN), estimated=True)
        if not 200 <= self._status < 300:
            return Counted()
        if self._readable and not self._stream:
            self._whole()
        cached, stored = self._of("cache_read_input_tokens"), self._of("cache_creation_input_tokens")
        read, written = self._of("input_tokens") + cached + stored, self._of("output_tokens")
        if not self._usage:
            read = -(-self._asked // BYTES_A_TOKEN)
            written = -(-self._heard // BYTES_A_TOKEN)
        elif not self._final:
            written = max(written, -(-self._said // BYTES_A_TOKEN))
        return Counted(
            model=self._model,
            read=read,
            cached=cached,
            stored=stored,
            stored_long=min(stored, self._of(STORED_LONG)),
            written=written,
            estimated=not self._final,
        )

    def so_far(self) -> Counted:
        """The same in the middle of it, for when no more is heard: rather too much than too little."""
        if self._status == 0:
            return Counted(read=-(-self._asked // BYTES_A_TOKEN), estimated=True)
        if self._stream or not self._readable or not 200 <= self._status < 300:
            return self.total()
        # Not to be read before it is whole.
        heard = -(-self._heard // BYTES_A_TOKEN)
        return Counted(read=-(-self._asked // BYTES_A_TOKEN), written=heard, estimated=True)

    def _of(self, name: str) -> int:
        return self._usage.get(name, 0)

    def _lines(self) -> None:
        while (end := self._rest.find(b"\n")) >= 0:
            line = bytes(self._rest[:end])
            del self._rest[: end + 1]
            if not self._skipping:
                self._line(line)
            self._skipping = False
        if len(self._rest) > MOST_KEPT:
            self._said += len(self._rest)
            self._skipping = True
            self._rest.clear()

    def _line(self, line: bytes) -> None:
        if line.startswith(b"data:") and any(name in line for name in _EVENTS):
            self._event(_read(line[5:]))

    def _event(self, said: Mapping[str, Any]) -> None:
        match said:
            case {"type": "message_start", "message": {**message}}:
                self._message(message)
            case {"type": "message_delta", **more}:
                self._final = self._take(more.get("usage")) or self._final
            case {"type": "content_block_delta", "delta": {**delta}}:
                self._said += sum(len(text) for text in delta.values() if isinstance(text, str))
            case _:
                return

    def _whole(self) -> None:
        self._final = self._message(_read(bytes(self._rest))) or self._final

    def _message(self, message: Mapping[Any, Any]) -> bool:
        model = message.get("model")
        if isinstance(model, str):
            self._model = model[:MOST_MODEL]
        return self._take(message.get("usage"))

    def _take(self, usage: object) -> bool:
        """Keep what is said of tokens, which is said of the whole call each time."""
        if not isinstance(usage, dict):
            return False
        stored = usage.get("cache_creation")
        split = {STORED_LONG: stored.get(STORED_LONG)} if isinstance(stored, dict) else {}
        said = {**usage, **split}
        found = {name: min(value, MOST_TOKENS) for name, value in said.items() if type(value) is int and value >= 0}
        for name, value in found.items():
            self._usage[name] = max(value, self._usage.get(name, 0))
        return "output_tokens" in found


def _read(data: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
