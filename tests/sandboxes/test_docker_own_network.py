"""A real container that reaches its gateway over a network of its own, as where no socket crosses: and nothing else."""

from __future__ import annotations

import json
import secrets
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import trio

from nanoclaw.cli.checks_of_closedness import closed
from nanoclaw.core.egress import Policy
from nanoclaw.core.sandbox_spec import INSTALL_LABEL
from nanoclaw.kit.openings import open_in
from nanoclaw.sandboxes.docker import DockerEngine
from nanoclaw.sandboxes.engine import LifeName, Usable
from nanoclaw.sandboxes.own_network import own_network
from schema import files
from schema.way_file import load
from tests.support.real_docker import GROUP, RealHome, real_home

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]

CANARY = b"quincemarmalade"
TRIES = f"""
import json, os, socket
from concurrent.futures import ThreadPoolExecutor
told = json.load(open("/workspace/agent/tries.json"))
def tcp(address, port, first, patience=3):
    try:
        with socket.create_connection((address, port), timeout=patience) as plain:
            plain.sendall(first + b"\\n")
            return plain.recv(100).decode()
    except OSError as exc:
        return type(exc).__name__
def udp(address, port, what):
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as plain:
            plain.settimeout(1.5)
            plain.sendto(what, (address, port))
            return len(plain.recv(512))
    except OSError as exc:
        return type(exc).__name__
way = json.load(open("{files.SANDBOX_GATEWAY}/network.json"))
port = way["ports"]["gateway.sock"]
question = b"\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\x0f{CANARY.decode()}\\3org\\0\\0\\1\\0\\1"
at_once = ThreadPoolExecutor(16)
others = [at_once.submit(tcp, address, port, b"{CANARY.decode()}") for address, port in told["tcp"]]
names = [at_once.submit(udp, address, 53, question) for address in told["names"]]
raw = [at_once.submit(udp, address, 9, b"{CANARY.decode()}") for address in told["udp"]]
found = {{
    "links": [name for _, name in socket.if_nameindex()],
    "ipv6": os.path.exists("/proc/net/if_inet6") and open("/proc/net/if_inet6").read().count("eth0"),
    "gateway": tcp(way["address"], port, way["secret"].encode(), 60),
    "others": [one.result() for one in others],
    "names": [one.result() for one in names],
    "raw": [one.result() for one in raw],
    "environment": sorted(os.environ.items()),
}}
open("{files.SANDBOX_OUT}/found.new", "w").write(json.dumps(found))
os.rename("{files.SANDBOX_OUT}/found.new", "{files.SANDBOX_OUT}/found")
"""


@contextmanager
def packets() -> Iterator[list[str]]:
    """The interfaces on which packets with the canary were seen, whole once the block is over.

    It takes a right that not every user has; without it nothing is seen.
    """
    seen, last = list[str](), secrets.token_bytes(16)
    try:
        plain = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    except PermissionError:
        yield seen
        return

    def look() -> None:
        packet = b""
        while last not in packet:
            packet, where = plain.recvfrom(1 << 16)
            if CANARY in packet:
                seen.append(where[0])

    thread = threading.Thread(target=look, daemon=True)
    with plain, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mark:
        thread.start()
        try:
            yield seen
        finally:
            # What came before has been looked at once this has been seen: it sees, and was not too slow.
            while thread.is_alive():
                mark.sendto(last, ("127.0.0.1", 9))
                thread.join(0.1)


def answering(listener: socket.socket) -> None:
    """Say who it is to whoever comes, once it was told something."""

    def serve() -> None:
        with suppress(OSError):
            while True:
                with listener.accept()[0] as plain:
                    plain.settimeout(60)
                    plain.sendall(b"heard " + plain.recv(200))

    threading.Thread(target=serve, daemon=True).start()


@asynccontextmanager
async def life_with_gateway(
    home: RealHome, engine: DockerEngine, session: str
) -> AsyncIterator[tuple[LifeName, Path, str]]:
    """A life, with somebody who listens on its network: the folder of its way, and this machine's address there."""
    life = home.life(session)
    folder, owner = home.path / session / "gateway", engine.owner_of(GROUP)
    async with own_network(engine, life) as at:
        assert at is not None
        user = None if owner is None else (owner.uid, owner.gid)
        opening = open_in(folder, (files.GATEWAY_SOCKET,), user, at)
        answering(opening.sockets[0])
        try:
            yield life, folder, at
        finally:
            opening.sockets[0].shutdown(socket.SHUT_RDWR)
            opening.close()


async def tried(home: RealHome, engine: DockerEngine, life: LifeName, tries: dict[str, object]) -> Any:
    """What a program inside found, that was told what to try."""
    await trio.Path(home.path / "agent" / "tries.json").write_text(json.dumps(tries))
    sandbox = await engine.start(home.spec(life))
    try:
        inspected = json.dumps((await home.client.inspect(sandbox.id)).document)
        with trio.fail_after(120):
            exit_ = await sandbox.wait()
        assert exit_.code == 0, exit_
        return json.loads(await trio.Path(life.outbound / "found").read_text()), inspected
    finally:
        await sandbox.remove()


async def test_its_gateway_is_all_that_a_sandbox_reaches_over_a_network_of_its_own(agent_image: str) -> None:
    """AT-24, over the stand-in: no other sandbox's network, no address of the world, no name, no packet anywhere."""
    async with real_home(agent_image, TRIES) as home:
        engine = home.engine(way_out="network")
        await home.nursery.start(engine.run)
        async with (
            life_with_gateway(home, engine, "beta") as (_, neighbour, beside),
            life_with_gateway(home, engine, "alpha") as (life, folder, at),
        ):
            mine, theirs = load(folder), load(neighbour)
            assert mine is not None
            assert theirs is not None
            assert beside != at
            assert (folder / "network.json").stat().st_mode & 0o777 == 0o600
            with packets() as seen:
                found, inspected = await tried(
                    home,
                    engine,
                    life,
                    {
                        "tcp": [(beside, theirs.ports[files.GATEWAY_SOCKET]), ("192.0.2.77", 443), ("1.1.1.1", 443)],
                        "names": ["127.0.0.11", "127.255.255.254", "1.1.1.1", "192.0.2.77"],
                        "udp": ["1.1.1.1", "198.19.255.254", "fd00::77", "2606:4700::1111"],
                    },
                )
            assert found["gateway"] == f"heard {mine.secret}\n"
            assert (found["links"], found["ipv6"]) == (["lo", "eth0"], 0)
            assert not [one for one in found["others"] if one.startswith("heard")], found
            assert not [one for one in found["names"] + found["raw"] if isinstance(one, int)], found
            # What it says to itself is seen on no interface of the machine.
            assert seen == []
            assert mine.secret not in inspected
            assert mine.secret not in str(found["environment"])
        assert await home.client.networks({INSTALL_LABEL: home.install}) == ()


async def test_a_home_that_is_told_to_uses_networks_and_says_what_that_means(agent_image: str) -> None:
    async with real_home(agent_image) as home:
        engine = home.engine(way_out="network")
        found = await engine.probe()
        assert isinstance(found, Usable), found
        assert "what this machine offers on all of its addresses" in found.lacks
        assert await home.client.networks({INSTALL_LABEL: home.install}) == ()
        assert list(home.path.glob("probe-*")) == []


async def test_a_home_that_is_not_told_uses_sockets(agent_image: str) -> None:
    async with real_home(agent_image) as home:
        engine = home.engine()
        assert isinstance(found := await engine.probe(), Usable)
        assert "all of its addresses" not in found.lacks
        assert await engine.network(home.life(), adopted=False) is None


async def test_what_doctor_tries_from_inside_is_refused_over_a_network_too(agent_image: str) -> None:
    async with real_home(agent_image) as home:
        finding = await closed(home.engine(way_out="network"), home.path, Policy(rules=()))
        assert finding.mark == "well", finding
        assert await home.client.networks({INSTALL_LABEL: home.install}) == ()
