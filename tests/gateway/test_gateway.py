"""The gateway over real sockets: requests go to the model with the host's key, answers come back piece by piece."""

from __future__ import annotations

from pathlib import Path

import h11
import pytest
import trio
import trio.testing

from nanoclaw.core.endpoints import ANTHROPIC, Endpoint, read_endpoint
from nanoclaw.core.model_requests import MOST_BODY, MOST_HEAD, Key
from nanoclaw.gateway.dial import UnreachableError
from nanoclaw.gateway.wire import GoneError
from tests.gateway.upstream import PATIENCE, Line, echo, open_all, open_gateway, open_upstream

KEY = Key("sk-ant-api03-sesame")


async def test_a_request_reaches_the_model_with_the_hosts_key_and_its_answer_comes_back(tmp_path: Path) -> None:
    async with open_upstream(echo) as model, open_gateway(tmp_path) as gate:
        gate.keys[model.url] = KEY
        async with gate.gateway.open(gate.way(model.endpoint)):
            heard = await (await gate.caller()).ask(b"one ", b"two", x_api_key="placeholder", x_app="cli")
    assert (heard.status, heard.body) == (200, b"one two")
    assert heard.headers[b"content-type"] == b"text/plain"
    ((request,),) = [line.requests for line in model.lines]
    assert request.headers[b"x-api-key"] == KEY.value.encode()
    assert (request.headers[b"x-app"], request.headers[b"host"]) == (b"cli", model.url.removeprefix("http://").encode())
    assert b"placeholder" not in b"".join(request.headers.values())


async def test_requests_of_one_connection_share_one_onward_and_no_others_do(tmp_path: Path) -> None:
    async with open_all(tmp_path, echo) as (model, gate):
        one, other = await gate.caller(), await gate.caller()
        assert [(await one.ask(text)).body for text in (b"1", b"2", b"3")] == [b"1", b"2", b"3"]
        assert (await other.ask(b"4")).body == b"4"
    assert [[request.body for request in line.requests] for line in model.lines] == [[b"1", b"2", b"3"], [b"4"]]


async def test_a_model_that_closes_after_each_answer_is_connected_to_anew(tmp_path: Path) -> None:
    async def once(line: Line) -> None:
        await line.say((await line.hear()).body)

    async with open_all(tmp_path, once) as (model, gate):
        caller = await gate.caller()
        for text in (b"1", b"2"):
            assert (await caller.ask(text)).body == text
            # The model's end is seen before the next request goes out.
            await trio.testing.wait_all_tasks_blocked(0.01)
    assert len(model.lines) == 2


async def test_nothing_is_held_back_in_either_direction(tmp_path: Path) -> None:
    heard_piece, said_piece = trio.Event(), trio.Event()

    async def piece_by_piece(line: Line) -> None:
        assert isinstance(await line.wire.receive(PATIENCE), h11.Request)
        first = await line.wire.receive(PATIENCE)
        assert isinstance(first, h11.Data)
        assert bytes(first.data) == b"first"
        heard_piece.set()
        while isinstance(await line.wire.receive(PATIENCE), h11.Data):
            pass
        await line.begin()
        await line.wire.send(h11.Data(data=b"early"))
        await said_piece.wait()
        await line.wire.send(h11.Data(data=b" late"))
        await line.wire.send(h11.EndOfMessage())

    async with open_all(tmp_path, piece_by_piece) as (_model, gate):
        caller = await gate.caller()
        framing = [("host", "x"), ("transfer-encoding", "chunked")]
        await caller.wire.send(h11.Request(method="POST", target="/v1/messages", headers=framing))
        await caller.wire.send(h11.Data(data=b"first"))
        with trio.fail_after(PATIENCE):
            await heard_piece.wait()
        await caller.wire.send(h11.EndOfMessage())
        await caller.head()
        early = await caller.wire.receive(PATIENCE)
        assert isinstance(early, h11.Data)
        assert bytes(early.data) == b"early"
        said_piece.set()
        late = await caller.wire.receive(PATIENCE)
        assert isinstance(late, h11.Data)
        assert bytes(late.data) == b" late"


async def test_a_key_that_is_set_or_removed_holds_from_the_next_request_on(tmp_path: Path) -> None:
    claude = read_endpoint(ANTHROPIC)
    async with open_upstream(echo) as model:

        async def elsewhere(_: Endpoint) -> trio.abc.Stream:
            return await trio.open_tcp_stream("127.0.0.1", model.endpoint.port)

        async with open_gateway(tmp_path, by=elsewhere) as gate, gate.gateway.open(gate.way(claude)):
            caller = await gate.caller()
            refused = await caller.ask(b"x" * 100_000)
            assert (refused.status, refused.headers[b"x-should-retry"]) == (401, b"false")
            assert "nanoclaw secrets set anthropic" in refused.error["message"]
            assert model.lines == []
            gate.keys[ANTHROPIC] = KEY
            assert (await caller.ask(b"y")).body == b"y"
            del gate.keys[ANTHROPIC]
            assert (await caller.ask(b"z")).status == 401
    assert [len(line.requests) for line in model.lines] == [1]


async def test_a_model_that_cannot_be_reached_is_said_to_be_so(tmp_path: Path) -> None:
    async def nobody(_: Endpoint) -> trio.abc.Stream:
        raise UnreachableError("nobody takes the connection")

    endpoint = read_endpoint("http://localhost:11434")
    async with open_gateway(tmp_path, by=nobody) as gate, gate.gateway.open(gate.way(endpoint)):
        heard = await (await gate.caller()).ask(b"x")
    assert (heard.status, heard.headers[b"x-should-retry"]) == (502, b"true")
    assert heard.error == {
        "type": "api_error",
        "message": "The host cannot reach the model at http://localhost:11434: nobody takes the connection.",
    }


async def test_a_model_that_leaves_without_a_word_is_said_to_have_done_so(tmp_path: Path) -> None:
    async def leaves(line: Line) -> None:
        await line.hear()

    async with open_all(tmp_path, leaves) as (_model, gate):
        heard = await (await gate.caller()).ask(b"x")
    assert (heard.status, heard.error["type"]) == (502, "api_error")


async def test_an_answer_that_is_cut_short_is_cut_short_for_the_sandbox_too(tmp_path: Path) -> None:
    async def breaks_off(line: Line) -> None:
        await line.hear()
        await line.begin()
        await line.wire.send(h11.Data(data=b"half of "))

    async with open_all(tmp_path, breaks_off) as (_model, gate):
        caller = await gate.caller()
        await caller.begin(b"x")
        with pytest.raises(GoneError):
            await caller.hear()


async def test_a_model_that_answers_before_it_has_heard_all_is_heard(tmp_path: Path) -> None:
    async def impatient(line: Line) -> None:
        assert isinstance(await line.wire.receive(PATIENCE), h11.Request)
        await line.begin(status=429, retry_after="7", content_length="0")
        await line.wire.send(h11.EndOfMessage())

    async with open_all(tmp_path, impatient) as (_model, gate):
        heard = await (await gate.caller()).ask(b"short")
    assert (heard.status, heard.headers[b"retry-after"]) == (429, b"7")


async def test_an_answer_nobody_waits_for_is_not_waited_for(tmp_path: Path) -> None:
    asked, left = trio.Event(), trio.Event()

    async def thinks(line: Line) -> None:
        await line.hear()
        asked.set()
        assert await line.wire.wait_for_end()
        left.set()

    async with open_all(tmp_path, thinks) as (_model, gate):
        caller = await gate.caller()
        await caller.begin(b"x")
        await asked.wait()
        await caller.wire.close()
        with trio.fail_after(PATIENCE):
            await left.wait()


async def test_a_client_that_waits_for_leave_to_go_on_gets_it_or_the_answer(tmp_path: Path) -> None:
    async with open_all(tmp_path, echo) as (_model, gate):
        for target, status in (("/v1/messages", 200), ("/elsewhere", 404)):
            caller = await gate.caller()
            asks = [("host", "x"), ("expect", "100-continue"), ("content-length", "1")]
            await caller.wire.send(h11.Request(method="POST", target=target, headers=asks))
            first = await caller.wire.receive(PATIENCE)
            if isinstance(first, h11.InformationalResponse):
                await caller.wire.send(h11.Data(data=b"x"))
                await caller.wire.send(h11.EndOfMessage())
                first = await caller.wire.receive(PATIENCE)
            assert isinstance(first, h11.Response)
            assert first.status_code == status


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"what is this\r\n\r\n", 400),
        (b"GET /v1/models HTTP/1.1\r\nhost: x\r\nx: " + b"y" * (MOST_HEAD + 1), 431),
        (b"POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % (MOST_BODY + 1), 413),
    ],
    ids=["not HTTP", "too long a head", "too long a body"],
)
async def test_what_is_too_much_or_not_http_is_refused(tmp_path: Path, said: bytes, status: int) -> None:
    async with open_all(tmp_path, echo) as (model, gate):
        caller = await gate.caller()
        await caller.wire.stream.send_all(said)
        if status == 413:
            await caller.wire.stream.send_all(b"x" * 1000)
            await trio.testing.wait_all_tasks_blocked(0.01)
            stream = caller.wire.stream
            assert isinstance(stream, trio.SocketStream)
            await stream.send_eof()
        # As whoever asked something would read it.
        caller.wire.http.send(h11.Request(method="GET", target="/", headers=[("host", "x")]))
        head = await caller.head()
    assert head.status_code == status
    assert model.lines == []


async def test_a_body_without_a_length_is_cut_off_where_it_is_too_long(tmp_path: Path) -> None:
    async with open_all(tmp_path, echo) as (model, gate):
        heard = await (await gate.caller()).ask(*[b"x" * (1 << 20)] * ((MOST_BODY >> 20) + 1))
    assert (heard.status, heard.error["type"]) == (413, "request_too_large")
    assert [line.requests for line in model.lines] == [[]]
