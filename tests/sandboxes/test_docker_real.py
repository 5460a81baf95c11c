"""Real containers: what the engine promises, on the daemon of this machine."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from nanoclaw.core.sandbox_check import LEAST_MASKED, LEAST_READ_ONLY
from nanoclaw.core.sandbox_spec import EPOCH_LABEL, INSTALL_LABEL, SESSION_LABEL
from nanoclaw.kit import openings
from nanoclaw.kit.sockets import bind_in
from nanoclaw.model.sandbox import MIB, Limits
from nanoclaw.sandboxes.docker_api import NotThereError, State
from nanoclaw.sandboxes.engine import Exit, Unusable, Usable
from nanoclaw.sandboxes.log import SandboxLog
from nanoclaw.sandboxes.seccomp import seccomp_profile
from tests.support.real_docker import RealHome, real_home

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

GOLDEN = Path(__file__).parent / "golden" / "docker_sandbox.json"
OURS = {INSTALL_LABEL, SESSION_LABEL, EPOCH_LABEL}
"""The labels that are the same each time; others are the image's."""
HEEDS = """
import signal, sys, time
def end(*_):
    print("bye")
    sys.exit(3)
signal.signal(signal.SIGTERM, end)
open("/nanoclaw/out/ready", "x").close()
print("hello", file=sys.stderr)
while True:
    time.sleep(0.01)
"""
IGNORES = HEEDS.replace("signal.signal(signal.SIGTERM, end)", "signal.signal(signal.SIGTERM, signal.SIG_IGN)")
HOG = "memory = [bytearray(1 << 24) for _ in range(1000)]"


async def ready(path: Path) -> None:
    """Wait until the program has said so."""
    with trio.fail_after(60):
        while not await trio.Path(path).exists():  # noqa: ASYNC110 - nobody tells of what a program in a container does
            await trio.sleep(0.01)


async def test_a_life_from_start_to_finish(agent_image: str) -> None:
    async with real_home(agent_image, HEEDS) as home:
        engine = await home.running_engine()
        sandbox = await engine.start(home.spec())
        out, log = home.life().outbound, SandboxLog(home.path / "log")
        await ready(out / "ready")
        assert (out / "ready").stat().st_uid == _user(home)
        home.nursery.start_soon(sandbox.copy_log, log)
        sandbox.show_log()
        await ready(home.path / "log")
        for _ in range(2):
            await sandbox.pause()
            assert (await home.client.inspect(sandbox.id)).state is State.PAUSED
            await sandbox.resume()
            assert (await home.client.inspect(sandbox.id)).state is State.RUNNING
        await sandbox.pause()
        assert await sandbox.stop(30) == Exit(code=3)
        with trio.fail_after(10):
            await sandbox.copy_log(log)
        assert log.last_lines == "hello / bye"
        await sandbox.remove()
        assert await home.client.containers({INSTALL_LABEL: home.install}) == ()


async def test_one_that_does_not_heed_is_killed(agent_image: str) -> None:
    async with real_home(agent_image, IGNORES) as home:
        sandbox = await (await home.running_engine()).start(home.spec())
        await ready(home.life().outbound / "ready")
        assert await sandbox.stop(0.2) == Exit(code=-9)


async def test_one_that_wants_too_much_memory_is_told_from_others(agent_image: str) -> None:
    async with real_home(agent_image, HOG) as home:
        engine = await home.running_engine()
        spec = attrs.evolve(home.spec(), limits=Limits(memory_bytes=64 * MIB))
        with trio.fail_after(60):
            assert await (await engine.start(spec)).wait() == Exit(code=-9, out_of_memory=True)


async def test_a_hundred_starts_are_one_container_and_the_next_host_adopts_it(agent_image: str) -> None:
    async with real_home(agent_image, HEEDS) as home:
        engine = await home.running_engine()
        async with trio.open_nursery() as nursery:
            for _ in range(100):
                nursery.start_soon(engine.start, home.spec())
        (container,) = await home.client.containers({INSTALL_LABEL: home.install})
        later = await home.running_engine()
        assert await later.adopt(home.life(epoch=2)) is None
        adopted = await later.adopt(home.life())
        assert adopted is not None
        assert adopted.id == container.id
        await home.client.signal(container.id, "SIGKILL")
        with trio.fail_after(30):
            assert await adopted.wait() == Exit(code=-9)
        assert await later.adopt(home.life()) is None


async def test_what_is_left_over_is_removed_and_only_what_is_ours(agent_image: str) -> None:
    async with real_home(agent_image, HEEDS) as home, real_home(agent_image, HEEDS) as neighbour:
        engine, other = await home.running_engine(), await neighbour.running_engine()
        theirs = await other.start(neighbour.spec())
        old = await engine.start(home.spec(home.life(epoch=1)))
        new = await engine.start(home.spec(home.life(epoch=2)))
        with pytest.raises(NotThereError):
            await home.client.inspect(old.id)
        await engine.start(home.spec(home.life("beta")))
        assert await engine.remove_others([home.life(epoch=2)]) == 1
        await engine.bury(home.life(epoch=2))
        with pytest.raises(NotThereError):
            await home.client.inspect(new.id)
        assert (await home.client.inspect(theirs.id)).state is State.RUNNING


async def test_the_probe_starts_a_container_and_leaves_nothing(agent_image: str) -> None:
    async with real_home(agent_image) as home:
        found = await home.engine().probe()
        assert isinstance(found, Usable), found
        assert await home.client.containers({INSTALL_LABEL: home.install}) == ()
        assert not list(home.path.glob("probe-*"))


async def test_where_no_socket_is_reached_from_inside_a_network_stands_in_unless_a_socket_it_has_to_be(
    agent_image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openings, "bind_in", lambda folder, name, _: bind_in(folder, f"not-{name}"))
    async with real_home(agent_image) as home:
        found = await home.engine(way_out="socket").probe()
        assert isinstance(found, Unusable), found
        assert "by socket, the gateway is not reached from inside" in found.why
        engine = home.engine()
        found = await engine.probe()
        assert isinstance(found, Usable), found
        assert "over a network of their own" in found.lacks
        assert await engine.network(home.life(), adopted=False) is not None


async def test_a_default_sandbox_is_what_the_golden_file_says(agent_image: str) -> None:
    async with real_home(agent_image) as home:
        engine = await home.running_engine()
        sandbox = await engine.start(home.spec())
        document = (await home.client.inspect(sandbox.id)).document
        found = {part: normal(document[part], home) for part in ("Config", "HostConfig", "Mounts")}
        for hidden, least in (("MaskedPaths", LEAST_MASKED), ("ReadonlyPaths", LEAST_READ_ONLY)):
            assert least <= set(found["HostConfig"].pop(hidden))
        if os.environ.get("NANOCLAW_WRITE_GOLDEN"):
            await trio.Path(GOLDEN).write_text(json.dumps(found, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        assert found == json.loads(await trio.Path(GOLDEN).read_text(encoding="utf-8"))


def _user(home: RealHome) -> int:
    owner = home.engine().owner_of(home.spec().agent_group)
    return os.getuid() if owner is None else owner.uid


def normal(value: Any, home: RealHome) -> Any:
    """*value* without what is empty and what the image says, and with words for what differs from run to run."""
    if isinstance(value, dict):
        left_out = {key for key in value if key == "ConsoleSize" or (key.startswith("nanoclaw.") and key not in OURS)}
        found = {key: normal(one, home) for key, one in value.items() if key not in left_out}
        return {key: one for key, one in found.items() if one not in (None, "", 0, False, [], {})}
    if isinstance(value, list):
        listed = [normal(one, home) for one in value]
        return sorted(listed, key=json.dumps) if value and isinstance(value[0], dict) else listed
    if not isinstance(value, str):
        return value
    for part, word in (
        (seccomp_profile(), "seccomp.json"),
        (str(home.path), "HOME"),
        (str(home.engine()._runtime.runner.parent), "SOURCE"),
        (home.install, "INSTALL"),
        (home.image, "IMAGE"),
        (str(_user(home)), "USER"),
    ):
        value = value.replace(part, word)
    return value
