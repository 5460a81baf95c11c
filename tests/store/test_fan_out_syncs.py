"""What a fan-out costs: one sync, however many hear it, and fewer where several events come at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nanoclaw.model.entities import EngageMode, IgnoredMessagePolicy
from nanoclaw.store import events
from nanoclaw.store.opening import open_writer
from nanoclaw.store.writer import Call, Done, Writer
from schema.sqlite import Connection
from tests.support.central import World, said
from tests.support.simulated_disk import SimulatedDisk, Touch
from tests.support.simulated_vfs import SimulatedVfs
from tests.support.store_life import closing


@pytest.fixture
def vfs() -> SimulatedVfs:
    return SimulatedVfs(SimulatedDisk())


@pytest.fixture
def writer(vfs: SimulatedVfs) -> Iterator[Writer]:
    with closing(open_writer(Path("/disk/w.db"), vfs=vfs.name, exclusive=True)) as writer:
        yield writer


def furnish(writer: Writer, agents: int) -> World:
    """A chat that so many agents hear, every second of them only to keep what is said, and something said in it."""
    world = World(writer.conn)

    def fill(conn: Connection) -> None:
        chat = world.chat()
        for number in range(agents):
            mode = EngageMode.MENTION if number % 2 else EngageMode.PATTERN
            world.wire(chat, world.agent(f"a{number}"), mode=mode, ignored=IgnoredMessagePolicy.ACCUMULATE)

    assert writer.run([fill]) == [Done(None)]
    writer.run([accepting(world, 0)])  # the first commit also begins the log
    return world


def accepting(world: World, number: int) -> Call:
    """The ingress transaction."""

    def accept(conn: Connection) -> events.Verdict:
        event = said(number, mention=False)
        return events.accept(conn, event, threaded=False, mint=world.mint, now=world.now)

    return accept


@pytest.mark.parametrize(("agents", "at_once"), [(1, 1), (2, 1), (10, 1), (10, 7)])
def test_whatever_comes_at_once_is_one_sync_for_all_who_hear_it(
    writer: Writer, vfs: SimulatedVfs, agents: int, at_once: int
) -> None:
    world = furnish(writer, agents)
    before = len(vfs.disk.steps)
    outcomes = writer.run([accepting(world, number) for number in range(1, at_once + 1)])
    assert [step.touch for step in vfs.disk.steps[before:]].count(Touch.SYNC) == 1
    for outcome in outcomes:
        assert isinstance(outcome, Done)
        assert isinstance(outcome.value, events.Accepted)
        assert len(outcome.value.woken) + len(outcome.value.kept) == agents
