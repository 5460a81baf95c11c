"""Puts the parts together and runs them until a signal, or the end of the host."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import attrs
import trio
from attrs import frozen

from runner.config import load_container, zone
from runner.continuation import Continuation, kept_by_host
from runner.doorbell import answer_doorbell
from runner.errors import ConfigError
from runner.exchange import Exchange
from runner.heartbeat import beat
from runner.inbox import Inbox, patiently
from runner.logs import bind, log
from runner.model import Container
from runner.outbox import Outbox
from runner.poll import Poll
from runner.prompting import Prompting
from runner.providers.base import Provider
from runner.providers.registry import make_provider
from runner.proxy import Proxy, load_proxy, open_proxy
from runner.tools.base import Toolbox
from runner.tools.desk import Desk
from runner.tools.toolbox import AgentTools, new_id
from runner.turn import Turns
from runner.watch import InboxWatch
from schema.files import ANSWER, DOORBELL, HEARTBEAT, INBOX, OUTBOUND, SANDBOX_PROGRAMS
from schema.sqlite import Connection

STDIN = 0

STOPPED = 0
CRASHED = 1
WRONGLY_STARTED = 2
ORPHANED = 4

ABORT_SECONDS = 1.0
"""For a provider that was told to stop to say that it has."""
LEAVE_SECONDS = 1.8
"""From a signal to the end of the process."""


@frozen(kw_only=True)
class Places:
    """Where everything is, and what the host wants."""

    inside: Path
    """`in/`, which the host writes."""
    out: Path
    """This epoch's own folder."""
    settings: Path | None = None
    """container.json."""
    gateway: str | None = None
    """The socket that leads to the model."""
    programs: str = SANDBOX_PROGRAMS
    """Where the copies are that MCP servers are started with."""
    provider: str | None = None
    """Instead of the one that container.json names."""
    parent_pipe: bool = False
    """Standard input ends with the host, and so must we."""


def run(places: Places, inbound: Connection) -> int:
    """Be the runner; returns the exit code.

    Args:
      places: Where everything is.
      inbound: The open inbound.db that the first look was taken at.
    """
    try:
        proxy = load_proxy(places.gateway)
        by_proxy = proxy is not None and proxy.model
        container = attrs.evolve(
            load_container(places.settings, places.programs), gateway=None if by_proxy else places.gateway
        )
    except ConfigError as exc:
        log("refused", why=str(exc))
        return WRONGLY_STARTED
    make = partial(make_provider, places.provider or container.provider, container)
    serving = partial(serve, places, container, make, Inbox(inbound), _leave_within)
    try:
        return trio.run(_behind, proxy, serving)
    except ConfigError as exc:
        log("refused", why=str(exc))
        return WRONGLY_STARTED
    except Exception as exc:
        log("crashed", error=exc)
        return CRASHED


async def serve(
    places: Places,
    container: Container,
    make: Callable[[Toolbox], Provider],
    inbox: Inbox,
    leave_within: Callable[[float], object] = lambda _: None,
) -> int:
    """Take turns until SIGTERM or SIGINT; what is under way is abandoned. Returns the exit code.

    Args:
      places: Where everything is.
      container: The settings.
      make: Makes whoever thinks, and is given what it can do.
      inbox: What the host shows.
      leave_within: Called when a signal came: whatever happens now, the process is to be over after so many seconds.

    Raises:
      ConfigError: there is nobody like that to think.
      SqliteError: one of the two files cannot be used.
    """
    outbox = Outbox.open(places.out / OUTBOUND)
    watch = InboxWatch.open(places.inside, inbox.version)
    try:
        meta = await patiently(inbox.meta)
        tools = AgentTools(Desk(inbox, outbox, now, meta.epoch, new_id))
        provider = make(tools)
        exchange = Exchange(
            inbox,
            outbox,
            now,
            partial(beat, str(places.out / HEARTBEAT)),
            Prompting(zone(container.timezone or meta.timezone), now, str(places.inside / INBOX)),
            Continuation(outbox, now, provider.name, kept_by_host(meta.provider_state)),
            tools=tools,
        )
        turns = Turns(provider, exchange, container.assistant_name)
        poll = Poll(exchange, turns, watch, container.max_messages_per_prompt, provider.native_commands)
        bind(epoch=meta.epoch, turn=1)
        log("ready", provider=provider.name, watch=watch.mode)
        polling = trio.CancelScope()
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async with trio.open_nursery() as nursery:
                if places.parent_pipe:
                    nursery.start_soon(end_with_parent, STDIN, os._exit)
                nursery.start_soon(_run_in, polling, poll.run)
                nursery.start_soon(turns.run)
                nursery.start_soon(answer_doorbell, places.inside / DOORBELL, places.out / ANSWER)
                number = await anext(signals)
                log("stopping", signal=signal.Signals(number).name, net_found=watch.net_found)
                leave_within(LEAVE_SECONDS)
                polling.cancel()
                turns.stop()
                with trio.move_on_after(ABORT_SECONDS):
                    await turns.stopped.wait()
                nursery.cancel_scope.cancel()
    finally:
        watch.close()
        outbox.close()
        inbox.close()
    return STOPPED


async def _behind(proxy: Proxy | None, serving: Callable[[], Awaitable[int]]) -> int:
    """Do *serving* where every program that is started finds the proxy, if there is one."""
    async with open_proxy(proxy) as environment:
        os.environ.update(environment)
        return await serving()


async def _run_in(scope: trio.CancelScope, run: Callable[[], Awaitable[object]]) -> None:
    with scope:
        await run()


def _leave_within(seconds: float) -> None:
    # Python runs this between two statements: SQLite is not in the middle of anything.
    signal.signal(signal.SIGALRM, lambda *_: os._exit(STOPPED))
    signal.setitimer(signal.ITIMER_REAL, seconds)


async def end_with_parent(pipe: int, leave: Callable[[int], object]) -> None:
    """Leave at once when the *pipe* ends: the host is gone, and nobody else would end us."""
    while True:
        await trio.lowlevel.wait_readable(pipe)
        if not os.read(pipe, 4096):
            log("orphaned")
            leave(ORPHANED)
            return


def now() -> datetime:
    """The time: aware, UTC, whole milliseconds, as rows store it."""
    return datetime.fromtimestamp(math.floor(time.time() * 1000) / 1000, UTC)
