"""What a model says, as the Messages API puts it: scripted answers to JSON and to server-sent events. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import trio
from attrs import field, frozen

PIECE = 24
"""Characters of text in one event."""


@frozen
class Says:
    """A block of text."""

    text: str


@frozen
class Uses:
    """A tool is used."""

    name: str
    arguments: Mapping[str, object] = field(factory=dict[str, object])


@frozen
class Gate:
    """Not a block: what follows waits until the test opens it."""

    opened: trio.Event = field(factory=trio.Event, eq=False)


Part: TypeAlias = Says | Uses | Gate


@frozen(kw_only=True)
class Turn:
    """One answer of the model."""

    parts: Sequence[Part]
    delay: float = 0.0
    """Seconds before anything is answered at all."""
    cut_after: int | None = None
    """The connection is torn down after so many events."""
    read: int = 100
    written: int = 10
    cached: int = 0
    """Tokens, as the answer counts them."""


@frozen(kw_only=True)
class Refusal:
    """An answer that is an error."""

    status: int
    kind: str
    message: str = "refused by the test"
    retry_after: str | None = None
    """Seconds, as the header has it."""


Answer: TypeAlias = Turn | Refusal

OVERLOADED = Refusal(status=529, kind="overloaded_error", message="Overloaded")
BROKEN = Refusal(status=500, kind="api_error", message="Internal server error")
INVALID = Refusal(status=400, kind="invalid_request_error", message="messages.0: that is not allowed")
UNAUTHORIZED = Refusal(status=401, kind="authentication_error", message="invalid x-api-key")


def limited(seconds: str | None = None) -> Refusal:
    """Asked too often; ask again after *seconds*, or whenever you like."""
    return Refusal(status=429, kind="rate_limit_error", message="Too many requests", retry_after=seconds)


def says(text: str) -> Turn:
    """A turn of words alone."""
    return Turn(parts=(Says(text),))


def uses(name: str, **arguments: object) -> Turn:
    """A turn that uses one tool."""
    return Turn(parts=(Uses(name, arguments),))


def error_body(refusal: Refusal) -> bytes:
    """The body of an error."""
    error = {"type": refusal.kind, "message": refusal.message}
    return json.dumps({"type": "error", "error": error, "request_id": "req_test"}).encode()


def message_body(turn: Turn, number: int, model: str) -> bytes:
    """The whole answer as one object, for a client that does not want a stream."""
    content = [block for index, part in enumerate(turn.parts) if (block := _block(part, number, index)) is not None]
    message = _message(turn, number, model) | {
        "content": content,
        "stop_reason": _stop_reason(turn),
        "usage": _usage(turn) | {"output_tokens": turn.written},
    }
    return json.dumps(message).encode()


def events(turn: Turn, number: int, model: str) -> Iterator[bytes | Gate]:
    """The answer as server-sent events, with the gates between them."""
    yield _event("message_start", message=_message(turn, number, model))
    index = 0
    for part in turn.parts:
        if isinstance(part, Gate):
            yield part
            continue
        block = _block(part, number, index)
        assert block is not None
        yield from _block_events(part, block, index)
        index += 1
    delta = {"stop_reason": _stop_reason(turn), "stop_sequence": None}
    yield _event("message_delta", delta=delta, usage={"output_tokens": turn.written})
    yield _event("message_stop")


def _block_events(part: Says | Uses, block: Mapping[str, object], index: int) -> Iterator[bytes]:
    match part:
        case Says(text):
            yield _event("content_block_start", index=index, content_block={"type": "text", "text": ""})
            for at in range(0, len(text), PIECE):
                delta = {"type": "text_delta", "text": text[at : at + PIECE]}
                yield _event("content_block_delta", index=index, delta=delta)
        case Uses(_, arguments):
            yield _event("content_block_start", index=index, content_block={**block, "input": {}})
            delta = {"type": "input_json_delta", "partial_json": json.dumps(dict(arguments))}
            yield _event("content_block_delta", index=index, delta=delta)
    yield _event("content_block_stop", index=index)


def _block(part: Part, number: int, index: int) -> dict[str, object] | None:
    match part:
        case Says(text):
            return {"type": "text", "text": text}
        case Uses(name, arguments):
            return {"type": "tool_use", "id": f"toolu_{number:04}_{index}", "name": name, "input": dict(arguments)}
        case Gate():
            return None


def _message(turn: Turn, number: int, model: str) -> dict[str, object]:
    return {
        "id": f"msg_{number:04}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _usage(turn),
    }


def _usage(turn: Turn) -> dict[str, object]:
    return {
        "input_tokens": turn.read,
        "output_tokens": 1,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": turn.cached,
    }


def _stop_reason(turn: Turn) -> str:
    return "tool_use" if any(isinstance(part, Uses) for part in turn.parts) else "end_turn"


def _event(kind: str, **fields: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()
