"""A task's script is run within its bounds, and nothing of it is left."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from runner.core.gate import Broken, Open, Shut
from runner.scripts import run_script


async def dies(process: int) -> bool:
    """Does it end? It was killed: the system may take a moment."""
    for _ in range(500):
        if state_of(process) in "ZX":  # whoever took it over has not looked yet, or has
            return True
        await trio.sleep(0.01)
    return False


def number_in(file: Path) -> int:
    """What a shell has written there; 0 as long as it has not."""
    return int(file.read_text().strip() or 0) if file.exists() else 0


def state_of(process: int) -> str:
    """Its state as /proc has it; X where it is gone."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


async def test_a_script_opens_the_gate_and_has_something_to_say() -> None:
    assert await run_script("""echo looking; echo '{"wakeAgent": true, "data": [1]}'""") == Open("[1]")


async def test_a_script_that_keeps_its_agent_asleep() -> None:
    assert isinstance(await run_script("""echo '{"wakeAgent": false}'"""), Shut)


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("exit 3", "ended with 3"),
        ("kill -9 $$", "signal 9"),
        ("read -r line || echo nothing to read", "no JSON"),
        ("x\0y", "cannot be started"),
        ("x" * 200_000, "cannot be started"),
    ],
)
async def test_a_script_that_goes_wrong_says_how(script: str, why: str) -> None:
    gate = await run_script(script)
    assert isinstance(gate, Broken)
    assert why in gate.why


async def test_a_script_that_takes_too_long_is_killed_with_all_it_started(tmp_path: Path) -> None:
    seconds = 1.0
    # On a machine that has more to do, the shell may not be up so soon.
    while not (child := number_in(tmp_path / "child")):
        gate = await run_script(f"sleep 60 & echo $! > {tmp_path}/child; sleep 60", seconds=seconds)
        assert gate == Broken(f"its script was not over after {seconds:g} s")
        seconds *= 2
    assert await dies(child)


async def test_what_a_script_leaves_running_is_killed_and_does_not_hold_it_up(tmp_path: Path) -> None:
    with trio.fail_after(30):
        gate = await run_script(f"""sleep 60 & echo $! > {tmp_path}/child; echo '{{"wakeAgent": true}}'""")
    assert gate == Open(None)
    assert await dies(int((tmp_path / "child").read_text()))


async def test_a_script_that_never_stops_talking_is_stopped() -> None:
    assert await run_script("yes") == Broken("its script said more than 1,048,576 bytes")


async def test_cancelled_nothing_of_it_is_left(tmp_path: Path) -> None:
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run_script, f"echo $$ > {tmp_path}/self; sleep 60")
            while not (script := number_in(tmp_path / "self")):  # noqa: ASYNC110 - a file has no event
                await trio.sleep(0.01)
            nursery.cancel_scope.cancel()
    assert await dies(script)
