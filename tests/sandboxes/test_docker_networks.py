"""Networks of sandboxes' own, on a daemon of whose answers some are lost: one for each life, and none for ever."""

from __future__ import annotations

import pytest
import structlog
import trio
import trio.testing

from nanoclaw.core.private_networks import PrivateNetwork
from nanoclaw.core.sandbox_spec import container_name
from nanoclaw.errors import SandboxError
from nanoclaw.model.ids import EpochNumber, SessionId
from nanoclaw.sandboxes.own_network import own_network
from tests.sandboxes.docker_world import INSTALL, World, an_engine, life_of, world
from tests.support.lossy_api import Trouble


def of(session: str = "alpha", epoch: int = 1, install: str = INSTALL) -> PrivateNetwork:
    """The network of a life."""
    return PrivateNetwork(install=install, session=SessionId(session), epoch=EpochNumber(epoch))


async def take(inside: World, network: PrivateNetwork, attempt: int = 0) -> None:
    """Somebody has made *network*."""
    await inside.docker.create_network(network.body(attempt))


async def test_a_sandbox_is_alone_on_its_network_and_both_go(autojump_clock: trio.testing.MockClock) -> None:
    async with world(way_out="network") as inside:
        async with own_network(inside.engine, life_of()) as address:
            assert address is not None
            assert address.startswith("198.19.")
            sandbox = await inside.start()
            (net,) = inside.docker.nets.values()
            assert [one["Name"] for one in net["Containers"].values()] == [container_name(INSTALL, SessionId("alpha"))]
            host = inside.of(sandbox).document["HostConfig"]
            assert (host["NetworkMode"], host["Dns"]) == (of().name, ["127.255.255.254"])
            await sandbox.stop(0)
            await sandbox.remove()
        assert inside.docker.nets == {}


async def test_where_sockets_are_reached_there_is_none(autojump_clock: trio.testing.MockClock) -> None:
    async with world() as inside, own_network(inside.engine, life_of()) as address:
        assert address is None
        sandbox = await inside.start()
        assert inside.of(sandbox).document["HostConfig"]["NetworkMode"] == "none"
        assert inside.docker.nets == {}


@pytest.mark.parametrize("trouble", list(Trouble))
@pytest.mark.parametrize("request_", ["create_network", "network", "networks", "remove_network"])
async def test_whatever_gets_lost_there_is_one_and_then_none(
    autojump_clock: trio.testing.MockClock, request_: str, trouble: Trouble
) -> None:
    async with world(way_out="network") as inside:
        inside.trouble(request_, trouble)
        refused = trouble is Trouble.REFUSED and request_ != "create_network"
        try:
            async with own_network(inside.engine, life_of()):
                await trio.sleep(5)
                assert len(inside.docker.nets) == 1
        except SandboxError:
            assert refused
        await trio.sleep(5)
        await inside.engine.bury(life_of())
        assert inside.docker.nets == {}
        assert inside.docker.most_nets <= 1


async def test_one_whose_start_was_cut_short_goes_with_the_burial(autojump_clock: trio.testing.MockClock) -> None:
    for moment in range(1, 30):
        async with world(way_out="network") as inside:
            with trio.move_on_after(moment / 100):
                await inside.engine.network(life_of(), adopted=False)
                await inside.start()
                await trio.sleep_forever()
            await inside.engine.bury(life_of())
            assert inside.docker.nets == {}
            assert inside.docker.there == {}


async def test_a_host_that_died_leaves_none_and_others_are_left_alone(autojump_clock: trio.testing.MockClock) -> None:
    async with world(way_out="network") as inside:
        for network in (of("alpha", 1), of("alpha", 2), of("beta", 7), of("alpha", 1, "home-2")):
            await take(inside, network)
        await inside.engine.remove_others([life_of("alpha", 2)])
        assert {one["Name"] for one in inside.docker.nets.values()} == {of("alpha", 2).name, of(install="home-2").name}


async def test_one_on_which_somebody_else_is_holds_up_neither_the_others_nor_the_host(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with world(way_out="network") as inside:
        for network in (of("alpha"), of("beta")):
            await take(inside, network)
        next(iter(inside.docker.nets.values()))["Containers"]["1"] = {"Name": "somebody"}
        with structlog.testing.capture_logs() as logs:
            assert await inside.engine.remove_others([]) == 0
        assert [one["Name"] for one in inside.docker.nets.values()] == [of("alpha").name]
        assert [one["event"] for one in logs] == ["network_left"]


async def test_dead_hosts_leave_none_where_sockets_are_reached_by_now(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with world() as inside:
        await take(inside, of("alpha", 1))
        assert await inside.engine.remove_others([]) == 0
        assert inside.docker.nets == {}


async def test_the_next_host_takes_up_the_network_of_what_still_runs(autojump_clock: trio.testing.MockClock) -> None:
    async with world(way_out="network") as inside:
        before = await inside.engine.network(life_of(), adopted=False)
        await inside.start()
        # It has other settings by now, and a sandbox what it was started with.
        next_one = an_engine(inside.api)
        assert await next_one.adopt(life_of()) is not None
        async with own_network(next_one, life_of(), adopted=True) as address:
            assert address == before
            await next_one.bury(life_of())
        assert inside.docker.nets == {}


async def test_one_that_was_adopted_without_a_network_gets_none(autojump_clock: trio.testing.MockClock) -> None:
    async with world(way_out="network") as inside, own_network(inside.engine, life_of(), adopted=True) as address:
        assert address is None
        assert inside.docker.nets == {}


async def test_addresses_that_are_taken_are_left_to_whoever_has_them(autojump_clock: trio.testing.MockClock) -> None:
    async with world(way_out="network") as inside:
        taken = of("somebody")
        body = {**taken.body(0), "IPAM": of().body(0)["IPAM"]}
        await inside.docker.create_network(body)
        assert await inside.engine.network(life_of(), adopted=False) is not None
        assert len(inside.docker.nets) == 2


async def test_a_daemon_without_networks_is_no_wait(autojump_clock: trio.testing.MockClock) -> None:
    async with world(way_out="network") as inside:
        inside.docker.refuse["create_network"] = "operation not permitted"
        with pytest.raises(SandboxError, match="makes no network: operation not permitted"):
            await inside.engine.network(life_of(), adopted=False)


async def test_one_that_is_not_as_it_was_asked_for_is_not_used(autojump_clock: trio.testing.MockClock) -> None:
    async with world(way_out="network") as inside:
        inside.docker.tamper_net = lambda net: net.update(Internal=False)
        with pytest.raises(SandboxError, match="Internal is not as it was asked for"):
            await inside.engine.network(life_of(), adopted=False)


async def test_one_that_does_not_go_in_time_is_told_of(autojump_clock: trio.testing.MockClock) -> None:
    async with world(way_out="network") as inside:
        with structlog.testing.capture_logs() as logs:
            async with own_network(inside.engine, life_of()):
                inside.api.trouble = lambda request: Trouble.LOST if request == "remove_network" else None
        assert [(one["event"], one["why"]) for one in logs] == [("network_left", "it was not removed within 5 s")]


async def test_one_on_which_somebody_is_stays_and_is_found_again(autojump_clock: trio.testing.MockClock) -> None:
    async with world(way_out="network") as inside:
        async with own_network(inside.engine, life_of()):
            await inside.start()
        assert len(inside.docker.nets) == 1
        await inside.engine.bury(life_of())
        assert inside.docker.nets == {}
