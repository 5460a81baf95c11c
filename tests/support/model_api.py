"""A model that says what a test has written down for it: the Messages API on loopback, over real HTTP.

Answers are taken from `then` in order, or made by a `rule`; without either the model says again what it was told. Every
request is kept for the test to look at, whatever was answered.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import partial

import h11
import trio
from attrs import define, field, frozen

from tests.support.in_thread import in_thread
from tests.support.model_wire import Answer, Gate, Refusal, Turn, error_body, events, message_body, says

ANY_PORT = 0
MOST_READ = 1 << 16
PATIENCE_SECONDS = 80.0
"""A test that waits for a request longer than that has failed."""
_SESSION = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Json = Mapping[str, object]


@frozen(kw_only=True)
class Asked:
    """A request for an answer, as it came."""

    number: int
    """The first is 1. Goes on over a `reset`: by it tools are told apart in a conversation that may go on as well."""
    at: float
    """Seconds, on Trio's clock."""
    headers: Mapping[str, str]
    """By name in lower case."""
    body: dict[str, object]

    @property
    def model(self) -> str:
        """The model that was asked for."""
        return str(self.body.get("model"))

    @property
    def tools(self) -> list[str]:
        """The names of the tools that may be used."""
        return [str(tool["name"]) for tool in _objects(self.body.get("tools"))]

    @property
    def system(self) -> str:
        """The text of the system prompt."""
        return _text(self.body.get("system"))

    @property
    def messages(self) -> list[Json]:
        """The conversation, the oldest first."""
        return list(_objects(self.body.get("messages")))

    @property
    def last(self) -> str:
        """The text of the last message, results of tools included."""
        return _text(self.messages[-1].get("content"))

    @property
    def said(self) -> str:
        """The text of the whole conversation."""
        return "\n".join(_text(message.get("content")) for message in self.messages)

    def blocks(self, kind: str) -> list[Json]:
        """The blocks of the last message that are of *kind*."""
        return [block for block in _objects(self.messages[-1].get("content")) if block.get("type") == kind]

    @property
    def session(self) -> str | None:
        """The client's own name for the conversation."""
        if "x-claude-code-session-id" in self.headers:
            return self.headers["x-claude-code-session-id"]
        found = _SESSION.findall(json.dumps(self.body.get("metadata")))
        return found[-1] if found else None


@define(eq=False)
class ModelApi:
    """The model's side of the wire. Everything but `then` and `open` is for the loop that it runs in."""

    url: str = field(default="", init=False)
    rule: Callable[[Asked], Answer | None] | None = None
    """Asked before the script, by e.g. who wants to know; None leaves it to the script."""
    asked: list[Asked] = field(factory=list[Asked], init=False)
    hung_up: int = field(default=0, init=False)
    """Clients that went away before their answer was whole."""
    other: list[str] = field(factory=list[str], init=False)
    """What else was asked of this address, as `GET /path`."""
    _script: deque[Answer] = field(factory=deque[Answer], init=False)
    _came: trio.Event = field(factory=trio.Event, init=False)
    _count: int = field(default=0, init=False)
    _loop: trio.lowlevel.TrioToken = field(factory=trio.lowlevel.current_trio_token, init=False)

    def then(self, *answers: Answer) -> None:
        """Give *answers*, after those that are still to be given."""
        self._script.extend(answers)

    def open(self, gate: Gate) -> None:
        """Let what waits at *gate* be said; from whatever thread."""
        self._loop.run_sync_soon(gate.opened.set)

    def reset(self) -> None:
        """Forget the script and what was asked."""
        self._script.clear()
        self.asked.clear()
        self.other.clear()
        self.hung_up = 0
        self.rule = None

    async def request(self, number: int) -> Asked:
        """The request of that number, the first is 1, as soon as it has come. Raises `TooSlowError`."""
        with trio.fail_after(PATIENCE_SECONDS):
            while len(self.asked) < number:
                await self._came.wait()
        return self.asked[number - 1]

    async def serve(self, stream: trio.SocketStream) -> None:
        """Answer one client until it goes away."""
        try:
            async with stream:
                await _Client(self, stream).run()
        except (trio.BrokenResourceError, trio.ClosedResourceError, h11.RemoteProtocolError):
            # A client that goes away is what some tests are about.
            self.hung_up += 1

    def next_number(self) -> int:
        """The number of one more request."""
        self._count += 1
        return self._count

    def decide(self, asked: Asked) -> Answer:
        """Note a request and say how it is answered."""
        self.asked.append(asked)
        self._came.set()
        self._came = trio.Event()
        ruled = None if self.rule is None else self.rule(asked)
        if ruled is not None:
            return ruled
        return self._script.popleft() if self._script else says(f"You said: {asked.last[-2000:]}")


@asynccontextmanager
async def open_model(port: int = ANY_PORT) -> AsyncGenerator[ModelApi]:
    """A model on loopback, in this loop, until left. Answers under way are cut off then."""
    model = ModelApi()
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, model.serve, port, host="127.0.0.1"))
        _, found, *_ = listeners[0].socket.getsockname()
        model.url = f"http://127.0.0.1:{found}"
        yield model
        nursery.cancel_scope.cancel()


@contextmanager
def model_in_thread() -> Iterator[ModelApi]:
    """The same, in a loop and thread of its own: for tests of whole programs, which have no loop."""
    with in_thread(open_model, "model") as model:
        yield model


@define(eq=False)
class _Client:
    """One connection, request by request."""

    _model: ModelApi
    _stream: trio.SocketStream
    _wire: h11.Connection = field(factory=lambda: h11.Connection(h11.SERVER), init=False)

    async def run(self) -> None:
        while True:
            request = await self._receive()
            if not isinstance(request, h11.Request):
                return
            body = bytearray()
            while isinstance(part := await self._receive(), h11.Data):
                body += part.data
            path = request.target.decode().partition("?")[0]
            if request.method == b"POST" and path == "/v1/messages":
                if not await self._answer(request, bytes(body)):
                    return
            else:
                await self._other(request, path)
            if self._wire.our_state is h11.MUST_CLOSE:
                return
            self._wire.start_next_cycle()

    async def _answer(self, request: h11.Request, body: bytes) -> bool:
        """Returns whether the connection is still any good."""
        asked = Asked(
            number=self._model.next_number(),
            at=trio.current_time(),
            headers={name.decode().lower(): value.decode("latin-1") for name, value in request.headers},
            body=json.loads(body),
        )
        answer = self._model.decide(asked)
        match answer:
            case Refusal(status=status, retry_after=retry_after):
                more = {} if retry_after is None else {"retry-after": retry_after}
                await self._whole(status, error_body(answer), more)
                return True
            case Turn():
                await trio.sleep(answer.delay)
                if asked.body.get("stream"):
                    return await self._events(answer, asked)
                await self._whole(200, message_body(answer, asked.number, asked.model))
                return True

    async def _events(self, turn: Turn, asked: Asked) -> bool:
        await self._send(h11.Response(status_code=200, headers=[("content-type", "text/event-stream")]))
        sent = 0
        for event in events(turn, asked.number, asked.model):
            if isinstance(event, Gate):
                await event.opened.wait()
                continue
            if sent == turn.cut_after:
                return False
            await self._send(h11.Data(data=event))
            sent += 1
        await self._send(h11.EndOfMessage())
        return True

    async def _other(self, request: h11.Request, path: str) -> None:
        self._model.other.append(f"{request.method.decode()} {path}")
        if path == "/v1/messages/count_tokens":
            await self._whole(200, json.dumps({"input_tokens": 100}).encode())
            return
        missing = Refusal(status=404, kind="not_found_error", message=f"no {path}")
        await self._whole(404, b"" if request.method == b"HEAD" else error_body(missing))

    async def _whole(self, status: int, body: bytes, more: Mapping[str, str] | None = None) -> None:
        headers = {"content-type": "application/json", "content-length": str(len(body)), **(more or {})}
        await self._send(h11.Response(status_code=status, headers=list(headers.items())))
        await self._send(h11.Data(data=body))
        await self._send(h11.EndOfMessage())

    async def _receive(self) -> object:
        while (event := self._wire.next_event()) is h11.NEED_DATA:
            self._wire.receive_data(await self._stream.receive_some(MOST_READ))
        return event

    async def _send(self, event: h11.Response | h11.Data | h11.EndOfMessage) -> None:
        data = self._wire.send(event)
        if data:
            await self._stream.send_all(data)


def _objects(value: object) -> Iterator[dict[str, object]]:
    for one in value if isinstance(value, list) else ():
        if isinstance(one, dict):
            yield one


def _text(content: object) -> str:
    """All the text in *content*, whatever blocks it is in."""
    if isinstance(content, str):
        return content
    found = []
    for block in _objects(content):
        if isinstance(block.get("text"), str):
            found.append(str(block["text"]))
        if "content" in block:
            found.append(_text(block["content"]))
    return "\n".join(found)
