"""The runner is killed at write number 1, 2, … of its outbox: prints one JSON line a run."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import attrs
from attrs import define, field, frozen

from nanoclaw.sandboxes.runtime import BOOTSTRAP, Runtime, find_runtime
from schema import sqlite
from tests.crash.driver import KeptTemplate, MakeCustoms, Platform, be_host, is_delivered, make_template, what_is_wrong
from tests.crash.lanes import lane_of
from tests.support.crash import Killer, Outcome, Scenario, live
from tests.support.forks import keep_all
from tests.support.warm_runner import import_runner

DYING = BOOTSTRAP.replace("runner.__main__", "tests.support.dying_runner")


@define
class _Once:
    """Which start this is."""

    starts: int = 0


@frozen(kw_only=True)
class DyingRuntime(Runtime):
    """A runtime whose first runner dies at write number *at*."""

    at: int
    _once: _Once = field(factory=_Once, init=False)

    def argv(self, interpreter: str, places: list[str], arguments: list[str]) -> list[str]:
        """The command line: the first is fatal, the others are the real one."""
        self._once.starts += 1
        if self._once.starts > 1:
            return super().argv(interpreter, places, arguments)
        return [interpreter, "-I", "-S", "-B", "-c", DYING, ":".join(places), str(self.at), *arguments]


def runs(work: Path, platform: Platform, customs: MakeCustoms, *, first: int, stride: int) -> Iterator[Outcome]:
    """Run the scenario dying at write *first*, *first + stride*, … until one is over before its write comes."""
    template = work / "template"
    make_template(template)
    found = find_runtime()
    import_runner()
    keep_all()
    write = first - stride
    died = True
    while died:
        write += stride
        home = work / f"h{write}"
        shutil.copytree(template, home)
        platform.begin(write)
        runtime = DyingRuntime(**attrs.asdict(found, recurse=False), at=write)
        scenario = Scenario(
            template=template,
            begin=platform.begin,
            host=partial(be_host, port=platform.port, customs=customs, runtime=runtime),
            done=is_delivered,
            check=lambda folder: what_is_wrong(folder, platform.client),
        )
        live(scenario, home, Killer(at=0))
        died = _epochs(home) > 1
        wrong = tuple(what_is_wrong(home, platform.client))
        yield Outcome(step=write, died=died, wrong=wrong)
        if wrong:
            return
        shutil.rmtree(home)


def _epochs(home: Path) -> int:
    conn = sqlite.open_read_only(home / "nanoclaw.db")
    try:
        return sqlite.integer(conn, "SELECT count(*) FROM epochs")
    finally:
        conn.close()


def main() -> int:
    """Run lane *first* of *stride* in the folder *work*."""
    work, first, stride = lane_of(sys.argv)
    failed = False
    with Platform.started() as platform, KeptTemplate.started() as customs:
        for outcome in runs(work, platform, customs, first=first, stride=stride):
            print(json.dumps(attrs.asdict(outcome)), flush=True)
            failed = failed or bool(outcome.wrong)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
