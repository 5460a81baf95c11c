"""`make bench`: the figures of this machine, with the targets they are held against."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import trio
from rich.console import Console

from nanoclaw.sandboxes.bubblewrap import BubblewrapEngine
from nanoclaw.sandboxes.engine import Engine, Unusable
from nanoclaw.sandboxes.process import ProcessEngine
from nanoclaw.sandboxes.runtime import compile_runtime, find_runtime
from tests.bench import cold_start, figures, ingress, round_trip

COLD_TARGET = figures.Target(percentile=50, most=60.0)


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--messages", type=int, default=300)
    arguments.add_argument("--starts", type=int, default=20)
    arguments.add_argument("--seconds", type=float, default=5.0)
    chosen = arguments.parse_args()
    console = Console()
    figures.machine(console)
    runtime = find_runtime()
    compile_runtime(runtime)
    engines: list[Engine] = [BubblewrapEngine(runtime), ProcessEngine(runtime)]
    with tempfile.TemporaryDirectory(prefix="bench-", dir=".") as folder:
        work = Path(folder).resolve()
        for engine in engines:
            probe = trio.run(engine.probe)
            if isinstance(probe, Unusable):
                console.print(f"[yellow]{engine.name} is not measured: {probe.why}[/yellow]")
                continue
            home = work / engine.name
            home.mkdir()
            with console.status(f"{engine.name}: round trips"):
                samples = round_trip.measure(home, partial(list, [engine]), chosen.messages)
            with console.status(f"{engine.name}: cold starts"):
                cold = home / "cold"
                cold.mkdir()
                targets = (COLD_TARGET,) if engine.name == "bubblewrap" else ()
                samples.append(cold_start.measure(cold, engine, chosen.starts, targets))
            console.print(f"\n[bold]{engine.name}[/bold], provider demo")
            figures.show(console, samples)
        console.print()
        measure_ingress(console, work, chosen.seconds)
        console.print(f"host RSS, idle after its start: {_host_rss(work / 'rss')} MiB")


def measure_ingress(console: Console, work: Path, seconds: float) -> None:
    """What comes in: as much as it takes, then at a steady rate."""
    samples = []
    for number, fan_out in enumerate(ingress.FAN_OUTS):
        with console.status(f"ingress: {fan_out}"):
            rate, waits = ingress.throughput(work / f"ingress-{number}.db", fan_out, seconds)
        colour = "green" if rate >= fan_out.least else "red"
        figure = f"[{colour}]{rate:,.0f} events/s[/{colour}] (target ≥ {fan_out.least:,})"
        console.print(f"ingress, {fan_out}, {ingress.SENDERS} senders: {figure}", highlight=False)
        samples.append(waits)
    for number, fan_out in enumerate(ingress.FAN_OUTS):
        with console.status(f"routing at a steady rate: {fan_out}"):
            samples.append(ingress.latency(work / f"steady-{number}.db", fan_out, seconds))
    figures.show(console, samples)


def _host_rss(home: Path) -> int:
    """MiB of memory that a freshly started host holds, without its customs workers."""
    home.mkdir()
    with subprocess.Popen(
        [sys.executable, "-m", "nanoclaw", "up"], env={"NANOCLAW_HOME": str(home)}, stdout=subprocess.DEVNULL
    ) as host:
        end = time.monotonic() + 30
        while not (home / "run" / "cli.sock").exists() and time.monotonic() < end:
            time.sleep(0.05)
        status = Path(f"/proc/{host.pid}/status").read_text(encoding="utf-8")
        host.terminate()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found.group(1)) // 1024 if found else 0


if __name__ == "__main__":
    main()
