"""The host's own log says no secret that is bound to a host, though the gateway's process is the one that uses them."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import trio

from nanoclaw.core.egress import Policy
from nanoclaw.gateway.egress import Egress
from nanoclaw.gateway.other_secrets import FOLDER, NAME
from nanoclaw.kit.known_secrets import known_forms
from nanoclaw.kit.striking import strike
from nanoclaw.model.bindings import BoundRequest, BoundVerdict, Stay
from schema.times import write_time
from tests.gateway.apart import open_apart
from tests.gateway.world import Outside
from tests.support.central import NOW


def put(home: Path, name: str, value: str) -> None:
    """As another process does: this one is not told."""
    path = home / FOLDER / NAME
    path.parent.mkdir(mode=0o700, exist_ok=True)
    new = path.with_suffix(".other")
    new.touch(mode=0o600)
    new.write_text(json.dumps({name: {"value": value, "set_at": write_time(NOW)}}))
    new.replace(path)


def is_said(value: str) -> bool:
    return value in strike(f"it says {value} there", known_forms())


async def test_a_secret_is_known_after_a_start_and_before_one_that_was_set_meanwhile_is_used(tmp_path: Path) -> None:
    first, second = f"plum-{tmp_path.name}-first", f"plum-{tmp_path.name}-second"
    said: list[bool] = []

    async def bound(_: BoundRequest) -> BoundVerdict:
        await trio.lowlevel.checkpoint()
        said.append(is_said(second))
        return Stay(403, "no")

    async def allow() -> Policy:
        await trio.lowlevel.checkpoint()
        return Policy()

    put(tmp_path, "API_TOKEN", first)
    assert is_said(first)
    async with open_apart(tmp_path) as apart:
        assert not is_said(first)
        put(tmp_path, "API_TOKEN", second)
        egress = Egress(policy=allow, tell=lambda _: None, bound=bound)
        async with apart.process.open(attrs.evolve(apart.gate.way(apart.model.endpoint, "ses-2"), egress=egress)):
            outside = Outside(tmp_path / "ses-2")
            assert (await outside.ask("http://gw/api/x"))[0] == 403
            await outside.close()
    assert said == [False]
