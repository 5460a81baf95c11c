"""What every test has: hypothesis profiles, quick logs, and figures that are printed at the end of a run."""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
import structlog
from coverage import Coverage
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

from nanoclaw.core.images import ImageId
from nanoclaw.errors import ImageError
from tests.support import no_shell
from tests.support.docker_engine import MUST_HAVE, built_claude_image, built_image, why_no_docker
from tests.support.real_podman import podman_address
from tests.support.sampling import SAMPLE

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "dev")
# How long it takes to make examples says more of the machine than of a test.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", PATIENT, max_examples=60)
settings.register_profile("ci", PATIENT, max_examples=100, derandomize=True, print_blob=True)
settings.register_profile("soak", PATIENT, max_examples=10_000)
settings.load_profile(PROFILE)
if PROFILE == "ci":
    # Hypothesis tries constants that are in the sources of whatever is imported by then. So the same examples always
    # would be others in another order of the tests, and after each commit.
    providers._get_local_constants = Constants  # without any

# Tests read words, and a CI that wants colours means those of pytest.
for forced in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
    os.environ.pop(forced, None)

no_shell.watch()

# The default draws every local of every frame, which takes longer than what is tested.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.KeyValueRenderer(key_order=["event"]),
    ]
)

HERE = Path(__file__).parent
UNTRACED = frozenset({"bench", "crash", "e2e", "hostile", "page", "runner", "sim"})
"""Folders of tests that find no line of the parts that `tools/test.py` guards that the others miss."""

Figures = Callable[..., None]


@pytest.fixture
def figures(record_property: Callable[[str, object], None]) -> Figures:
    """Takes counts by name; those of all cases of a test are added up and printed when the run ends."""

    def note(**counts: int) -> None:
        record_property("figures", counts)

    return note


@pytest.fixture(scope="session")
def agent_image() -> ImageId:
    """The agent image that tests start from. Without a docker engine the test is skipped, or fails where CI says so."""
    if why := why_no_docker():
        if os.environ.get(MUST_HAVE):
            pytest.fail(f"docker is needed here: {why}")
        pytest.skip(why)
    built = built_image()
    if isinstance(built, ImageError):
        pytest.fail(str(built))
    return built


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """To trace a test doubles its time, so it is done where it counts: in the tests of the parts that are held to it.

    Slow ones go the same ways over and over, and find no line that others miss.
    """
    counts = item.path.relative_to(HERE).parts[0] not in UNTRACED and item.get_closest_marker("slow") is None
    stopped: list[Coverage] = []
    # A worker of xdist has two of them, and one that is stopped lets the other go on.
    while not counts and (traced := Coverage.current()) is not None:
        traced.stop()
        stopped.append(traced)
    try:
        return (yield)
    finally:
        for traced in reversed(stopped):
            traced.start()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Choose the tests of a real Podman only where one answers: few machines have one, and CI has none."""
    on_podman = [item for item in items if item.get_closest_marker("podman")]
    if on_podman and not podman_address():
        items[:] = [item for item in items if item not in on_podman]
        config.hook.pytest_deselected(items=on_podman)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build the image that tests start from, if some of them want it: no test has the time for that."""
    # All that was imported and collected stays to the end: no test has to look through it for what can go.
    gc.collect()
    gc.freeze()
    if any(item.get_closest_marker("docker") for item in session.items) and not why_no_docker():
        built_image()
        if any(item.get_closest_marker("claude_image") for item in session.items):
            built_claude_image()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests counted: a harness that says how often it bit can be seen to bite."""
    sums: dict[str, Counter[str]] = {}
    for report in (*terminalreporter.stats.get("passed", ()), *terminalreporter.stats.get("failed", ())):
        for name, counts in getattr(report, "user_properties", ()):
            if name == "figures" and report.when == "call":
                sums.setdefault(report.nodeid.split("[")[0], Counter()).update(counts)
    if sums:
        terminalreporter.section("figures")
        terminalreporter.write_line(f"NANOCLAW_SAMPLE={SAMPLE} looks at the same parts again")
    for test, counted in sorted(sums.items()):
        terminalreporter.write_line(f"{test}: " + ", ".join(f"{name} {count:,}" for name, count in counted.items()))
