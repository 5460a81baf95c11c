"""The net under sessions' own judgement: it acts where an actor should have and did not, and nowhere else."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trio
from attrs import define, field
from structlog.testing import capture_logs
from trio.testing import MockClock

from nanoclaw.actors.overdue import BURY_SECONDS, ENDING_SECONDS, LATE_SECONDS, Overdue, Watched
from nanoclaw.actors.vigil import Vigil
from nanoclaw.core.stuck import StuckPolicy
from nanoclaw.errors import SandboxError, StoreBrokenError
from nanoclaw.kit.clock import TrioClock
from nanoclaw.link.layout import SessionLayout
from nanoclaw.model.ids import InboundId, SessionId
from nanoclaw.sandboxes.engine import LifeName
from nanoclaw.store import inbound
from schema.sqlite import Connection
from tests.support.central import World
from tests.support.inline_database import InlineDatabase
from tests.support.inline_threads import InlineThreads

START = datetime(2026, 4, 16, 14, 37, tzinfo=UTC)
LIMIT = StuckPolicy().claim.total_seconds()
MOMENT = 0.001


class Grave:
    """An engine of which only the burying is asked."""

    def __init__(self) -> None:
        self.buried: list[SessionId] = []
        self.immortal: set[SessionId] = set()
        self.silent: set[SessionId] = set()

    async def bury(self, life: LifeName) -> None:
        """Note it; those that do not die say so, or never answer."""
        await trio.lowlevel.checkpoint()
        if life.session in self.silent:
            await trio.sleep_forever()
        if life.session in self.immortal:
            raise SandboxError(engine="grave", why="it does not die")
        self.buried.append(life.session)


@define
class Case:
    """Sessions whose sandboxes have each claimed a message at the beginning."""

    home: Path
    store: InlineDatabase
    world: World
    engine: Grave
    overdue: Overdue
    given_up: list[tuple[float, SessionId, str]] = field(factory=list[tuple[float, SessionId, str]])

    def session(self, name: str = "nano", *, carried: bool = True) -> Watched:
        """One more, seen to work now."""
        session = self.world.session(name, room=name)
        message, epoch = self.world.claimed(session, f"m-{name}")
        layout = SessionLayout(self.home / name)
        layout.make_epoch(epoch)
        vigil = Vigil(epoch, StuckPolicy())
        vigil.heartbeat(1, trio.current_time())
        vigil.work([message], due=False, now=trio.current_time())
        life = LifeName(session=session, epoch=epoch, outbound=layout.out_dir(epoch))

        def give_up(why: str) -> None:
            self.given_up.append((trio.current_time(), session, why))

        watched = Watched(life=life, layout=layout, vigil=vigil, give_up=give_up if carried else None)
        self.overdue.watch(watched)
        os.utime(layout.heartbeat(epoch), ns=(1, 1))
        return watched


def a_case(tmp_path: Path) -> Case:
    store, engine = InlineDatabase(), Grave()
    overdue = Overdue(store, engine, TrioClock(START), InlineThreads())
    return Case(tmp_path, store, World(store.conn, START), engine, overdue)


async def test_an_actor_has_a_moment_more_and_is_then_told_to_give_up_once(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    case = a_case(tmp_path)
    watched = case.session()
    await trio.sleep(LIMIT + LATE_SECONDS - MOMENT)
    await case.overdue.look()
    assert case.given_up == []
    await trio.sleep(MOMENT)
    await case.overdue.look()
    why = "nothing moved for 60 s after it took a message (60 s allowed)"
    assert case.given_up == [(LIMIT + LATE_SECONDS, watched.life.session, why)]
    await case.overdue.look()
    assert len(case.given_up) == 1
    assert case.engine.buried == [], "its actor is ending it"


async def test_what_nobody_looks_after_is_ended_by_the_engine_itself(tmp_path: Path, autojump_clock: MockClock) -> None:
    case = a_case(tmp_path)
    watched = case.session(carried=False)
    await trio.sleep(LIMIT + LATE_SECONDS)
    await case.overdue.look()
    assert case.engine.buried == []
    await trio.sleep(ENDING_SECONDS)
    with capture_logs() as logged:
        await case.overdue.look()
    assert case.engine.buried == [watched.life.session]
    assert [line["event"] for line in logged] == ["overdue_ended"]


async def test_an_actor_that_could_not_end_it_is_stepped_in_for(tmp_path: Path, autojump_clock: MockClock) -> None:
    case = a_case(tmp_path)
    watched = case.session()
    case.overdue.left_alone(watched.life.session)
    await trio.sleep(LIMIT + LATE_SECONDS + ENDING_SECONDS)
    await case.overdue.look()
    assert (case.given_up, case.engine.buried) == ([], [watched.life.session])


async def test_signs_of_life_that_no_actor_has_seen_count(tmp_path: Path, autojump_clock: MockClock) -> None:
    case = a_case(tmp_path)
    watched = case.session()
    await trio.sleep(LIMIT + LATE_SECONDS)
    os.utime(watched.layout.heartbeat(watched.life.epoch), ns=(5, 5))
    await case.overdue.look()
    assert case.given_up == []


async def test_what_no_actor_has_looked_for_is_asked_of_the_truth(tmp_path: Path, autojump_clock: MockClock) -> None:
    case = a_case(tmp_path)
    watched = case.session()
    vigil = Vigil(watched.life.epoch, StuckPolicy())
    fresh = Watched(life=watched.life, layout=watched.layout, vigil=vigil, give_up=watched.give_up)
    case.overdue.watch(fresh)
    await case.overdue.look()
    await trio.sleep(LIMIT + LATE_SECONDS)
    await case.overdue.look()
    assert len(case.given_up) == 1


async def test_one_that_does_not_die_and_an_engine_that_is_silent_hold_up_nobody(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    case = a_case(tmp_path)
    immortal, silent, third = (case.session(name, carried=False) for name in ("immortal", "silent", "third"))
    case.engine.immortal.add(immortal.life.session)
    case.engine.silent.add(silent.life.session)
    await trio.sleep(LIMIT + LATE_SECONDS + ENDING_SECONDS)
    begin = trio.current_time()
    with capture_logs() as logged:
        await case.overdue.look()
    assert trio.current_time() - begin == BURY_SECONDS
    assert case.engine.buried == [third.life.session]
    assert sorted(line["event"] for line in logged) == ["overdue_does_not_die", "overdue_does_not_die", "overdue_ended"]
    case.engine.immortal.clear()
    case.engine.silent.clear()
    await case.overdue.look()
    assert {immortal.life.session, silent.life.session} <= set(case.engine.buried), "they are tried again"


async def test_what_is_over_is_forgotten_and_what_is_left_keeps_what_is_known(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    case = a_case(tmp_path)
    watched = case.session()
    known = Watched(life=watched.life, layout=watched.layout, vigil=Vigil(watched.life.epoch, StuckPolicy()))
    case.overdue.watch_left(known)
    case.overdue.forget(watched.life.session, type(watched.life.epoch)(watched.life.epoch + 1))
    await trio.sleep(LIMIT + LATE_SECONDS)
    await case.overdue.look()
    assert len(case.given_up) == 1, "the first one was kept"
    case.overdue.forget(watched.life.session, watched.life.epoch)
    case.overdue.watch_left(known)
    case.overdue.forget(watched.life.session, watched.life.epoch)
    await trio.sleep(3_600)
    await case.overdue.look()
    assert (len(case.given_up), case.engine.buried) == (1, [])


async def test_a_folder_that_is_gone_shows_no_life(tmp_path: Path, autojump_clock: MockClock) -> None:
    case = a_case(tmp_path)
    watched = case.session()
    watched.layout.remove_epoch(watched.life.epoch)
    await trio.sleep(LIMIT + LATE_SECONDS)
    await case.overdue.look()
    assert len(case.given_up) == 1


async def test_a_look_that_fails_is_logged_and_a_broken_store_is_told(
    tmp_path: Path, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = a_case(tmp_path)
    case.session()
    case.session("other")
    errors: list[Exception] = [RuntimeError("a bug"), StoreBrokenError("the disk is gone")]

    def work(*_: object, **__: object) -> None:
        raise errors.pop(0)

    monkeypatch.setattr("nanoclaw.store.inbound.work", work)
    with capture_logs() as logged, pytest.raises(StoreBrokenError):
        await case.overdue.look()
    assert [line["event"] for line in logged] == ["overdue_not_judged"]


async def test_idle_sandboxes_are_not_asked_after_one_by_one(
    tmp_path: Path, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = a_case(tmp_path)
    asked: list[object] = []
    real = inbound.work

    def work(conn: Connection, session: SessionId, *, now: datetime) -> inbound.Work:
        asked.append(session)
        return real(conn, session, now=now)

    monkeypatch.setattr(inbound, "work", work)
    busy, idle = case.session("busy"), case.session("idle")
    inbound.settle(case.store.conn, InboundId("m-idle"), error=None, now=START)
    await trio.sleep(LIMIT + LATE_SECONDS)
    await case.overdue.look()
    assert asked == [busy.life.session]
    assert [session for _, session, _ in case.given_up] == [busy.life.session]
    assert idle.vigil.evidence(trio.current_time()).claims == ()
