"""Puts the parts together and runs them until a signal, or the end of the host."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import attrs
import trio
from attrs import frozen

from runner.config import load_container, zone
from runner.doorbell import answer_doorbell
from runner.errors import ConfigError
from runner.heartbeat import beat
from runner.inbox import Inbox, patiently
from runner.logs import log
from runner.model import Container
from runner.outbox import Outbox
from runner.poll import Poll
from runner.providers.base import Provider
from runner.providers.registry import make_provider
from runner.tools.base import NoTools
from runner.turn import Turns, saved_continuation
from runner.watch import InboxWatch
from schema.files import ANSWER, DOORBELL, HEARTBEAT, INBOX, OUTBOUND
from schema.sqlite import Connection

STDIN = 0

STOPPED = 0
CRASHED = 1
WRONGLY_STARTED = 2
ORPHANED = 4


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
        container = attrs.evolve(load_container(places.settings), gateway=places.gateway)
        provider = make_provider(places.provider or container.provider, container, NoTools())
    except ConfigError as exc:
        log("refused", why=str(exc))
        return WRONGLY_STARTED
    try:
        return trio.run(serve, places, container, provider, Inbox(inbound))
    except Exception as exc:
        log("crashed", error=exc)
        return CRASHED


async def serve(places: Places, container: Container, provider: Provider, inbox: Inbox) -> int:
    """Take turns until SIGTERM or SIGINT; a turn under way is abandoned. Returns the exit code.

    Raises:
      SqliteError: one of the two files cannot be used.
    """
    outbox = Outbox.open(places.out / OUTBOUND)
    watch = InboxWatch.open(places.inside, inbox.version)
    try:
        meta = await patiently(inbox.meta)
        alive = partial(beat, str(places.out / HEARTBEAT))
        turns = Turns(
            provider,
            inbox,
            outbox,
            zone(container.timezone or meta.timezone),
            now,
            alive,
            continuation=saved_continuation(meta.provider_state, provider.name),
            files=str(places.inside / INBOX),
        )
        poll = Poll(inbox, outbox, watch, turns, now, alive, container.max_messages_per_prompt)
        log("ready", epoch=meta.epoch, provider=provider.name, watch=watch.mode)
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async with trio.open_nursery() as nursery:
                if places.parent_pipe:
                    nursery.start_soon(end_with_parent, STDIN, os._exit)
                nursery.start_soon(poll.run)
                nursery.start_soon(answer_doorbell, places.inside / DOORBELL, places.out / ANSWER)
                number = await anext(signals)
                log("stopping", signal=signal.Signals(number).name, net_found=watch.net_found)
                nursery.cancel_scope.cancel()
    finally:
        watch.close()
        outbox.close()
        inbox.close()
    return STOPPED


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
