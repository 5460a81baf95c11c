"""Questions go with their messages, and what models took with their epochs; neither while it is needed."""

from __future__ import annotations

import pytest

from nanoclaw.model.messages import LedgerState
from nanoclaw.model.questions import QuestionState
from nanoclaw.store import ledger, questions, retention, usage
from tests.support.central import World
from tests.support.old_rows import LONG, count, ended, prune
from tests.support.questions import asked


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
