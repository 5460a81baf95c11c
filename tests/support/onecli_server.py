"""A OneCLI server on loopback, over real HTTP: agents, container configuration, held requests, and its proxy.

It answers as the real one does, with its words and status codes. A test may put something else in place of any answer.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import parse_qs, unquote, urlsplit

import attrs
import h11
import trio
from attrs import define, field, frozen

from tests.support.fake_http import Asked
from tests.support.in_thread import in_thread
from tests.support.tls_tunnels import Tunnels

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUZmFrZQ==\n-----END CERTIFICATE-----\n"
CA_PATH = "/tmp/onecli-gateway-ca.pem"
TIMEOUT = timedelta(seconds=180)
MOST_READ = 1 << 16
PATIENCE_SECONDS = 30.0

Json = Mapping[str, object]


@frozen(kw_only=True)
class Raw:
    """An answer that the server itself would not give."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(factory=dict[str, str])
    times: int = 1
    """The body is said so often."""
    pause: float = 0.0
    """Seconds after each time."""


Instead = Callable[[Asked], Awaitable[Raw | None]]


@define(eq=False)
class OneCliServer:
    """What the server knows, and all it was asked."""

    url: str = ""
    key: str | None = None
    """Whoever does not show it is refused; None: nobody has to."""
    prefixes: tuple[str, ...] = ("/v1", "/api")
    ca: str | None = CERTIFICATE
    """None: its gateway has never run."""
    env: dict[str, str] = field(factory=lambda: {"ANTHROPIC_API_KEY": "placeholder", "GIT_TERMINAL_PROMPT": "0"})
    poll_seconds: float = 30.0
    agents: dict[str, str] = field(factory=dict[str, str])
    """Names by identifier."""
    pending: dict[str, dict[str, object]] = field(factory=dict[str, dict[str, object]])
    decisions: dict[str, str] = field(factory=dict[str, str])
    asked: list[Asked] = field(factory=list[Asked])
    proxied: list[Asked] = field(factory=list[Asked])
    """What came through the proxy, with the agent's token as `x-agent-token`."""
    tunnels: Tunnels | None = None
    """What is behind the proxy for programs that speak TLS with it; None: nothing."""
    gated: set[str] = field(factory=set[str])
    """Paths behind the proxy that somebody has to allow each time."""
    instead: dict[str, Instead] = field(factory=dict[str, Instead])
    """By path without prefix, such as `/agents`: asked first; None leaves the answer to the server."""
    _news: trio.Event = field(factory=trio.Event, init=False)
    _moved: trio.Event = field(factory=trio.Event, init=False)
    _decided: trio.Event = field(factory=trio.Event, init=False)

    def hold(self, name: str, agent: str, lasts: timedelta = TIMEOUT, **more: object) -> None:
        """An agent's request waits for a decision from now on."""
        now = datetime.now(UTC)
        self.pending[name] = {
            "id": name,
            "workspaceId": "ws-1",
            "method": "POST",
            "url": "https://api.example.com/v1/send",
            "host": "api.example.com",
            "path": "/v1/send",
            "headers": {"content-type": "application/json"},
            "bodyPreview": '{"to":"ada"}',
            "summary": None,
            "rawBody": {"text": '{"to":"ada"}', "truncated": False, "binary": False, "redacted": False},
            "agent": {"id": "cuid-1", "name": "Nano", "externalId": agent},
            "createdAt": now.isoformat().replace("+00:00", "Z"),
            "expiresAt": (now + lasts).isoformat().replace("+00:00", "Z"),
            **more,
        }
        self._news.set()
        self._news = trio.Event()

    async def until(self, ready: Callable[[], bool], *, seconds: float = 20.0) -> None:
        """Wait until what is to come has come. Raises `TooSlowError`."""
        with trio.fail_after(seconds):
            while not ready():
                await self._moved.wait()

    def counted(self, path: str) -> int:
        """How often that path, without prefix, was asked for."""
        return sum(one.path.endswith(path) for one in self.asked)

    async def serve(self, stream: trio.SocketStream) -> None:
        """Answer one client until it leaves."""
        wire = h11.Connection(h11.SERVER)
        try:
            async with stream:
                while await self._serve_one(wire, stream):
                    wire.start_next_cycle()
        except (trio.BrokenResourceError, trio.ClosedResourceError, h11.ProtocolError):
            pass  # Whoever leaves in the middle is what some tests are about.

    async def _serve_one(self, wire: h11.Connection, stream: trio.SocketStream) -> bool:
        request = await _next(wire, stream)
        if not isinstance(request, h11.Request):
            return False
        body = bytearray()
        while isinstance(more := await _next(wire, stream), h11.Data):
            body += more.data
        if request.method == b"CONNECT":
            await self._tunnel(wire, stream, request)
            return False
        parts = urlsplit(request.target.decode())
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in request.headers}
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        asked = Asked(method=request.method.decode(), path=parts.path, query=query, headers=headers, body=bytes(body))
        answer = await self._proxy(asked, parts.netloc) if parts.netloc else await self._answer(asked)
        head = {"content-type": "application/json", **answer.headers}
        if "transfer-encoding" not in head:
            head.setdefault("content-length", str(len(answer.body) * answer.times))
        reply = h11.Response(status_code=answer.status, headers=list(head.items()))
        await stream.send_all(wire.send(reply) or b"")
        for _ in range(answer.times):
            await stream.send_all(wire.send(h11.Data(data=answer.body)) or b"")
            await trio.sleep(answer.pause)
        await stream.send_all(wire.send(h11.EndOfMessage()) or b"")
        return wire.our_state is h11.DONE and wire.their_state is h11.DONE

    async def _answer(self, asked: Asked) -> Raw:
        self.asked.append(asked)
        self._moved.set()
        self._moved = trio.Event()
        prefix = next((one for one in self.prefixes if asked.path.startswith(f"{one}/")), None)
        if prefix is None:
            return Raw(status=404, body=b"<!doctype html><title>404</title>", headers={"content-type": "text/html"})
        path = asked.path.removeprefix(prefix)
        if path in self.instead and (raw := await self.instead[path](asked)) is not None:
            return raw
        if path == "/gateway-url":
            return _json({"url": self.url})
        if self.key is not None and asked.headers.get("authorization") != f"Bearer {self.key}":
            return _json({"error": "Unauthorized"}, 401)
        match asked.method, path.split("/")[1:]:
            case "POST", ["agents"]:
                return self._new_agent(json.loads(asked.body))
            case "GET", ["agents"]:
                return Raw(body=json.dumps([{"identifier": one} for one in self.agents]).encode())
            case "GET", ["container-config"]:
                return self._config(asked.query.get("agent", "default"))
            case "GET", ["approvals", "pending"]:
                return await self._poll(set(asked.query.get("exclude", "").split(",")))
            case "POST", ["approvals", name, "decision"]:
                return self._decide(unquote(name), json.loads(asked.body))
            case _:
                return Raw(status=400, body=b"")

    def _new_agent(self, said: Json) -> Raw:
        identifier, name = str(said["identifier"]), str(said["name"])
        if identifier in self.agents:
            return _json({"error": "Agent with this identifier already exists"}, 409)
        self.agents[identifier] = name
        return _json({"id": f"cuid-{identifier}", "name": name, "identifier": identifier}, 201)

    def _config(self, agent: str) -> Raw:
        if agent not in self.agents:
            why = f'No agent with identifier "{agent}" exists in this project.'
            return _json({"error": why, "code": "AGENT_NOT_FOUND", "agentIdentifier": agent}, 404)
        if self.ca is None:
            return _json({"error": "CA certificate not available. Start the gateway first to generate it."}, 503)
        proxy = f"http://x:aoc_{agent}@{self.url.removeprefix('http://')}"
        own = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"), proxy)
        env = {**own, "NODE_EXTRA_CA_CERTS": CA_PATH, "NODE_USE_ENV_PROXY": "1", **self.env}
        return _json({"env": env, "caCertificate": self.ca, "caCertificateContainerPath": CA_PATH})

    async def _poll(self, exclude: set[str]) -> Raw:
        news = self._news
        found = [one for name, one in self.pending.items() if name not in exclude]
        if not found:
            with trio.move_on_after(self.poll_seconds):
                await news.wait()
            found = [one for name, one in self.pending.items() if name not in exclude]
        return _json({"requests": found, "timeoutSeconds": TIMEOUT.total_seconds()})

    def _decide(self, name: str, said: Json) -> Raw:
        if said.get("decision") not in {"approve", "deny"}:
            return _json({"error": "unknown variant"}, 422)
        if self.pending.pop(name, None) is None:
            return _json({"error": "approval_not_found"}, 404)
        self.decisions[name] = str(said["decision"])
        self._decided.set()
        self._decided = trio.Event()
        return _json({"success": True})

    async def _proxy(self, asked: Asked, host: str) -> Raw:
        """Forward a request in absolute form: here, answer it in the other's place."""
        token = _token(asked.headers)
        if token.removeprefix("aoc_") not in self.agents:
            return Raw(status=407, body=b"")
        if asked.path in self.gated and not await self._allowed(asked, host, token.removeprefix("aoc_")):
            return _json({"error": "approval_denied"}, 403)
        self.proxied.append(attrs.evolve(asked, headers={**asked.headers, "x-agent-token": token}))
        return _json({"host": host, "path": asked.path, "authorization": f"Bearer secret of {host}"})

    async def _tunnel(self, wire: h11.Connection, stream: trio.SocketStream, request: h11.Request) -> None:
        host, headers = request.target.decode(), {name.decode(): value.decode() for name, value in request.headers}
        known = _token(headers).removeprefix("aoc_") in self.agents
        status = 407 if not known else 502 if self.tunnels is None else 200
        await stream.send_all(wire.send(h11.Response(status_code=status, headers=[])) or b"")
        if self.tunnels is not None and known:
            await self.tunnels.serve(host, stream)

    async def _allowed(self, asked: Asked, host: str, agent: str) -> bool:
        """Hold a request until somebody has decided about it."""
        name = f"ap-{len(self.pending) + len(self.decisions) + 1}"
        headers = {name: value for name, value in asked.headers.items() if name != "proxy-authorization"}
        more: dict[str, object] = {"method": asked.method, "host": host, "path": asked.path, "headers": headers}
        self.hold(name, agent, TIMEOUT, **more, url=f"http://{host}{asked.path}", bodyPreview=None, rawBody=None)
        with trio.move_on_after(TIMEOUT.total_seconds()):
            while name not in self.decisions:
                await self._decided.wait()
        return self.decisions.get(name) == "approve"


@asynccontextmanager
async def open_onecli(**fields: object) -> AsyncGenerator[OneCliServer]:
    """A server in this loop, until left; answers under way are cut off then."""
    server = OneCliServer(**fields)  # type: ignore[arg-type]  # a test names the fields that it wants otherwise
    async with trio.open_nursery() as nursery:
        (listener, *_) = await nursery.start(partial(trio.serve_tcp, server.serve, 0, host="127.0.0.1"))
        server.url = f"http://127.0.0.1:{listener.socket.getsockname()[1]}"
        yield server
        nursery.cancel_scope.cancel()


@contextmanager
def onecli_in_thread(**fields: object) -> Iterator[OneCliServer]:
    """The same, in a loop and thread of its own: for tests of whole programs, which have no loop."""
    with in_thread(lambda: open_onecli(**fields), "onecli") as server:
        yield server


def _token(headers: Mapping[str, str]) -> str:
    """Which agent asks the proxy for something."""
    scheme, _, said = headers.get("proxy-authorization", "").partition(" ")
    return base64.b64decode(said).decode().partition(":")[2] if scheme.lower() == "basic" else ""


def _json(value: Json, status: int = 200) -> Raw:
    return Raw(status=status, body=json.dumps(value).encode())


async def _next(wire: h11.Connection, stream: trio.SocketStream) -> object:
    while (event := wire.next_event()) is h11.NEED_DATA:
        wire.receive_data(await stream.receive_some(MOST_READ))
    return event
