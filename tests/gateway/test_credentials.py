"""What a start is given of OneCLI: it waits while the server is away, and is refused when the server says no."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import trio
import trio.testing

from nanoclaw.core.endpoints import ANTHROPIC, BadEndpoint, Endpoint, read_endpoint
from nanoclaw.core.model_requests import Key
from nanoclaw.errors import SandboxError, UsageError
from nanoclaw.gateway.credentials import Credentials
from nanoclaw.gateway.dial import UnreachableError
from nanoclaw.gateway.onecli import Account, OneCli
from nanoclaw.model.entities import AgentGroup
from nanoclaw.model.ids import AgentGroupId
from tests.support.fake_http import Asked
from tests.support.onecli_server import CERTIFICATE, OneCliServer, Raw, open_onecli

GROUP = AgentGroup(id=AgentGroupId("agt-1"), name="Nano", folder="nano", created_at=datetime(2026, 1, 1, tzinfo=UTC))


def place(url: str) -> Endpoint:
    found = read_endpoint(url)
    assert isinstance(found, Endpoint)
    return found


CLAUDE = place(ANTHROPIC)


def credentials(server: OneCliServer, keys: dict[str, Key] | None = None) -> Credentials:
    return Credentials(OneCli(Account(server=place(server.url)), lambda: None), (keys or {}).get, luck=lambda: 0.0)


async def test_a_start_is_given_the_servers_proxy_for_an_agent_of_its_own() -> None:
    async with open_onecli() as server:
        found = await credentials(server).prepare(GROUP, CLAUDE, print)
    assert server.agents == {"agt-1": "Nano"}
    assert str(found.proxy) == server.url
    assert found.proxies["HTTPS_PROXY"] == "x:aoc_agt-1"
    assert found.ca == CERTIFICATE


async def test_a_start_waits_longer_and_longer_says_so_and_goes_on_when_the_server_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nanoclaw.core.onecli.FIRST_PAUSE", 0.02)
    said: list[str] = []
    times: list[float] = []

    async def away(_: Asked) -> Raw | None:
        await trio.lowlevel.checkpoint()
        times.append(trio.current_time())
        return Raw(status=503, body=b'{"error": "starting"}') if len(times) < 4 else None

    async with open_onecli(instead={"/container-config": away}) as server:
        await credentials(server).prepare(GROUP, CLAUDE, said.append)
    assert len(said) == 3
    assert all(one.startswith("waiting for OneCLI: http://127.0.0.1") and "503, starting" in one for one in said)
    for number, pause in enumerate((0.01, 0.02, 0.04)):
        assert times[number + 1] - times[number] >= pause


async def test_a_start_that_waits_can_be_cancelled() -> None:
    async with open_onecli(ca=None) as server:
        with trio.move_on_after(0.2) as waiting:
            await credentials(server).prepare(GROUP, CLAUDE, lambda _: None)
    assert waiting.cancelled_caught


async def test_a_refusal_refuses_the_start_with_the_servers_reason() -> None:
    async with open_onecli(key="oc_sesame") as server:
        with pytest.raises(SandboxError, match="onecli: no agent agt-1: the server answered 401, Unauthorized"):
            await credentials(server).prepare(GROUP, CLAUDE, print)


async def test_a_configuration_that_cannot_be_used_refuses_the_start() -> None:
    async with open_onecli(env={"LD_PRELOAD": "/tmp/evil.so"}) as server:
        with pytest.raises(SandboxError, match="env: LD_PRELOAD: decides what runs"):
            await credentials(server).prepare(GROUP, CLAUDE, print)


@pytest.mark.parametrize(
    ("model", "keys", "by_proxy"),
    [
        (CLAUDE, {}, True),
        (CLAUDE, {ANTHROPIC: Key("sk-ant")}, False),
        (place("http://localhost:11434"), {}, False),
        (BadEndpoint("no"), {}, False),
    ],
)
async def test_claude_answers_by_the_proxy_where_the_host_has_no_key(
    model: Endpoint | BadEndpoint, keys: dict[str, Key], by_proxy: bool
) -> None:
    async with open_onecli() as server:
        assert (await credentials(server, keys).prepare(GROUP, model, print)).model is by_proxy


async def test_keys_of_the_hosts_own_that_cannot_be_used_refuse_the_start() -> None:
    def key_for(_: str) -> Key | None:
        raise UsageError("chmod 600 it")

    async with open_onecli() as server:
        asking = Credentials(OneCli(Account(server=place(server.url)), lambda: None), key_for)
        with pytest.raises(SandboxError, match="chmod 600 it"):
            await asking.prepare(GROUP, CLAUDE, print)


async def test_the_proxy_of_a_sandbox_that_a_dead_host_left_is_asked_for_once() -> None:
    async with open_onecli() as server:
        asking = credentials(server)
        assert {str(await asking.proxy(GROUP)) for _ in range(3)} == {server.url}
    assert server.counted("/container-config") == 1
    with pytest.raises(UnreachableError):
        await credentials(server).proxy(GROUP)
