"""Questions go with their messages, and what models took with its epoch or its day; none while it is needed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from nanoclaw.core.model_usage import Counted
from nanoclaw.model.messages import LedgerState
from nanoclaw.model.questions import QuestionState
from nanoclaw.store import ledger, questions, retention, spending, usage
from tests.support.central import World
from tests.support.old_rows import KEEP, LONG, count, ended, prune
from tests.support.questions import asked

COUNTED = Counted(model="m", read=1)


@pytest.fixture(autouse=True)
def _few_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "SHOWN_SETTLED", 1)


def test_a_question_stays_while_it_is_open_and_then_goes_with_its_message() -> None:
    world = World()
    session = world.session()
    question = asked(world, session)
    later = asked(world, session, "q2")
    for one in (question, later):
        ledger.settle(world.conn, one.ledger_id, LedgerState.DELIVERED, now=world.now)
    world.wait(seconds=LONG)
    assert prune(world) == 0
    questions.close(world.conn, question.id, QuestionState.EXPIRED, now=world.now)
    assert prune(world) == 1
    assert questions.get(world.conn, question.id) is None
    assert count(world, "questions") == 1


def test_what_models_took_goes_with_its_epoch() -> None:
    world = World()
    session = world.session()
    for _ in range(2):
        epoch = world.epoch(session)
        row = usage.Usage(
            session_id=session,
            epoch=epoch,
            seq=1,
            at=world.now,
            model="m",
            read=1,
            written=1,
            cached=0,
            cost_usd=None,
        )
        usage.add(world.conn, [row])
        ended(world, session, epoch)
    world.wait(seconds=LONG)
    assert prune(world) == 1
    assert [total.results for total in usage.totals(world.conn, by_session=True)] == [1]


def test_what_models_took_on_a_day_goes_at_its_age_and_never_before_the_month_is_counted() -> None:
    world = World()
    session = world.session()
    began = world.now
    for days in range(0, 60, 10):
        spending.add(world.conn, session, COUNTED, local=began + timedelta(days=days))

    def left(*, keep: int, after: int) -> int:
        now = began + timedelta(days=after)
        retention.spending(world.conn, after=0, keep=timedelta(days=keep), now=now)
        return count(world, "spending")

    assert left(keep=7, after=32) == 6
    assert left(keep=7, after=33) == 5
    assert left(keep=60, after=71) == 5
    assert left(keep=60, after=72) == 4
    assert left(keep=7, after=400) == 0


def test_each_step_through_what_models_took_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "MOST_ROWS", 2)
    world = World()
    session = world.session()
    for days in range(3):
        spending.add(world.conn, session, COUNTED, local=world.now + timedelta(days=days))
    steps = [retention.spending(world.conn, after=0, keep=KEEP, now=world.wait(seconds=10 * LONG)) for _ in range(2)]
    assert [(step.removed, step.after) for step in steps] == [(2, 1), (1, 0)]
