"""A platform's API over HTTP: what each way of going wrong means for a message, over real sockets."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from email.parser import BytesParser
from email.policy import HTTP
from functools import partial
from pathlib import Path

import pytest
import trio

from nanoclaw.channels.http import UNASKED_SECONDS, Platform, open_platform
from nanoclaw.channels.http_bodies import Part, file_body, form_body
from nanoclaw.errors import DeliveryError
from nanoclaw.kit.spool import FileTooLargeError, Spool
from nanoclaw.model.ids import ChannelName
from tests.support.fake_http import Asked, FakeHttp, Fault, Hang, Reply, Reset, open_http, reply

HERE = ChannelName("there")
TOKEN = "xoxb-secret"  # noqa: S105 - it is none


async def _echo(asked: Asked) -> Reply:
    return reply({"ok": True, "said": asked.body.decode("latin-1")})


@asynccontextmanager
async def _both() -> AsyncGenerator[tuple[FakeHttp, Platform]]:
    async with (
        open_http(_echo) as server,
        open_platform(
            HERE, f"{server.url}/api", headers={"authorization": f"Bearer {TOKEN}"}, secrets=(TOKEN,)
        ) as platform,
    ):
        yield server, platform


async def _failure(platform: Platform, path: str = "/say", route: str = "say", seconds: float = 5.0) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await platform.request("POST", path, route=route, body={"text": "hi"}, seconds=seconds)
    return caught.value


async def test_an_answer_comes_with_its_json_and_we_say_who_we_are() -> None:
    async with _both() as (server, platform):
        answer = await platform.request("POST", "/say", body={"text": "hi"}, params={"at": "a b"})
    assert answer.json == {"ok": True, "said": '{"text": "hi"}'}
    (asked,) = server.asked
    assert (asked.path, asked.query, asked.json) == ("/api/say", {"at": "a b"}, {"text": "hi"})
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("fault", "retryable", "reached", "wait"),
    [
        (Reply(status=429, headers={"retry-after": "7"}), True, False, 7.0),
        (reply({"retry_after": 0.25}, 429), True, False, 0.25),
        (reply({"retry_after_ms": 1500}, 429), True, False, 1.5),
        (Reply(status=429), True, False, UNASKED_SECONDS),
        (Reply(status=503, headers={"retry-after": "120"}), True, False, 120.0),
        (Reply(status=503), True, True, None),
        (Reply(status=500), True, True, None),
        (Reply(status=408), True, True, None),
        (reply({"description": "kicked"}, 403), False, False, None),
        (Reply(status=400, body=b"\xff"), False, False, None),
        (Reply(status=413), False, False, None),
        (Reply(status=302, headers={"location": "http://127.0.0.1:1/"}), False, False, None),
        (Reply(body=b"{}" * 100, cut=20), True, True, None),
        (Reply(body=b"x" * (5 << 20)), False, True, None),
        (Reply(body=b"x", headers={"content-encoding": "gzip"}), False, True, None),
        (Reset(), True, True, None),
        (Reset(accept=True), True, True, None),
    ],
)
async def test_each_way_of_going_wrong_says_whether_it_may_have_arrived(
    fault: Fault, retryable: bool, reached: bool, wait: float | None
) -> None:
    async with _both() as (server, platform):
        server.fail("/say", fault)
        failure = await _failure(platform)
        assert (failure.retryable, failure.reached, failure.retry_after) == (retryable, reached, wait)
        await platform.request("GET", "/other", route="other")


async def test_no_answer_in_time_leaves_it_in_doubt() -> None:
    async with _both() as (server, platform):
        server.fail("/say", Hang())
        failure = await _failure(platform, seconds=0.1)
    assert (failure.retryable, failure.reached) == (True, True)


async def test_nobody_who_listens_has_taken_nothing() -> None:
    async with _both() as (_, platform):
        pass
    async with open_platform(HERE, platform.base_url) as platform:
        failure = await _failure(platform)
        assert (failure.retryable, failure.reached) == (True, False)
    async with open_platform(HERE, "http://nowhere.invalid") as platform:
        failure = await _failure(platform)
        assert (failure.retryable, failure.reached) == (True, False)


async def test_a_route_that_was_told_to_wait_is_not_asked_before_and_others_are() -> None:
    async with _both() as (server, platform):
        server.fail("/say", Reply(status=429, headers={"retry-after": "0.2"}))
        await _failure(platform)
        failure = await _failure(platform)
        assert failure.retry_after is not None
        assert 0 < failure.retry_after <= 0.2
        assert server.counted("/say") == 1
        await platform.request("POST", "/say", route="another")
        await trio.sleep(failure.retry_after)
        await platform.request("POST", "/say", route="say")
        platform.hold("", 60)
        assert (await _failure(platform, route="another")).retry_after is not None


async def test_the_platforms_words_are_passed_on_without_our_secrets_or_the_address() -> None:
    async with _both() as (server, platform):
        server.fail("/say", reply({"error": {"message": f"bad\n{TOKEN}\u202e"}}, 400), Reset())
        failure = await _failure(platform, f"/bot{TOKEN}/say")
        assert str(failure) == "there: answered 400: bad …"
        assert TOKEN not in str(failure) + repr(platform)
        failure = await _failure(platform, f"/bot{TOKEN}/say")
        assert TOKEN not in str(failure)
        assert "/api" not in str(failure)
        assert failure.__cause__ is None


async def test_nobody_but_the_platform_itself_is_shown_the_token(tmp_path: Path) -> None:
    async with _both() as (server, platform):
        await platform.download(f"{server.url}/elsewhere", Spool(tmp_path))
        await platform.download("/own", Spool(tmp_path))
    assert ["authorization" in one.headers for one in server.asked] == [False, True]


async def test_a_file_comes_whole_or_not_at_all(tmp_path: Path) -> None:
    data, spool = bytes(range(256)) * 2000, Spool(tmp_path)
    async with _both() as (server, platform):
        server.fail("/file", Reply(body=data), Reply(body=data, cut=100_000), Reply(status=404))
        file = await platform.download("/file", spool)
        assert (file.size, file.digest) == (len(data), hashlib.sha256(data).hexdigest())
        for _ in range(2):
            with pytest.raises(DeliveryError):
                await platform.download("/file", spool)
        server.fail("/file", Reply(body=data), Hang())
        with pytest.raises(FileTooLargeError):
            await platform.download("/file", spool, most=1000)
        with pytest.raises(DeliveryError, match="no answer"):
            await platform.download("/file", spool, seconds=0.1)
    assert spool.sweep([], unchanged_for=-10) == [file.id]


async def test_files_are_sent_as_they_are_and_in_forms(tmp_path: Path) -> None:
    path = tmp_path / "photo"
    path.write_bytes(data := bytes(range(256)) * 1000)
    async with _both() as (server, platform):
        with file_body(path, len(data)) as body:
            await platform.request("PUT", "/raw", content=body, headers=body.headers)
        part = Part(field="files[0]", name='a"\r\nX: y.png', path=path, size=len(data), mime_type="image/png")
        body, headers = form_body({"payload_json": '{"content": "hi"}'}, [part])
        with body:
            await platform.request("POST", "/form", content=body, headers=headers)
    raw, form = server.asked
    assert raw.body == data
    head = f"content-type: {form.headers['content-type']}\r\n\r\n".encode()
    told, file = BytesParser(policy=HTTP).parsebytes(head + form.body).iter_parts()
    assert told.get_content() == '{"content": "hi"}'
    assert file.get_filename() == "a%22%0D%0AX: y.png"
    assert file.get_payload(decode=True) == data


async def _hang_up(stream: trio.SocketStream) -> None:
    await stream.receive_some(1000)
    await trio.aclose_forcefully(stream)


async def test_a_connection_that_breaks_under_a_file_leaves_nothing_open(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(b"x" * (8 << 20))
    async with trio.open_nursery() as nursery:
        (listener, *_) = await nursery.start(partial(trio.serve_tcp, _hang_up, 0, host="127.0.0.1"))
        async with open_platform(HERE, f"http://127.0.0.1:{listener.socket.getsockname()[1]}") as platform:
            with file_body(path, 8 << 20) as body, pytest.raises(DeliveryError) as caught:
                await platform.request("PUT", "/raw", content=body, headers=body.headers)
        nursery.cancel_scope.cancel()
    assert (caught.value.retryable, caught.value.reached) == (True, True)
    assert body._file is None


async def test_what_is_asked_while_its_channel_ends_is_in_doubt_and_leaves_no_connection() -> None:
    failures: list[DeliveryError] = []

    async def ask(platform: Platform) -> None:
        failures.append(await _failure(platform))

    async with open_http(_echo) as server, trio.open_nursery() as nursery:
        server.fail("/say", Hang())
        async with open_platform(HERE, f"{server.url}/api") as platform:
            nursery.start_soon(ask, platform)
            await server.until(lambda: server.counted("/say") == 1)
        await ask(platform)
    assert sorted((one.retryable, one.reached) for one in failures) == [(True, False), (True, True)]


@pytest.mark.parametrize("steps", range(1, 9))
async def test_a_connection_that_is_made_while_its_channel_ends_is_closed(steps: int) -> None:
    async def ask(platform: Platform) -> None:
        with suppress(DeliveryError):
            await platform.request("POST", "/say")

    async with open_http(_echo) as server:
        async with trio.open_nursery() as nursery, open_platform(HERE, f"{server.url}/api") as platform:
            nursery.start_soon(ask, platform)
            for _ in range(steps):
                await trio.lowlevel.checkpoint()
        with trio.fail_after(30):
            while server.connections:  # noqa: ASYNC110 - a socket that was closed is seen to be only by reading
                await trio.sleep(0.01)
