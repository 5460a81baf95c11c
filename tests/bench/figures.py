"""Samples and how they are shown: count, min, p50, p95, p99, and the target where there is one."""

from __future__ import annotations

import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

import apsw
from attrs import field, frozen
from rich.console import Console
from rich.table import Table


@frozen(kw_only=True)
class Target:
    """What a figure should be: a percentile, and the most it may be in milliseconds."""

    percentile: int
    most: float


@frozen(kw_only=True)
class Samples:
    """One measured thing, in milliseconds."""

    name: str
    values: list[float]
    targets: tuple[Target, ...] = field(default=())

    def percentile(self, share: int) -> float:
        """The value that *share* percent of the samples do not exceed."""
        ordered = sorted(self.values)
        return ordered[min(len(ordered) - 1, round(len(ordered) * share / 100))]


def show(console: Console, samples: list[Samples]) -> None:
    """Print a table of figures."""
    table = Table(title="milliseconds", title_justify="left")
    table.add_column("what", style="bold")
    for column in ("n", "min", "p50", "p95", "p99"):
        table.add_column(column, justify="right")
    table.add_column("target")
    for sample in samples:
        if not sample.values:
            table.add_row(sample.name, "0", "-", "-", "-", "-", "")
            continue
        verdicts = []
        for target in sample.targets:
            met = sample.percentile(target.percentile) <= target.most
            colour = "green" if met else "red"
            verdicts.append(f"[{colour}]p{target.percentile} ≤ {target.most:g}{'' if met else ' MISSED'}[/{colour}]")
        table.add_row(
            sample.name,
            str(len(sample.values)),
            *(f"{value:.2f}" for value in (min(sample.values), *map(sample.percentile, (50, 95, 99)))),
            " · ".join(verdicts),
        )
    console.print(table)


def machine(console: Console) -> None:
    """Print what the figures were taken on."""
    model = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    load = os.getloadavg()[0]
    console.print(
        f"{os.cpu_count()} x {model}, Linux {platform.release()}, Python {sys.version.split()[0]}, "
        f"SQLite {apsw.sqlite_lib_version()}, load {load:.1f} at the start"
    )
    syncs = [sync_milliseconds() for _ in range(50)]
    console.print(f"write + fdatasync of 4 KiB: p50 {statistics.median(syncs):.2f} ms, max {max(syncs):.2f} ms")


def sync_milliseconds() -> float:
    """How long this disk takes for one small durable write."""
    with tempfile.NamedTemporaryFile(dir=".") as file:
        start = time.perf_counter()
        file.write(b"x" * 4096)
        file.flush()
        os.fdatasync(file.fileno())
        return (time.perf_counter() - start) * 1e3
