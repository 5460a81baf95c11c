"""A host with sessions that are stuck in every way there is: each view names each of them with the right reason."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import trio
from rich.console import Console
from trio.testing import MockClock

from nanoclaw import app
from nanoclaw.cli import console as debug_console
from nanoclaw.cli.client import ask
from nanoclaw.cli.look import branch
from nanoclaw.cli.top_screen import screen
from nanoclaw.cli.top_state import State
from nanoclaw.config import Config
from nanoclaw.core.holds import QUIET
from nanoclaw.settings import SandboxSettings, WebSettings
from tests.support import stuck_house
from tests.support.stuck_house import KINDS, StuckEngine

WITHIN = 1.0
PATIENCE = 120.0
WIDTH = 400


@pytest.fixture
def clock() -> MockClock:
    """Goes like a real one, and can be set forward."""
    return MockClock(rate=1.0)


@asynccontextmanager
async def stuck_host(home: Path, clock: MockClock, *, healthy: int, rooms: int = 0) -> AsyncIterator[Config]:
    """A host whose sessions have become what they are, on a home of its own."""
    await trio.to_thread.run_sync(partial(stuck_house.make, home, healthy))
    config = Config(
        home=home,
        sandbox=SandboxSettings(most_running=1_000, least_free_memory_percent=0),
        web=WebSettings(enabled=False),
    )
    channels = partial(stuck_house.channels, [f"room-{number}" for number in range(rooms)])
    async with trio.open_nursery() as nursery:
        serve = partial(app.serve, config, announce=lambda _: None, engines=lambda: [StuckEngine()])
        await nursery.start(partial(serve, more_channels=channels))
        # Runners have to be silent for a while before that says anything.
        with trio.fail_after(PATIENCE):
            await _until(config, but={"hung", "deaf", "mute"})
            clock.jump(QUIET.total_seconds() + 2)
            await _until(config)
        yield config
        nursery.cancel_scope.cancel()


async def _until(config: Config, but: Collection[str] = ()) -> None:
    """Until all but those are as `KINDS` says."""
    last: dict[str, str] = {}
    try:
        while last := _wrong_now(await _overview(config), but):  # noqa: ASYNC110 - it is seen from without
            await trio.sleep(0.05)
    finally:
        assert not last, last


async def _overview(config: Config) -> Mapping[str, Any]:
    found: Mapping[str, Any] = await trio.to_thread.run_sync(ask, config.console_socket, "overview")
    return found


def _wrong_now(overview: Mapping[str, Any], but: Collection[str]) -> dict[str, str]:
    return wrong({row["session"]: f"{row['reason']}: {row['why']}" for row in overview["sessions"]}, but)


def wrong(said: Mapping[str, str], but: Collection[str] = ()) -> dict[str, str]:
    """Of what was *said* of each session, what is not right."""
    return {
        name: said.get(f"ses-{name}", "it is not there")
        for name, kind in KINDS.items()
        if name not in but and not (kind.reason.value in (text := said.get(f"ses-{name}", "")) and kind.why in text)
    }


def lines(text: str) -> dict[str, str]:
    """By session: the line of *text* in which it stands."""
    return {f"ses-{name}": next((line for line in text.splitlines() if f"ses-{name} " in line), "") for name in KINDS}


def by_tree(config: Config) -> dict[str, str]:
    """`nanoclaw tree`."""
    out = StringIO()
    Console(file=out, width=WIDTH, soft_wrap=True).print(
        branch(ask(config.console_socket, "actor", {"path": "sessions"})["actor"])
    )
    return lines(out.getvalue())


def by_console(config: Config) -> dict[str, str]:
    """`nanoclaw console sessions`."""
    out = StringIO()
    debug_console.run(config, Console(file=out, width=WIDTH), ["sessions"])
    return lines(out.getvalue())


def by_top(config: Config) -> dict[str, str]:
    """`nanoclaw top`."""
    out = StringIO()
    Console(file=out, width=WIDTH).print(screen(State(), ask(config.console_socket, "overview"), "", WIDTH, 1_000))
    return lines(out.getvalue())


VIEWS: list[Callable[[Config], dict[str, str]]] = [by_tree, by_console, by_top]


async def test_each_view_names_every_stuck_session_with_the_right_reason(home: Path, clock: MockClock) -> None:
    async with stuck_host(home, clock, healthy=5) as config:
        for view in VIEWS:
            assert wrong(await trio.to_thread.run_sync(view, config)) == {}, view.__name__


@pytest.mark.soak
@pytest.mark.timeout(300)
async def test_with_200_sessions_under_load_each_view_takes_less_than_a_second(home: Path, clock: MockClock) -> None:
    async with stuck_host(home, clock, healthy=200 - len(KINDS), rooms=100) as config:
        took: dict[str, list[float]] = {}
        for view in VIEWS * 5:
            began = time.monotonic()
            said = await trio.to_thread.run_sync(view, config)
            took.setdefault(view.__name__, []).append(time.monotonic() - began)
            assert wrong(said) == {}, view.__name__
        print(json.dumps({name: [round(one, 3) for one in spans] for name, spans in took.items()}))
        assert max(map(max, took.values())) < WITHIN
