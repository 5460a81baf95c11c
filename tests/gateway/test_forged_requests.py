"""Requests that two programs could read differently: the gateway reads them one way, and says them anew in that way."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
import trio

from nanoclaw.core.egress import Preset
from tests.gateway.upstream import PATIENCE, Line, echo, open_upstream
from tests.gateway.world import LOOPBACK, Outside, open_outside, rule

PLACE = b"a.example:%d"


async def exchange(outside: Outside, said: bytes, answers: int) -> bytes:
    """What the gateway answers to one who says this: so many answers begin, or it leaves."""
    stream = await outside.stream()
    heard = b""
    with trio.fail_after(PATIENCE), suppress(trio.BrokenResourceError):
        await stream.send_all(said)
        while heard.count(b"HTTP/1.1 ") < answers and (data := await stream.receive_some(1 << 16)):
            heard += data
    return heard


REFUSED = {
    "user before the host": b"CONNECT user:word@a.example:443 HTTP/1.1\r\nhost: x\r\n\r\n",
    "port 0": b"CONNECT a.example:0 HTTP/1.1\r\nhost: x\r\n\r\n",
    "port 65536": b"CONNECT a.example:65536 HTTP/1.1\r\nhost: x\r\n\r\n",
    "port 0443": b"CONNECT a.example:0443 HTTP/1.1\r\nhost: x\r\n\r\n",
    "no port": b"CONNECT a.example HTTP/1.1\r\nhost: x\r\n\r\n",
    "a scope": b"CONNECT [fe80::1%eth0]:443 HTTP/1.1\r\nhost: x\r\n\r\n",
    "letters that look alike": "CONNECT \u0430.example:443 HTTP/1.1\r\nhost: x\r\n\r\n".encode(),
    "a tunnel with a body": b"CONNECT a.example:443 HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\nx",
    "no Host": b"GET http://PLACE/ HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET http://PLACE/ HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n",
    "a Host alone": b"GET / HTTP/1.1\r\nhost: PLACE\r\n\r\n",
    "two lengths": b"POST http://PLACE/ HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxy",
    "a length with a sign": b"POST http://PLACE/ HTTP/1.1\r\nhost: x\r\ncontent-length: +1\r\n\r\nx",
    "another coding": b"POST http://PLACE/ HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": b"POST http://PLACE/ HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "a blank before the colon": b"GET http://PLACE/ HTTP/1.1\r\nhost: x\r\nx-a : b\r\n\r\n",
    "a NUL": b"GET http://PLACE/ HTTP/1.1\r\nhost: x\r\nx-a: b\x00c\r\n\r\n",
    "a lone CR": b"GET http://PLACE/ HTTP/1.1\r\nhost: x\r\nx-a: b\rx-b: c\r\n\r\n",
    "a blank in the path": b"GET http://PLACE/a b HTTP/1.1\r\nhost: x\r\n\r\n",
    "signs that are not ASCII's": b"GET http://PLACE/\xff HTTP/1.1\r\nhost: x\r\n\r\n",
    "no version": b"GET http://PLACE/\r\n\r\n",
    "a first line that begins later": b" GET http://PLACE/ HTTP/1.1\r\nhost: x\r\n\r\n",
    "a fragment": b"GET http://PLACE#@b.example/ HTTP/1.1\r\nhost: x\r\n\r\n",
    "a backslash": b"GET http://PLACE\\@b.example/ HTTP/1.1\r\nhost: x\r\n\r\n",
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_could_be_read_in_two_ways_goes_nowhere(tmp_path: Path, name: str) -> None:
    async with (
        open_upstream(echo) as web,
        open_outside(tmp_path, names={"a.example": [LOOPBACK], "xn--80a.example": [LOOPBACK]}) as outside,
    ):
        port = web.endpoint.port
        outside.allow(rule(f"a.example:{port}"), rule("a.example:443"), presets=frozenset(Preset))
        heard = await exchange(outside, REFUSED[name].replace(b"PLACE", PLACE % port), 2)
        status = heard.split(b" ")[1]
    assert status in {b"400", b"403", b"501"}, heard
    assert heard.count(b"HTTP/1.1 ") == 1
    assert web.lines == []


CARRIED = {
    "another Host": (b"GET http://PLACE/ HTTP/1.1\r\nhost: 169.254.169.254\r\n\r\n", [(b"/", b"")]),
    "HTTP/1.0": (b"GET http://PLACE/ HTTP/1.0\r\n\r\n", [(b"/", b"")]),
    "a folded header": (b"GET http://PLACE/ HTTP/1.1\r\nhost: x\r\nx-a: b\r\n c: d\r\n\r\n", [(b"/", b"")]),
    "a header of other signs": (b"GET http://PLACE/ HTTP/1.1\r\nhost: x\r\nx-a: \xff\r\n\r\n", [(b"/", b"")]),
    "a length and chunks": (
        (
            b"POST http://PLACE/ HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n"
            b"1\r\nx\r\n0\r\n\r\n"
            b"GET http://PLACE/admin HTTP/1.1\r\nhost: x\r\n\r\n"
        ),
        [(b"/", b"x"), (b"/admin", b"")],
    ),
    "chunks with more to say": (
        (
            b"POST http://PLACE/ HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
            b"1;a=b\r\nx\r\n0\r\nhost: 169.254.169.254\r\n\r\n"
        ),
        [(b"/", b"x")],
    ),
    "a name for the place in other letters": (
        b"GET hTTp://A.EXAMPLE.:PORT/ HTTP/1.1\r\nhost: x\r\n\r\n",
        [(b"/", b"")],
    ),
}


@pytest.mark.parametrize("name", CARRIED)
async def test_what_goes_on_is_said_anew_in_one_way(tmp_path: Path, name: str) -> None:
    said, expected = CARRIED[name]
    async with (
        open_upstream(echo) as web,
        open_outside(tmp_path, names={"a.example": [LOOPBACK]}) as outside,
    ):
        port = web.endpoint.port
        outside.allow(rule(f"a.example:{port}"))
        said = said.replace(b"PLACE", PLACE % port).replace(b"PORT", b"%d" % port)
        heard = await exchange(outside, said, len(expected))
    requests = [request for line in web.lines for request in line.requests]
    assert [(request.target, request.body) for request in requests] == expected, heard
    for request in requests:
        assert request.headers[b"host"] == PLACE % port
        assert not {b"content-length", b"transfer-encoding"} <= request.headers.keys()
        assert b"\n" not in request.headers.get(b"x-a", b"")


async def test_a_program_that_waits_for_leave_to_send_is_given_it_by_the_gateway(tmp_path: Path) -> None:
    async def answers(line: Line) -> None:
        request = await line.next_request()
        assert request is not None
        assert b"expect" not in request.headers
        await line.say(request.body)

    async with open_upstream(answers) as web, open_outside(tmp_path, names={"a.example": [LOOPBACK]}) as outside:
        place = PLACE % web.endpoint.port
        outside.allow(rule(place.decode()))
        stream = await outside.stream()
        head = b"POST http://%b/ HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n"
        heard = b""
        with trio.fail_after(PATIENCE):
            await stream.send_all(head % place)
            while b"\r\n\r\n" not in heard:
                heard += await stream.receive_some(1 << 16)
            assert heard.startswith(b"HTTP/1.1 100 ")
            await stream.send_all(b"hello")
            while b"hello" not in heard:
                heard += await stream.receive_some(1 << 16)
