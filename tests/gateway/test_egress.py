"""The gateway as a sandbox's proxy: what is allowed gets there and back, everything else is told why it does not."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
import trio
import trio.testing

from nanoclaw.core.egress import Preset
from nanoclaw.gateway.dial import UnreachableError
from nanoclaw.gateway.meter import LONGEST_REFUSED, MOST_REFUSED, Meter
from nanoclaw.gateway.reach import own_of
from nanoclaw.model.bindings import BoundRequest, BoundVerdict
from nanoclaw.model.egress import EgressLimits, Outcome
from tests.gateway.upstream import PATIENCE, Line, echo, open_upstream
from tests.gateway.world import LOOPBACK, open_bytes, open_outside, rule

EVERYTHING = frozenset(Preset)
EVERYWHERE = str(ipaddress.IPv4Address(0))


async def shout(stream: trio.SocketStream) -> None:
    """Says everything again, louder."""
    with suppress(trio.BrokenResourceError):
        async with stream:
            async for data in stream:
                await stream.send_all(data.upper())


async def test_a_tunnel_carries_bytes_both_ways_and_is_written_down(tmp_path: Path) -> None:
    async with open_bytes(shout) as port, open_outside(tmp_path, names={"loud.example": [LOOPBACK]}) as outside:
        outside.allow(rule(f"loud.example:{port}"))
        status, stream, _ = await outside.tunnel(f"Loud.Example.:{port}")
        assert status == 200
        await stream.send_all(b"hello")
        with trio.fail_after(PATIENCE):
            assert await stream.receive_some(100) == b"HELLO"
            await stream.send_eof()
            assert await stream.receive_some(100) == b""
            await trio.testing.wait_all_tasks_blocked(0.01)
    (told,) = outside.told
    assert (told.method, told.place, told.outcome) == ("CONNECT", f"loud.example:{port}", Outcome.ALLOWED)
    assert (told.sent, told.received, told.why) == (5, 5, f"loud.example:{port}")
    assert outside.looked_up == ["loud.example"]


async def test_what_is_said_together_with_the_request_for_a_tunnel_arrives(tmp_path: Path) -> None:
    async with open_bytes(shout) as port, open_outside(tmp_path, names={"loud.example": [LOOPBACK]}) as outside:
        outside.allow(rule(f"loud.example:{port}"))
        stream = await outside.stream()
        await stream.send_all(f"CONNECT loud.example:{port} HTTP/1.1\r\nhost: x\r\n\r\nearly".encode())
        heard = b""
        with trio.fail_after(PATIENCE):
            while not heard.endswith(b"EARLY"):
                heard += await stream.receive_some(100)


async def test_nothing_is_looked_up_that_is_not_allowed_and_the_refusal_says_whom_to_ask(tmp_path: Path) -> None:
    async with open_outside(tmp_path, names={"pypi.org": [LOOPBACK]}) as outside:
        outside.allow()
        status, _, words = await outside.tunnel("pypi.org:443")
        assert status == 403
        assert "ask the operator to allow it: nanoclaw egress allow nano pypi.org" in words
        status, text = await outside.ask("http://pypi.org/simple", x_api_key="k")
        assert status == 403
        assert text.startswith("nanoclaw: pypi.org:80 is not allowed; ask")
        assert text.endswith("nanoclaw egress allow nano pypi.org:80\n")
    assert outside.looked_up == []
    assert [told.outcome for told in outside.told] == [Outcome.REFUSED] * 2


SSRF = [
    *("127.0.0.1", "127.9.9.9", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::127.0.0.1]"),
    *("10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "255.255.255.255"),
    *("[64:ff9b:1::a00:1]", "[fe80::1%lo]", "[fd00:ec2::254]", "[::ffff:0:127.0.0.1]", "[fec0::1]", "[2001:db8::1]"),
    *("[fe80::1]", "[fd00::1]", "[ff02::1]", "[::]", "[::ffff:a9fe:a9fe]", "[2001:0:7f00:1::1]"),
    *("0x7f.1", "0x7f000001", "2130706433", "0177.0.0.1", "127.1", "127.0.0.1.", "0", "1.2.3", "\u0661"),
    *("localhost", "localhost.", "LOCALHOST", "rebinds.example", "mixed.example", "metadata.example", "mapped.example"),
    *("mixed.example.", "MIXED.example", "mixed-6.example", "inner-name.example", "nat.example", "teredo.example"),
    *("a\x00.example", "user@127.0.0.1", "x\\@y", "[fe80::1%25lo]", "h%61ck", "", ".", "a..b"),
    *("8.8.8.8@127.0.0.1", "a:b@localhost", "8.8.8.8#@127.0.0.1", "8.8.8.8 127.0.0.1", "8.8.8.8,127.0.0.1"),
]
NAMES = {
    "localhost": [LOOPBACK, ipaddress.ip_address("::1")],
    "rebinds.example": [LOOPBACK],
    "mixed.example": [ipaddress.ip_address("8.8.8.8"), LOOPBACK],
    "metadata.example": [ipaddress.ip_address("169.254.169.254")],
    "mixed-6.example": [ipaddress.ip_address("2606:4700:4700::1111"), ipaddress.ip_address("::1")],
    # What a name that is another one's alias (CNAME) has is that one's address, as the resolver says it.
    "inner-name.example": [ipaddress.ip_address("192.168.0.1")],
    "nat.example": [ipaddress.ip_address("64:ff9b::7f00:1")],
    "teredo.example": [ipaddress.ip_address("2001:0:7f00:1::1")],
    "mapped.example": [ipaddress.ip_address("::ffff:10.0.0.1")],
}


@pytest.mark.parametrize("how", ["tunnel", "plain"])
async def test_no_way_of_writing_an_inner_address_leads_there_even_if_all_is_open(tmp_path: Path, how: str) -> None:
    """AT-25: the table of forgeries, with every preset on, while somebody listens on every address of this machine."""
    reached: list[str] = []

    async def sink(stream: trio.SocketStream) -> None:
        reached.append("!")
        await stream.aclose()

    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, sink, 0, host=EVERYWHERE))
        port = listener.socket.getsockname()[1]
        if socket.has_dualstack_ipv6():
            await nursery.start(partial(trio.serve_tcp, sink, port, host="::"))
        async with open_outside(tmp_path, names=NAMES) as outside:
            outside.allow(presets=EVERYTHING)
            statuses = {}
            for host in SSRF:
                if how == "tunnel":
                    statuses[host] = (await outside.tunnel(f"{host}:{port}"))[0]
                else:
                    stream = await outside.stream()
                    await stream.send_all(f"GET http://{host}:{port}/ HTTP/1.1\r\nhost: 8.8.8.8\r\n\r\n".encode())
                    statuses[host] = int((await stream.receive_some(12)).split(b" ")[1])
        nursery.cancel_scope.cancel()
    assert {host: status for host, status in statuses.items() if status not in {400, 403}} == {}
    assert reached == []
    assert Outcome.ALLOWED not in {told.outcome for told in outside.told}


async def test_the_machines_own_addresses_are_found_out_and_refused(tmp_path: Path) -> None:
    """A public address that happens to be this machine's: here loopback's stands for it, by the real question."""
    mapped = ipaddress.ip_address("::ffff:127.0.0.1")
    world = ipaddress.ip_address("8.8.8.8")
    assert own_of([LOOPBACK, world]) == {LOOPBACK}
    assert LOOPBACK in own_of([mapped])


async def test_a_name_is_connected_to_by_the_address_that_was_judged(tmp_path: Path) -> None:
    """DNS rebinding: the second answer, which nobody asks for, would be another one."""
    async with open_bytes(shout) as port, open_outside(tmp_path, names={"twice.example": [LOOPBACK]}) as outside:
        outside.allow(rule(f"twice.example:{port}"))
        status, _, _ = await outside.tunnel(f"twice.example:{port}")
    assert status == 200
    assert outside.looked_up == ["twice.example"]


async def test_plain_http_is_made_anew_for_the_host_of_the_first_line(tmp_path: Path) -> None:
    async with open_upstream(echo) as web, open_outside(tmp_path, names={"a.example": [LOOPBACK]}) as outside:
        port = web.endpoint.port
        outside.allow(rule(f"a.example:{port}", "POST", path="/in"))
        caller = await outside.caller()
        sent = {"proxy_authorization": "secret", "connection": "x-mine", "x_mine": "1", "x_kept": "2"}
        for text in (b"one", b"two"):
            heard = await caller.ask(text, target=f"http://A.example:{port}/in/x?q=1", **sent)
            assert (heard.status, heard.body) == (200, text)
        assert (await outside.ask(f"http://a.example:{port}/out", b"x", method="POST"))[0] == 403
        assert (await outside.ask(f"http://a.example:{port}/in", method="GET"))[0] == 403
        assert (await outside.tunnel(f"a.example:{port}"))[0] == 403
    requests = [request for line in web.lines for request in line.requests]
    assert [request.target for request in requests] == [b"/in/x?q=1"] * 2
    headers = requests[0].headers
    assert headers[b"host"] == f"a.example:{port}".encode()
    assert headers[b"x-kept"] == b"2"
    assert not {b"proxy-authorization", b"x-mine"} & headers.keys()


async def test_a_redirect_is_the_programs_own_and_passes_the_same_check(tmp_path: Path) -> None:
    async def redirect(line: Line) -> None:
        await line.hear()
        await line.say(status=302, location="http://169.254.169.254/latest")

    async with open_upstream(redirect) as web, open_outside(tmp_path, names={"a.example": [LOOPBACK]}) as outside:
        outside.allow(rule(f"a.example:{web.endpoint.port}"), presets=EVERYTHING)
        caller = await outside.caller()
        heard = await caller.ask(b"", target=f"http://a.example:{web.endpoint.port}/")
        assert heard.status == 302
        assert (await outside.ask(heard.headers[b"location"].decode()))[0] == 403


@pytest.mark.parametrize(
    "target", ["/", "https://a.example/", "ftp://a.example/", "*", "http://", "http:///x", "a.example:443"]
)
async def test_what_is_no_request_to_a_proxy_is_told_so(tmp_path: Path, target: str) -> None:
    async with open_outside(tmp_path) as outside:
        outside.allow(presets=EVERYTHING)
        assert (await outside.ask(target))[0] == 400
    assert outside.told[0].place == "?"


async def test_who_is_not_there_is_said_not_to_be(tmp_path: Path) -> None:
    async with open_outside(tmp_path, names={"shut.example": [LOOPBACK]}) as outside:
        outside.allow(rule("shut.example:1"), rule("unknown.example"))
        assert [(await outside.tunnel(place))[0] for place in ("shut.example:1", "unknown.example:443")] == [502, 502]
        assert "not known here" in (await outside.ask("http://unknown.example:443/"))[1]
    assert {told.outcome for told in outside.told} == {Outcome.FAILED}


async def test_a_server_that_leaves_without_a_word_is_said_to_have(tmp_path: Path) -> None:
    async def leaves(line: Line) -> None:
        await line.hear()

    async with open_upstream(leaves) as web, open_outside(tmp_path, names={"a.example": [LOOPBACK]}) as outside:
        outside.allow(rule(f"a.example:{web.endpoint.port}"))
        status, text = await outside.ask(f"http://a.example:{web.endpoint.port}/")
    assert status == 502
    assert "gave no answer" in text
    assert [told.outcome for told in outside.told] == [Outcome.FAILED]


async def test_a_sandbox_that_asks_or_moves_too_much_is_stopped(tmp_path: Path) -> None:
    limits = EgressLimits(requests=3, total_bytes=1 << 20)
    names = {"loud.example": [LOOPBACK]}
    async with open_bytes(shout) as port, open_outside(tmp_path, limits=limits, names=names) as outside:
        outside.allow(rule(f"loud.example:{port}"))
        _, stream, _ = await outside.tunnel(f"loud.example:{port}")
        with trio.fail_after(PATIENCE), suppress(trio.BrokenResourceError):
            while True:
                await stream.send_all(b"x" * 100_000)
                await stream.receive_some(100_000)
        await trio.testing.wait_all_tasks_blocked(0.01)
        status, _, words = await outside.tunnel(f"loud.example:{port}")
        assert status == 429
        assert "has moved all of the 1 MiB" in words
    assert [told.outcome for told in outside.told] == [Outcome.REFUSED, Outcome.REFUSED]
    async with open_outside(tmp_path, limits=limits) as outside:
        outside.allow()
        assert [(await outside.tunnel("a.example:443"))[0] for _ in range(4)] == [403, 403, 403, 429]


async def test_whoever_asks_without_end_washes_nothing_of_the_log_away(tmp_path: Path) -> None:
    async with open_outside(tmp_path, limits=EgressLimits(requests=3)) as outside:
        outside.allow()
        for authority in ("a.example:443", "127.1:443", "b.example:443"):
            await outside.tunnel(authority)
        for authority in ("c.example:443", "127.1:443") * 10:
            assert (await outside.tunnel(authority))[0] == 429
    assert [told.place for told in outside.told] == ["a.example:443", "?", "b.example:443", "c.example:443"]
    assert outside.told[-1].why.endswith("wait for the next one (more of them for a minute are not here)")


def test_how_many_were_too_many_is_in_the_next_line_about_them() -> None:
    now = 0.0
    meter = Meter(EgressLimits(), lambda: now)
    assert meter.tell() is not None
    assert [meter.tell() for _ in range(5)] == [None] * 5
    now = 61.0
    assert meter.tell() == "5 more since the last such line"
    assert meter.tell() is None


async def test_a_sandbox_can_read_what_was_refused_to_it_and_to_nobody_else(tmp_path: Path) -> None:
    """Of what answers a CONNECT, git shows the number alone."""
    mine, others = tmp_path / "mine", tmp_path / "others"
    mine.mkdir()
    others.mkdir()
    async with open_outside(mine) as outside, open_outside(others) as other:
        outside.allow()
        other.allow()
        for number in range(MOST_REFUSED + 1):
            await outside.tunnel(f"{number}.example:443")
        status, said = await outside.ask("http://gw/")
        nothing = await other.ask("http://gw/")
    lines = said.splitlines()
    assert (status, len(lines), said.count("nanoclaw egress allow nano")) == (200, MOST_REFUSED, MOST_REFUSED)
    assert lines[-1].startswith(f"{MOST_REFUSED}.example:443: {MOST_REFUSED}.example:443 is not allowed; ask")
    assert nothing == (200, "nanoclaw: Nothing has been refused to this sandbox, as far as the gateway knows.\n")


async def test_what_answers_a_head_has_no_body_and_what_was_refused_is_cut_to_its_measure(tmp_path: Path) -> None:
    async def cannot_say(_: BoundRequest) -> BoundVerdict:
        raise UnreachableError("the host cannot read what is bound")

    async with open_outside(tmp_path, bound=cannot_say) as outside:
        outside.allow()
        heads = [await outside.ask(target, method="HEAD") for target in ("http://a.example/", "http://gw/?")]
        await outside.ask(f"http://gw/api/{'a' * 10_000}")
        _, said = await outside.ask("http://gw/")
    assert heads == [(403, ""), (400, "")]
    assert [told.outcome for told in outside.told] == [*[Outcome.REFUSED] * 2, Outcome.FAILED, Outcome.ALLOWED]
    assert "gw/api: /api/aaa" in said
    assert max(map(len, said.splitlines())) <= LONGEST_REFUSED + len("nanoclaw: ")


async def test_a_policy_that_nobody_can_read_allows_nothing(tmp_path: Path) -> None:
    async with open_outside(tmp_path, names={"a.example": [LOOPBACK]}) as outside:
        outside.policy = None
        assert (await outside.tunnel("a.example:443"))[0] == 502
    assert outside.looked_up == []
