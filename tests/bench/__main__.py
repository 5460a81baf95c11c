"""`make bench`: the figures of this machine, with the targets they are held against."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import trio
from rich.console import Console

from nanoclaw.core.images import AGENT_IMAGE
from nanoclaw.logs import log_to_file
from nanoclaw.sandboxes.bubblewrap import BubblewrapEngine
from nanoclaw.sandboxes.docker import DockerEngine
from nanoclaw.sandboxes.docker_client import DockerClient
from nanoclaw.sandboxes.docker_settings import DockerSettings
from nanoclaw.sandboxes.engine import Engine, Unusable
from nanoclaw.sandboxes.process import ProcessEngine
from nanoclaw.sandboxes.runtime import Runtime, compile_runtime, find_runtime
from tests.bench import (
    adapters,
    claude,
    cold_start,
    figures,
    idle,
    ingress,
    looks,
    overhead,
    paused,
    round_trip,
    together,
    wakes,
    way_out,
)

COLD_TARGETS = {"docker": 450.0, "bubblewrap": 60.0}
"""Milliseconds at the median."""
PAUSED_TARGETS = {"docker": 40.0}
CROWD = 50
ON_EACH = 50
"""Messages on each of four channels."""
BENCHES = (
    "engines",
    "claude",
    "ingress",
    "overhead",
    "adapters",
    "together",
    "sweep",
    "restart",
    "idle",
    "looks",
    "way-out",
)
MIB = 1 << 20


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--messages", type=int, default=300)
    arguments.add_argument("--starts", type=int, default=20)
    arguments.add_argument("--seconds", type=float, default=5.0)
    arguments.add_argument("--engine", action="append", help="only this one; may be repeated")
    arguments.add_argument("what", nargs="*", help=f"only this: {', '.join(BENCHES)}; by default everything")
    chosen = arguments.parse_args()
    if unknown := sorted(set(chosen.what) - set(BENCHES)):
        arguments.error(f"there is no {', '.join(unknown)}")
    console = Console()
    figures.machine(console)
    runtime = find_runtime()
    compile_runtime(runtime)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=".") as folder:
        work = Path(folder).resolve()
        log_to_file(work / "bench.log")  # as a host does: its lines are part of what is measured
        makers: dict[str, Callable[[], Engine]] = {
            "docker": partial(_docker, runtime, work),
            "bubblewrap": partial(BubblewrapEngine, runtime),
            "process": partial(ProcessEngine, runtime),
        }
        asked = chosen.what or BENCHES
        for name, make in makers.items():
            if "engines" in asked and (chosen.engine is None or name in chosen.engine):
                measure_engine(console, work, name, make, chosen)
        console.print()
        others: dict[str, Callable[[], None]] = {
            "claude": lambda: measure_claude(console, work, chosen.starts),
            "ingress": lambda: measure_ingress(console, work, chosen.seconds),
            "overhead": lambda: overhead.report(console, work),
            "adapters": lambda: measure_adapters(console, work, chosen.messages),
            "together": lambda: measure_together(console, work, runtime),
            "sweep": lambda: idle.show_looks(console, work),
            "restart": lambda: idle.show_restarts(console, work),
            "idle": lambda: idle.show_idle(console, work),
            "looks": lambda: looks.report(console, work),
            "way-out": lambda: way_out.report(console, work),
        }
        for name, measure in others.items():
            if name in asked:
                measure()


def measure_engine(
    console: Console, work: Path, name: str, make: Callable[[], Engine], chosen: argparse.Namespace
) -> None:
    """What one engine's sandboxes take: time, and memory."""
    probe = trio.run(lambda: make().probe())
    if isinstance(probe, Unusable):
        console.print(f"[yellow]{name} is not measured: {probe.why}[/yellow]")
        return

    def place(what: str) -> Path:
        folder = work / f"{name}-{what}"
        folder.mkdir()
        return folder

    with console.status(f"{name}: round trips"):
        samples = round_trip.measure(place("warm"), lambda: [make()], chosen.messages)
    with console.status(f"{name}: cold starts"):
        samples.append(cold_start.measure(place("cold"), make, chosen.starts, _targets(COLD_TARGETS, name)))
    with console.status(f"{name}: paused sandboxes"):
        found = paused.measure(place("paused"), make, chosen.starts, _targets(PAUSED_TARGETS, name))
        samples.append(found.wakes)
    with console.status(f"{name}: {CROWD} sessions at once"):
        samples.append(wakes.measure(place("crowd"), lambda: [make()], CROWD))
    console.print(f"\n[bold]{name}[/bold], provider demo")
    figures.show(console, samples)
    console.print(
        f"memory of a sandbox (proportional set): idle {found.idle_bytes / MIB:.0f} MiB, "
        f"paused {found.paused_bytes / MIB:.0f} MiB",
        highlight=False,
    )


def _targets(targets: Mapping[str, float], engine: str) -> tuple[figures.Target, ...]:
    return (figures.Target(percentile=50, most=targets[engine]),) if engine in targets else ()


def _docker(runtime: Runtime, work: Path) -> DockerEngine:
    scratch = work / "docker"
    scratch.mkdir(exist_ok=True)
    settings = DockerSettings(install="home-bench", image=AGENT_IMAGE, scratch=scratch, allow_old_engine=True)
    return DockerEngine(runtime, DockerClient(), settings)


def measure_claude(console: Console, work: Path, starts: int) -> None:
    """What the model's command line takes: time, and memory."""
    folder = work / "claude"
    folder.mkdir()
    with console.status("claude: queries"):
        found = claude.measure(folder, starts)
    console.print("[bold]claude[/bold], against a model on loopback")
    figures.show(console, found.samples)
    console.print(
        f"memory (resident set): command line {found.command_line / MIB:.0f} MiB, "
        f"a program with the SDK loaded {found.runner / MIB:.0f} MiB",
        highlight=False,
    )


def measure_adapters(console: Console, work: Path, messages: int) -> None:
    """What channels bring in and out, each against its fake platform, which runs beside it on the same loop."""
    with console.status("adapters"):
        rates, resident = adapters.measure(work, messages)
    for one in rates:
        console.print(f"{one.kind}: {one.heard:,.0f} events/s in, {one.sent:,.0f} messages/s out", highlight=False)
    console.print(f"memory of a process with all of them and their fakes: {resident / MIB:.0f} MiB", highlight=False)


def measure_together(console: Console, work: Path, runtime: Runtime) -> None:
    """What four channels at once take, while things go wrong on them."""
    folder = work / "together"
    folder.mkdir()
    with console.status("four channels at once"):
        figures.show(console, together.measure(folder, lambda: [ProcessEngine(runtime)], ON_EACH))


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


if __name__ == "__main__":
    main()
