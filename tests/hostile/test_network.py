"""The network of an evil sandbox: there is none, and its proxy leads to nothing of this machine whatever is allowed."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest
import trio

from nanoclaw.model.egress import EgressRule
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.store import egress
from nanoclaw.store.db import open_database
from tests.hostile.conftest import BuildTown
from tests.hostile.residents import Evil
from tests.support.central import NOW
from tests.support.engines import need
from tests.support.sampling import by_turns

EVERYWHERE = str(socket.inet_ntoa(bytes(4)))


@contextmanager
def sinks() -> Iterator[tuple[int, list[socket.socket]]]:
    """Somebody who listens on one port of every address of this machine, by TCP and by UDP."""
    with ExitStack() as held:
        tcp = held.enter_context(socket.create_server((EVERYWHERE, 0)))
        port = int(tcp.getsockname()[1])
        udp = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind((EVERYWHERE, port))
        yield port, [tcp, udp]


def addresses() -> list[str]:
    """Those that this machine has towards others."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        try:
            plain.connect(("192.0.2.1", 9))
        except OSError:
            return []
        return [str(plain.getsockname()[0])]


def allow_everything(home: Path, group: str) -> None:
    """As far as an operator can by presets."""

    async def allow() -> None:
        async with open_database(home / "nanoclaw.db") as store:
            for word in ("web", "open"):
                rule = EgressRule(agent_group_id=AgentGroupId(group), said=word, added_at=NOW)
                await store.transact(egress.allow, rule)

    trio.run(allow)


@pytest.mark.parametrize("engine", by_turns(["docker", "bubblewrap"]))
def test_no_packet_leaves_an_evil_sandbox_and_no_forgery_leads_into_the_machine(
    build_town: BuildTown, engine: str
) -> None:
    """AT-24 and AT-25: TCP, UDP, DNS, ICMP, raw; and the table of forgeries at the proxy, with all presets allowed."""
    need(engine)
    with sinks() as (port, listening):
        evil = Evil(name="evil", attack="at_24_network", words=[str(port), *addresses()])
        everything = partial(allow_everything, group="agt-evil")
        with build_town(evil, prepare=lambda around: everything(around / "home"), engine=engine) as there:
            there.wake_all()
            found = there.await_report("evil")
            there.await_answer("evil")
        reached, _, _ = select.select(listening, [], [], 0)
    assert "done" not in found["came_of"].values(), found["came_of"]
    for way in ("tunnels", "plain"):
        assert set(found[way].values()) <= {"400", "403"}, found[way]
    assert reached == []
