"""The client of OneCLI against a server over real HTTP: what it asks, and what it makes of every kind of answer."""

from __future__ import annotations

import gzip
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
import trio

from nanoclaw.core.endpoints import Endpoint, read_endpoint
from nanoclaw.core.model_requests import Key
from nanoclaw.core.onecli import OneCliAwayError, OneCliRefusedError
from nanoclaw.errors import UsageError
from nanoclaw.gateway.onecli import Account, OneCli
from tests.support.fake_http import Asked
from tests.support.onecli_server import CA_PATH, CERTIFICATE, OneCliServer, Raw, open_onecli

AGENT = "agt-01"
KEY = "oc_sesame"


def client_of(server: OneCliServer, *, key: str | None = None, project: str = "", **more: float) -> OneCli:
    endpoint = read_endpoint(server.url)
    assert isinstance(endpoint, Endpoint)
    account = Account(server=endpoint, project=project)
    return OneCli(account, lambda: None if key is None else Key(key), **more)


def always(raw: Raw) -> Callable[[Asked], Awaitable[Raw]]:
    async def answer(_: Asked) -> Raw:
        await trio.lowlevel.checkpoint()
        return raw

    return answer


async def test_an_agent_is_made_once_and_is_there_ever_after() -> None:
    async with open_onecli() as server:
        client = client_of(server)
        assert await client.ensure_agent(AGENT, "Nano")
        assert not await client.ensure_agent(AGENT, "Nano")
    assert server.agents == {AGENT: "Nano"}


async def test_the_key_and_the_project_are_shown_with_every_request() -> None:
    async with open_onecli(key=KEY) as server:
        await client_of(server, key=KEY, project="proj-1").ensure_agent(AGENT, "Nano")
    assert {one.headers.get("authorization") for one in server.asked} == {f"Bearer {KEY}"}
    assert {one.headers.get("x-project-id") for one in server.asked} == {"proj-1"}


async def test_without_a_key_nothing_is_said_of_who_asks() -> None:
    async with open_onecli() as server:
        await client_of(server).ensure_agent(AGENT, "Nano")
    assert not any({"authorization", "x-project-id"} & one.headers.keys() for one in server.asked)


async def test_the_container_configuration_is_the_servers() -> None:
    async with open_onecli() as server:
        client = client_of(server)
        await client.ensure_agent(AGENT, "Nano")
        config = await client.container_config(AGENT)
    assert config.env["NODE_EXTRA_CA_CERTS"] == CA_PATH == config.ca_certificate_container_path
    assert config.env["HTTPS_PROXY"].startswith(f"http://x:aoc_{AGENT}@127.0.0.1:")
    assert config.ca_certificate == CERTIFICATE


async def test_an_older_server_is_asked_under_api_after_one_look() -> None:
    async with open_onecli(prefixes=("/api",)) as server:
        client = client_of(server)
        await client.ensure_agent(AGENT, "Nano")
        await client.container_config(AGENT)
    assert [one.path for one in server.asked] == [
        *("/v1/gateway-url", "/api/gateway-url", "/api/agents", "/api/container-config")
    ]


async def test_many_that_ask_at_once_look_once_where_the_api_is() -> None:
    async with open_onecli() as server:
        client = client_of(server)
        async with trio.open_nursery() as nursery:
            for number in range(5):
                nursery.start_soon(client.ensure_agent, f"agt-{number}", "Nano")
    assert server.counted("/gateway-url") == 1


async def test_what_is_no_onecli_at_all_is_said_to_be_none() -> None:
    async with open_onecli(prefixes=()) as server:
        with pytest.raises(OneCliRefusedError, match="there is no OneCLI at http://127"):
            await client_of(server).ensure_agent(AGENT, "Nano")


async def test_a_refusal_comes_with_the_servers_reason() -> None:
    async with open_onecli(key=KEY) as server:
        with pytest.raises(OneCliRefusedError, match=r"answered 404, No agent with identifier"):
            await client_of(server, key=KEY).container_config(AGENT)
        with pytest.raises(OneCliRefusedError, match=r"no agent agt-01: the server answered 401, Unauthorized"):
            await client_of(server, key="wrong").ensure_agent(AGENT, "Nano")


async def test_a_server_whose_gateway_has_not_run_yet_is_away() -> None:
    async with open_onecli(ca=None) as server:
        client = client_of(server)
        await client.ensure_agent(AGENT, "Nano")
        with pytest.raises(OneCliAwayError, match="503, CA certificate not available"):
            await client.container_config(AGENT)


async def test_nobody_who_listens_is_away() -> None:
    async with open_onecli() as server:
        client = client_of(server)
    with pytest.raises(OneCliAwayError):
        await client.ensure_agent(AGENT, "Nano")


async def test_keys_that_cannot_be_used_are_a_refusal_and_nothing_is_asked() -> None:
    def key() -> Key | None:
        raise UsageError("chmod 600 it")

    async with open_onecli() as server:
        client = OneCli(client_of(server).account, key)
        with pytest.raises(OneCliRefusedError, match="chmod 600 it"):
            await client.ensure_agent(AGENT, "Nano")
    assert server.asked == []


REFUSED = {
    "not JSON": Raw(body=b"<html>"),
    "not an object": Raw(body=b"[]"),
    "without what it is about": Raw(body=b"{}"),
    "of the wrong types": Raw(
        body=json.dumps({"env": {"A": 1}, "caCertificate": [], "caCertificateContainerPath": 7}).encode()
    ),
    "not text": Raw(body=b"\xff\xfe"),
    "nested without end": Raw(body=b"[" * 100_000),
    "a key twice": Raw(body=b'{"env": {}, "env": {}}'),
    "huge": Raw(body=b"x" * (1 << 16), times=1 << 17, headers={"transfer-encoding": "chunked"}),
    "compressed": Raw(body=gzip.compress(b"{}"), headers={"content-encoding": "gzip"}),
    "a redirect": Raw(status=302, headers={"location": "http://127.0.0.1:9/steal"}),
    "a refusal in bad words": Raw(status=403, body=b'{"error": {"message": "\\u202eno\\n\\u001b[2J"}}'),
}


@pytest.mark.parametrize("kind", REFUSED)
async def test_an_answer_that_makes_no_sense_is_a_refusal(kind: str) -> None:
    async with open_onecli(instead={"/container-config": always(REFUSED[kind])}) as server:
        with pytest.raises(OneCliRefusedError) as caught:
            await client_of(server).container_config(AGENT)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


AWAY = {
    "500": Raw(status=500, body=b'{"error": "Internal server error"}'),
    "502 in a page": Raw(status=502, body=b"<html>bad gateway</html>"),
    "429": Raw(status=429),
    "cut off": Raw(body=b"{}", headers={"content-length": "100"}),
    "headers without end": Raw(headers={f"x-{number}": "x" * 1000 for number in range(200)}),
}


@pytest.mark.parametrize("kind", AWAY)
async def test_weather_is_told_from_refusals(kind: str) -> None:
    async with open_onecli(instead={"/container-config": always(AWAY[kind])}) as server:
        with pytest.raises(OneCliAwayError):
            await client_of(server).container_config(AGENT)


async def test_one_who_never_answers_is_given_up_in_time() -> None:
    async def never(_: Asked) -> None:
        await trio.sleep_forever()

    async with open_onecli(instead={"/container-config": never}) as server:
        with pytest.raises(OneCliAwayError, match=r"did not answer within 0\.2 s"):
            await client_of(server, answer_seconds=0.2).container_config(AGENT)


async def test_one_whose_answer_never_ends_is_given_up_in_time() -> None:
    drips = Raw(body=b"x", times=1 << 20, pause=0.01, headers={"transfer-encoding": "chunked"})
    async with open_onecli(instead={"/container-config": always(drips)}) as server:
        with pytest.raises(OneCliAwayError, match=r"did not answer within 0\.2 s"):
            await client_of(server, answer_seconds=0.2).container_config(AGENT)


async def test_requests_that_wait_are_found_and_those_that_are_known_are_not_named_again() -> None:
    async with open_onecli(poll_seconds=0.05) as server:
        client = client_of(server)
        server.hold("one", AGENT)
        server.hold("two", AGENT)
        first = await client.pending([])
        assert [one.id for one in first.requests] == ["one", "two"]
        found = first.requests[0]
        assert (found.method, found.host, found.path) == ("POST", "api.example.com", "/v1/send")
        assert found.agent.external_id == AGENT
        assert timedelta(seconds=100) < found.expires_at - datetime.now(UTC) < timedelta(seconds=200)
        assert [one.id for one in (await client.pending(["one"])).requests] == ["two"]
        assert (await client.pending(["one", "two"])).requests == ()


async def test_a_poll_waits_for_news() -> None:
    async with open_onecli() as server:
        client = client_of(server)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.pending, [])
            await server.until(lambda: server.counted("/approvals/pending") == 1)
            server.hold("one", AGENT)


async def test_one_request_that_makes_no_sense_does_not_hide_the_others() -> None:
    async with open_onecli() as server:
        server.hold("good", AGENT)
        server.hold("bad", AGENT, expiresAt="soon")
        server.hold("worse", AGENT, method=None)
        server.hold("../../x", AGENT)
        found = await client_of(server).pending([])
    assert [one.id for one in found.requests] == ["good"]
    assert set(found.unfit) == {"bad", "worse"}
    assert found.nameless == 1


async def test_decisions_are_taken_once() -> None:
    async with open_onecli() as server:
        client = client_of(server)
        server.hold("one", AGENT)
        server.hold("two", AGENT)
        assert await client.decide("one", approve=True)
        assert await client.decide("two", approve=False)
        assert not await client.decide("one", approve=False)
    assert server.decisions == {"one": "approve", "two": "deny"}


async def test_a_decision_that_comes_too_late_is_no_error() -> None:
    async with open_onecli(instead={"/approvals/one/decision": always(Raw(status=410))}) as server:
        assert not await client_of(server).decide("one", approve=True)


async def test_the_gateway_may_be_elsewhere_and_is_asked_for_once() -> None:
    async with open_onecli() as gateway, open_onecli(poll_seconds=0.01) as server:
        server.instead["/gateway-url"] = always(Raw(body=json.dumps({"url": f"{gateway.url}/"}).encode()))
        client = client_of(server)
        gateway.poll_seconds = 0.01
        for _ in range(2):
            await client.pending([])
    assert gateway.counted("/approvals/pending") == 2
    assert server.counted("/approvals/pending") == 0
    assert server.counted("/gateway-url") == 2  # one of them is the look where the API is


@pytest.mark.parametrize("said", [{}, {"url": 7}, {"url": "ftp://x"}, {"url": "http://user@x"}, {"url": "nowhere"}])
async def test_a_gateway_that_is_nowhere_is_a_refusal(said: dict[str, object]) -> None:
    async with open_onecli(instead={"/gateway-url": always(Raw(body=json.dumps(said).encode()))}) as server:
        with pytest.raises(OneCliRefusedError, match="its gateway's address"):
            await client_of(server).pending([])


async def test_after_a_poll_that_failed_the_gateway_is_looked_for_anew() -> None:
    async with open_onecli(poll_seconds=0.01) as server:
        client = client_of(server)
        async with open_onecli() as gateway:
            server.instead["/gateway-url"] = always(Raw(body=json.dumps({"url": gateway.url}).encode()))
            gateway.hold("one", AGENT)
            assert [one.id for one in (await client.pending([])).requests] == ["one"]
        del server.instead["/gateway-url"]
        with pytest.raises(OneCliAwayError):
            await client.pending([])
        assert (await client.pending([])).requests == ()


async def test_a_look_says_whether_we_are_somebody_there() -> None:
    async with open_onecli(key=KEY) as server:
        await client_of(server, key=KEY).look()
        with pytest.raises(OneCliRefusedError, match="we may not look at its agents: the server answered 401"):
            await client_of(server).look()
