"""The network of an evil sandbox: there is none, and its proxy leads to nothing of this machine whatever is allowed."""

from __future__ import annotations

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
from tests.hostile.sinks import addresses, sinks
from tests.support.central import NOW
from tests.support.engines import need
from tests.support.sampling import by_turns


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
    with sinks() as waiting:
        evil = Evil(
            name="evil", attack="at_24_network", words=[str(waiting.port), waiting.canary.decode(), *addresses()]
        )
        everything = partial(allow_everything, group="agt-evil")
        with build_town(evil, prepare=lambda around: everything(around / "home"), engine=engine) as there:
            there.wake_all()
            found = there.await_report("evil")
            there.await_answer("evil")
        assert waiting.reached() == []
        waiting.prove()
    assert "done" not in found["came_of"].values(), found["came_of"]
    for way in ("tunnels", "plain"):
        assert set(found[way].values()) <= {"400", "403"}, found[way]
