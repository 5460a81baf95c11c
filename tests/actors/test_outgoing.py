"""Edits, reactions, cards and questions: about messages of one's own session, where one may still write, each once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from nanoclaw.core.questions import MOST_OPEN
from nanoclaw.link.report import UsageRow
from nanoclaw.model.ids import QuestionId
from nanoclaw.model.messages import LedgerState
from nanoclaw.store import destinations, ledger, notices, questions, usage
from schema.payloads import AskQuestion, Card, Edit, Option, Reaction
from schema.rows import OutKind
from schema.sqlite import execute, fetch
from tests.actors.absorbing import ROOM_LANE, Case, a_case, a_row
from tests.support.central import NOW, ROOM, everything

YES_NO = (Option(label="Yes", value="yes"), Option(label="No", value="no"))
EDIT = {"kind": OutKind.EDIT, "payload": Edit(seq=3, text="better")}
REACTION = {"kind": OutKind.REACTION, "payload": Reaction(seq=3, emoji="!")}
CARD = {"kind": OutKind.CARD, "payload": Card(title="Menu", fallback="Menu")}


@pytest.fixture
def case() -> Case:
    return a_case()


def asking(name: str = "q1", *, options: tuple[Option, ...] = YES_NO, timeout: int | None = None) -> dict[str, object]:
    payload = AskQuestion(question_id=name, title="Cake", question="Cake?", options=options, timeout_seconds=timeout)
    return {"kind": OutKind.ASK_QUESTION, "payload": payload}


def notes(case: Case) -> list[tuple[str, int]]:
    """What its agent was told, and whether that wakes it."""
    rows = fetch(case.world.conn, "SELECT content, trigger FROM inbound WHERE kind = 'system' ORDER BY seq")
    return [(str(row["content"]), int(str(row["trigger"]))) for row in rows]


@pytest.mark.parametrize("words", [EDIT, REACTION])
def test_what_is_about_a_message_goes_where_that_went_whatever_the_row_says(
    case: Case, words: dict[str, object]
) -> None:
    absorbed = case.absorb(rows=(a_row(1), a_row(2, destination="elsewhere", in_reply_to=None, **words)))
    first, second = case.ledger()
    assert [second[name] for name in ("channel", "platform_id", "state")] == [first["channel"], "room", "pending"]
    assert absorbed.lanes == {ROOM_LANE}
    assert case.reasons() == []


def test_a_message_of_a_person_can_be_reacted_to_and_not_be_changed(case: Case) -> None:
    world = case.world
    execute(world.conn, "INSERT INTO events VALUES ('evt', 'test', 'p1', 'room', NULL, NULL, 1, '')")
    execute(world.conn, "UPDATE inbound SET event_id = 'evt' WHERE id = 'question'")
    seq = world.row(case.question).seq
    case.absorb(
        rows=(
            a_row(1, kind=OutKind.REACTION, payload=Reaction(seq=seq, emoji="!")),
            a_row(2, kind=OutKind.EDIT, payload=Edit(seq=seq, text="I never said that")),
        )
    )
    assert [row["kind"] for row in case.ledger()] == ["reaction"]
    assert case.reasons() == ["unknown-message"]


@pytest.mark.parametrize("words", [EDIT, REACTION])
def test_a_number_that_means_no_message_here_is_a_drop_that_its_agent_is_told_of(
    case: Case, words: dict[str, object]
) -> None:
    other = case.world.session("third", room="third")
    _, epoch = case.world.claimed(other, "third")
    case.world.reply(other, epoch, 3)
    absorbed = case.absorb(rows=(a_row(2, **words),))
    assert case.reasons() == ["unknown-message"]
    assert case.ledger()[0]["session_id"] == other, "nothing else is in the ledger"
    assert absorbed.changed
    ((told, wakes),) = notes(case)
    assert "message 5" in told
    assert not wakes


def test_what_the_host_itself_said_is_not_its_agents_to_change(case: Case) -> None:
    session = case.place.session.id
    notices.tell_chat(case.world.conn, session, ROOM, key="k", text="I could not answer", now=NOW)
    (notice,) = case.ledger()
    seq = int(str(notice["seq"]))
    case.absorb(rows=(a_row(3, kind=OutKind.EDIT, payload=Edit(seq=seq, text="all is well")),))
    assert case.reasons() == ["unknown-message"]
    assert len(case.ledger()) == 1


def test_an_edit_of_what_is_no_text_is_refused(case: Case) -> None:
    case.absorb(rows=(a_row(1, **CARD), a_row(2, **EDIT), a_row(3, **REACTION)))
    assert case.reasons() == ["unknown-message"]
    assert [row["kind"] for row in case.ledger()] == ["card", "reaction"]


@pytest.mark.parametrize("words", [EDIT, REACTION])
def test_whoever_may_no_longer_write_there_changes_nothing_there(case: Case, words: dict[str, object]) -> None:
    case.absorb(rows=(a_row(1),))
    (name,) = destinations.addresses(case.world.conn, case.place.agent_group.id)
    destinations.remove(case.world.conn, case.place.agent_group.id, name)
    case.absorb(rows=(a_row(2, **words),))
    assert case.reasons() == ["not-allowed"]
    assert len(case.ledger()) == 1


def test_an_edit_waits_for_a_message_that_is_to_be_sent_later(case: Case) -> None:
    later = NOW + timedelta(hours=1)
    case.absorb(rows=(a_row(1, deliver_after=later), a_row(2, **EDIT), a_row(3)))
    assert [row["not_before"] for row in case.ledger()] == [case.ledger()[0]["not_before"]] * 2 + [None]
    row = ledger.of_seq(case.world.conn, case.place.session.id, 3)
    assert row is not None
    ledger.settle(case.world.conn, row.id, LedgerState.DELIVERED, now=NOW)
    case.absorb(rows=(a_row(4, **EDIT),))
    assert case.ledger()[-1]["not_before"] is None, "it is there already"


def test_a_question_is_a_message_and_a_row_that_waits(case: Case) -> None:
    world = case.world
    ada = world.user("ada")
    execute(world.conn, "INSERT INTO events VALUES ('evt', 'test', 'p1', 'room', NULL, ?, 1, '')", (ada,))
    execute(world.conn, "UPDATE inbound SET event_id = 'evt' WHERE id = 'question'")
    absorbed = case.absorb(rows=(a_row(1, **asking(timeout=60)),))
    (row,) = case.ledger()
    question = questions.get(world.conn, QuestionId("q1"))
    assert question is not None
    assert (question.ledger_id, question.asked_of) == (row["id"], ada)
    assert (question.channel, question.platform_id, question.thread_id) == ("test", "room", None)
    assert (question.expires_at, questions.options_of(question)) == (NOW + timedelta(seconds=60), YES_NO)
    assert absorbed.asked, "something may be due"


def test_a_question_that_nobody_triggered_is_for_admins_and_may_wait_for_ever(case: Case) -> None:
    case.absorb(rows=(a_row(1, in_reply_to=None, **asking()),))
    question = questions.get(case.world.conn, QuestionId("q1"))
    assert question is not None
    assert (question.asked_of, question.expires_at) == (None, None)


@pytest.mark.parametrize(
    "words",
    [
        asking(options=YES_NO * 2),
        asking(name="../q"),
        asking(name="q\n"),
        asking(name="taken"),
        asking(name="approval:x"),
    ],
)
def test_a_question_that_cannot_be_asked_wakes_whoever_waits_for_its_answer(
    case: Case, words: dict[str, object]
) -> None:
    case.absorb(rows=(a_row(1, **asking("taken")),))
    case.absorb(rows=(a_row(2, **words),))
    assert case.reasons() == ["bad-question"]
    assert [wakes for _, wakes in notes(case)] == [1]
    assert len(case.ledger()) == 1


def test_only_so_many_questions_of_one_session_wait(case: Case) -> None:
    case.absorb(rows=tuple(a_row(n, **asking(f"q{n}")) for n in range(1, MOST_OPEN + 3)))
    assert case.reasons() == ["bad-question"] * 2
    assert questions.waiting(case.world.conn, case.place.session.id) == MOST_OPEN


def test_absorbing_all_of_it_again_changes_nothing(case: Case) -> None:
    good = (a_row(1), a_row(2, **EDIT), a_row(3, **REACTION), a_row(4, **CARD), a_row(5, **asking()))
    bad = (a_row(6, **asking()), a_row(7, kind=OutKind.EDIT, payload=Edit(seq=99, text="x")))
    said = {
        "rows": (*good, *bad),
        "usage": (UsageRow(seq=1, model="m", read=1, written=2, cached=0, cost_usd=0.5),),
    }
    case.absorb(**said)
    before = everything(case.world.conn)
    case.absorb(**said)
    assert everything(case.world.conn) == before
    assert len(before["ledger"]) == 5
    assert len(before["questions"]) == 1


def test_what_results_took_is_counted_once_for_each_session_and_agent_group(case: Case) -> None:
    def used(seq: int, model: str | None = "m", cost: float | None = 0.25) -> UsageRow:
        return UsageRow(seq=seq, model=model, read=10, written=1, cached=5, cost_usd=cost)

    case.absorb(usage=(used(1), used(2)))
    case.absorb(usage=(used(1, cost=99.0), used(2), used(3, model=None, cost=None)))
    (nameless, named) = usage.totals(case.world.conn, by_session=False)
    assert (named.model, named.results, named.read, named.written, named.cached) == ("m", 2, 20, 2, 10)
    assert named.cost_usd == 0.5
    assert (nameless.model, nameless.results, nameless.cost_usd, nameless.session_id) == (None, 1, None, None)
    by_session = usage.totals(case.world.conn, by_session=True, since=NOW)
    assert {total.session_id for total in by_session} == {case.place.session.id}
    assert usage.totals(case.world.conn, by_session=True, since=NOW + timedelta(seconds=1)) == []
