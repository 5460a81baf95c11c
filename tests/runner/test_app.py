"""The parts put together, in this process."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import UTC

import pytest
import trio

from runner.app import (
    ABORT_SECONDS,
    CRASHED,
    LEAVE_SECONDS,
    ORPHANED,
    STOPPED,
    WRONGLY_STARTED,
    Places,
    end_with_parent,
    now,
    run,
    serve,
)
from runner.inbox import Inbox
from runner.model import Container
from runner.providers.base import Result, TextDelta
from schema import sqlite
from schema.files import INBOUND, OUTBOUND
from tests.runner.link import Link, chat
from tests.runner.scripted import ScriptedProvider
from tests.support.in_time import once_in_time


def places(link: Link) -> Places:
    return Places(inside=link.inside, out=link.out)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_serves_until_a_signal(link: Link, number: int) -> None:
    link.set_meta(provider_state='{"continuation:scripted": "s0"}')
    link.say(chat("hello"))
    provider = ScriptedProvider([[Result("hi"), lambda: os.kill(os.getpid(), number)]])
    inbox = Inbox.open(link.inside / INBOUND)
    with trio.fail_after(20):
        assert await serve(places(link), Container(), lambda _: provider, inbox) == STOPPED
    assert provider.asked[0][1] == "s0"
    assert "Europe/Lisbon" in provider.asked[0][0]


async def test_a_signal_in_mid_turn_leaves_the_claim_and_says_nothing(link: Link) -> None:
    link.say(chat("hello"))
    provider = ScriptedProvider([[TextDelta("half"), lambda: os.kill(os.getpid(), signal.SIGTERM), None]])
    inbox = Inbox.open(link.inside / INBOUND)
    with trio.fail_after(20):
        assert await serve(places(link), Container(timezone="UTC"), lambda _: provider, inbox) == 0
    assert link.acks() == {"m2": "processing"}
    assert link.messages() == []
    assert 'timezone="UTC"' in provider.asked[0][0]
    assert provider.queries[0].aborted


async def test_a_provider_that_does_not_stop_is_not_waited_for(links: Callable[[], Link]) -> None:
    await once_in_time(LEAVE_SECONDS, lambda: stops_although_deaf(links()))


async def stops_although_deaf(link: Link) -> float:
    """The seconds that it took."""
    link.say(chat("hello"))
    provider = ScriptedProvider([[lambda: os.kill(os.getpid(), signal.SIGTERM), None]], deaf=True)
    limits: list[float] = []
    begin = trio.current_time()
    with trio.fail_after(20):
        inbox = Inbox.open(link.inside / INBOUND)
        assert await serve(places(link), Container(), lambda _: provider, inbox, limits.append) == STOPPED
    assert limits == [LEAVE_SECONDS]
    took = trio.current_time() - begin
    assert took >= ABORT_SECONDS
    return took


async def test_it_watches_for_the_end_of_the_host(link: Link, monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    monkeypatch.setattr("runner.app.STDIN", read)
    link.say(chat("hello"))
    provider = ScriptedProvider([[lambda: os.kill(os.getpid(), signal.SIGTERM), None]])
    settings = Places(inside=link.inside, out=link.out, parent_pipe=True)
    with trio.fail_after(20):
        assert await serve(settings, Container(), lambda _: provider, Inbox.open(link.inside / INBOUND)) == STOPPED
    os.close(read)
    os.close(write)


async def test_the_end_of_the_pipe_and_nothing_else_ends_the_process() -> None:
    read, write = os.pipe()
    codes: list[int] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(end_with_parent, read, codes.append)
        os.write(write, b"still here")
        await trio.testing.wait_all_tasks_blocked()
        assert codes == []
        os.close(write)
    assert codes == [ORPHANED]
    os.close(read)


def test_settings_that_make_no_sense_are_refused_with_the_reason(
    link: Link, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = link.folder / "container.json"
    settings.write_text('{"provider": 1}')
    inbound = sqlite.open_read_only(link.inside / INBOUND)
    broken = Places(inside=link.inside, out=link.out, settings=settings)
    assert run(broken, inbound) == WRONGLY_STARTED
    assert "provider: not text" in capsys.readouterr().err
    unknown = Places(inside=link.inside, out=link.out, provider="nobody")
    assert run(unknown, inbound) == WRONGLY_STARTED
    assert "no provider 'nobody'" in capsys.readouterr().err
    inbound.close()


def test_what_breaks_is_the_last_line_of_the_log(link: Link, capsys: pytest.CaptureFixture[str]) -> None:
    (link.out / OUTBOUND).unlink()
    assert run(places(link), sqlite.open_read_only(link.inside / INBOUND)) == CRASHED
    last = capsys.readouterr().err.splitlines()[-1]
    assert '"event": "crashed"' in last
    assert "processing_ack" in last


def test_now_is_aware_and_in_whole_milliseconds() -> None:
    assert now().tzinfo is UTC
    assert now().microsecond % 1000 == 0
