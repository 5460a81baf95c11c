"""A request by a binding gets its secret outside, goes to the one place, and its answer says nothing of it."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
import trio.testing
import trustme
from attrs import define, field

from nanoclaw.gateway import dial
from nanoclaw.gateway.dial import UnreachableError
from nanoclaw.gateway.meter import MOST_BODIES
from nanoclaw.gateway.wire import GoneError, server
from nanoclaw.model.bindings import Asks, Binding, BoundRequest, BoundVerdict, Go, NeedsBody, Stay
from nanoclaw.model.egress import Outcome
from nanoclaw.model.ids import AgentGroupId
from tests.gateway.upstream import PATIENCE, Line, Request
from tests.gateway.world import LOOPBACK, Outside, open_outside
from tests.support.central import NOW

NAME = "api.example"
VALUE = "kumquat-of-the-api"


@define(eq=False)
class Api:
    """A host that speaks TLS, and what it heard."""

    port: int = 0
    heard: list[Request] = field(factory=list[Request])
    status: int = 200
    thinks: trio.Event | None = None
    """It answers once this is set."""
    says: dict[str, str] = field(factory=dict[str, str])

    async def answer(self, line: Line) -> None:
        """Whatever is asked, with the headers of the test."""
        while (request := await line.next_request()) is not None:
            self.heard.append(request)
            if self.thinks is not None:
                await self.thinks.wait()
            await line.say(b"got it", status=self.status, **self.says)


@asynccontextmanager
async def open_api(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str = NAME) -> AsyncIterator[Api]:
    """Somebody on loopback whom this machine trusts to be *name*."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "authority.pem"))
    dial._trusted.cache_clear()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    api = Api()

    async def serve(plain: trio.SocketStream) -> None:
        stream = trio.SSLStream(plain, context, server_side=True, https_compatible=True)
        with suppress(GoneError, trio.BrokenResourceError):
            async with stream:
                await api.answer(Line(server(stream)))

    try:
        async with trio.open_nursery() as nursery:
            (listener,) = await nursery.start(partial(trio.serve_tcp, serve, 0, host=str(LOOPBACK)))
            api.port = listener.socket.getsockname()[1]
            yield api
            nursery.cancel_scope.cancel()
    finally:
        dial._trusted.cache_clear()


def binding(port: int, **changes: Any) -> Binding:
    found = Binding(
        agent_group_id=AgentGroupId("agt-nano"),
        name="api",
        secret="API_TOKEN",  # noqa: S106 - its name
        place=f"{NAME}:{port}",
        header="Authorization",
        template="Bearer {}",
        asks=Asks.NEVER,
        near=True,
        added_at=NOW,
    )
    return attrs.evolve(found, **changes)


@define(eq=False)
class Host:
    """Says what may go on."""

    verdicts: list[BoundVerdict]
    asked: list[BoundRequest] = field(factory=list[BoundRequest])

    async def bound(self, request: BoundRequest) -> BoundVerdict:
        """The next of the verdicts; the last again and again."""
        await trio.lowlevel.checkpoint()
        self.asked.append(request)
        if not self.verdicts:
            raise UnreachableError("the host cannot read what is bound")
        return self.verdicts[0] if len(self.verdicts) == 1 else self.verdicts.pop(0)


@asynccontextmanager
async def open_sandbox(folder: Path, host: Host, value: str | None = VALUE) -> AsyncIterator[Outside]:
    """A sandbox with bindings and no other way out."""
    there = folder / "way"
    there.mkdir()
    secrets = {"API_TOKEN": value}
    async with open_outside(there, names={NAME: [LOOPBACK]}, bound=host.bound, value_of=secrets.get) as outside:
        outside.allow()
        yield outside


async def test_the_secret_is_added_outside_and_the_answer_comes_back_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_api(tmp_path, monkeypatch) as api:
        api.says = {"x_echo": f"Bearer {VALUE}", "set_cookie": f"t={VALUE}", "x_rate": "5"}
        host = Host([Go(binding(api.port))])
        async with open_sandbox(tmp_path, host) as outside:
            caller = await outside.caller()
            target = "http://gw/api/v1/things?q=1"
            await caller.begin(b"body", target=target, method="POST", authorization="Bearer mine", x_mine="1")
            answer = await caller.hear()
            await trio.testing.wait_all_tasks_blocked(0.01)
    (heard,) = api.heard
    assert (heard.target, heard.body) == (b"/v1/things?q=1", b"body")
    assert heard.headers[b"authorization"] == f"Bearer {VALUE}".encode()
    assert (heard.headers[b"host"], heard.headers[b"x-mine"]) == (f"{NAME}:{api.port}".encode(), b"1")
    assert (answer.status, answer.body, answer.headers[b"x-rate"]) == (200, b"got it", b"5")
    assert VALUE.encode() not in b"".join([*answer.headers, *answer.headers.values()])
    (told,) = outside.told
    assert (told.method, told.place, told.outcome) == ("POST", f"{NAME}:{api.port}", Outcome.ALLOWED)
    assert told.why == "the binding api"
    assert (told.sent, told.received) == (4, 6)


async def test_a_redirect_is_the_agents_to_follow_without_the_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_api(tmp_path, monkeypatch) as api:
        api.status, api.says = 302, {"location": "https://elsewhere.example/x"}
        async with open_sandbox(tmp_path, Host([Go(binding(api.port))])) as outside:
            status, _ = await outside.ask("http://gw/api/x")
            assert status == 302
            assert (await outside.ask("http://elsewhere.example/x"))[0] == 403
    assert len(api.heard) == 1
    assert outside.looked_up == [NAME]


async def test_what_people_are_asked_about_is_read_whole_and_goes_on_as_it_was_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_api(tmp_path, monkeypatch) as api:
        host = Host([NeedsBody(), Stay(403, "A person is asked now."), NeedsBody(), Go(binding(api.port))])
        async with open_sandbox(tmp_path, host) as outside:
            status, text = await outside.ask("http://gw/api/x", b"one", b"two", method="PUT")
            assert (status, text) == (403, "nanoclaw: A person is asked now.\n")
            assert api.heard == []
            status, _ = await outside.ask("http://gw/api/x", b"one", b"two", method="PUT")
            assert status == 200
    assert api.heard[0].body == b"onetwo"
    known = {(one.method, one.path, one.size, one.digest) for one in host.asked if one.size is not None}
    assert known == {("PUT", "/x", 6, hashlib.sha256(b"onetwo").hexdigest())}


@pytest.mark.parametrize(
    ("verdicts", "value", "place", "status", "words"),
    [
        ([], VALUE, NAME, 502, "cannot be reached: the host cannot read what is bound"),
        ([Stay(404, "There is no binding api for this agent.")], VALUE, NAME, 404, "no binding api"),
        (None, None, NAME, 503, "nanoclaw secrets set API_TOKEN"),
        (None, VALUE, "unknown.example", 502, "not known here"),
        (None, VALUE, "far.example", 403, "no agent is let there"),
        (None, VALUE, "other.example", 502, "its certificate is not to be trusted"),
    ],
)
async def test_what_does_not_go_on_says_why_and_never_with_the_secret(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    verdicts: list[BoundVerdict] | None,
    value: str | None,
    place: str,
    status: int,
    words: str,
) -> None:
    async with open_api(tmp_path, monkeypatch) as api:
        near = place != "far.example"
        host = Host([Go(binding(api.port, place=f"{place}:{api.port}", near=near))] if verdicts is None else verdicts)
        async with open_sandbox(tmp_path, host, value) as outside:
            outside.names |= {"far.example": [LOOPBACK], "other.example": [LOOPBACK]}
            found, text = await outside.ask("http://gw/api/x")
    assert (found, words in text) == (status, True), text
    assert VALUE not in text
    assert api.heard == []


@pytest.mark.parametrize("target", ["http://gw/?", "http://gw/api", "http://gw/API/x", "http://gw/../x/y"])
async def test_what_names_no_binding_asks_nobody(tmp_path: Path, target: str) -> None:
    host = Host([Stay(404, "no")])
    async with open_sandbox(tmp_path, host) as outside:
        status, text = await outside.ask(target)
        tunnelled, _, _ = await outside.tunnel("gw:443")
    assert (status, tunnelled) == (400, 400), text
    assert host.asked == []


async def test_a_body_that_is_too_long_to_be_asked_about_is_said_to_be(tmp_path: Path) -> None:
    async with open_sandbox(tmp_path, Host([NeedsBody()])) as outside:
        status, text = await outside.ask("http://gw/api/x", *[bytes(1 << 18)] * 5, method="POST")
    assert (status, "more than 1,048,576 bytes" in text) == (413, True)


async def test_only_a_few_bodies_of_a_sandbox_are_held_whole_at_a_time(tmp_path: Path) -> None:
    held: list[BoundRequest] = []
    full, decided = trio.Event(), trio.Event()

    async def bound(request: BoundRequest) -> BoundVerdict:
        await trio.lowlevel.checkpoint()
        if request.size is None:
            return NeedsBody()
        held.append(request)
        if len(held) >= MOST_BODIES:
            full.set()
        await decided.wait()
        return Stay(403, "no")

    async with open_outside(tmp_path, bound=bound) as outside, trio.open_nursery() as nursery:
        for _ in range(MOST_BODIES + 2):
            nursery.start_soon(partial(outside.ask, "http://gw/api/x", b"body", method="POST"))
        await full.wait()
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert len(held) == MOST_BODIES
        decided.set()
    assert len(held) == MOST_BODIES + 2


async def test_a_body_that_has_gone_on_keeps_no_place_while_the_answer_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_api(tmp_path, monkeypatch) as api:
        api.thinks = trio.Event()

        async def bound(request: BoundRequest) -> BoundVerdict:
            await trio.lowlevel.checkpoint()
            return NeedsBody() if request.size is None else Go(binding(api.port))

        names, value = {NAME: [LOOPBACK]}, {"API_TOKEN": VALUE}
        async with (
            open_outside(tmp_path, names=names, bound=bound, value_of=value.get) as outside,
            trio.open_nursery() as nursery,
        ):
            for number in range(MOST_BODIES + 2):
                ask = partial(outside.ask, "http://gw/api/x", b"body %d" % number, method="POST")
                nursery.start_soon(ask)
            with trio.fail_after(PATIENCE):
                while len(api.heard) < MOST_BODIES + 2:  # noqa: ASYNC110 - of another task's list
                    await trio.sleep(0.01)
            api.thinks.set()
    assert {one.body for one in api.heard} == {b"body %d" % number for number in range(MOST_BODIES + 2)}
