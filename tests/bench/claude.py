"""Claude's command line against a model on loopback: how long until the model is asked, and what it all weighs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import trio
from attrs import frozen

from runner.providers.base import Activity, Input, Query, Result
from runner.providers.claude.options import Settings, Surroundings
from runner.providers.claude.processes import descendants
from runner.providers.claude.provider import ClaudeProvider
from runner.tools.base import NoTools
from tests.bench.figures import Samples
from tests.support.model_api import open_model

IMPORT = "import time; begin = time.perf_counter(); import claude_agent_sdk; print(time.perf_counter() - begin)"
IMPORTS = 5
PATIENCE_SECONDS = 60.0
MIB = 1 << 20
_PAGE = os.sysconf("SC_PAGE_SIZE")


@frozen
class Measured:
    """Times, and memory in bytes (resident sets)."""

    samples: list[Samples]
    command_line: int
    runner: int


def measure(work: Path, count: int) -> Measured:
    """Begin *count* queries, one after the other, and say something more in each."""
    imports = Samples(name="import of the SDK", values=[_import() for _ in range(IMPORTS)])
    connects, colds, warms, ends = [], [], [], []
    weights: list[int] = []

    async def main() -> None:
        async with open_model() as model:
            stands = Surroundings(folder=str(work), environment={"HOME": str(work)}, root=os.geteuid() == 0)
            provider = ClaudeProvider(Settings(model="claude-sonnet-4-5", base_url=model.url), stands, NoTools())
            with trio.fail_after(PATIENCE_SECONDS * count):
                # The first waits for the SDK, which the imports above have shown.
                async with provider.query(Input(id="0", text="hello"), None, "") as query:
                    await until(query, Result)
                for number in range(1, count + 1):
                    model.reset()
                    begin = trio.current_time()
                    async with provider.query(Input(id=str(number), text="hello"), None, "") as query:
                        await until(query, Activity)
                        connects.append(since(begin))
                        colds.append((await model.request(1)).at - begin)
                        await until(query, Result)
                        begin = trio.current_time()
                        query.push(Input(id=f"{number}-again", text="again"))
                        warms.append((await model.request(2)).at - begin)
                        await until(query, Result)
                        weights.append(max(map(resident, (one.pid for one in descendants(os.getpid())))))
                        begin = trio.current_time()
                    ends.append(since(begin))

    trio.run(main)
    named = {
        "start of the command line → ready": connects,
        "message → the model is asked, cold": colds,
        "message → the model is asked, warm": warms,
        "leaving it": ends,
    }
    samples = [Samples(name=name, values=[1000 * value for value in values]) for name, values in named.items()]
    return Measured([imports, *samples], max(weights), resident(os.getpid()))


async def until(query: Query, kind: type[object]) -> None:
    """The next event of *kind*."""
    while not isinstance(event := await query.next_event(), kind):
        assert event is not None, "the query has ended"


def since(begin: float) -> float:
    """Seconds."""
    return trio.current_time() - begin


def resident(pid: int) -> int:
    """Bytes of the resident set of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE


def _import() -> float:
    ran = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True)
    return 1000 * float(ran.stdout)
