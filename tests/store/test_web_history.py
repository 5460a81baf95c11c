"""What the web page is shown of the truth: one order for ever, what was said as it stands now, each its own."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from nanoclaw.core.conversations import WEB, Answered, File, Person, Said, Shown
from nanoclaw.core.speech import ShowCard, ShowEdit, ShowQuestion, ShowReaction
from nanoclaw.model.files import LedgerFile, NewAttachment, Spooled
from nanoclaw.model.ids import OutboundId, QuestionId, SessionId, SpoolId, UserId
from nanoclaw.model.messages import Address, Choice, InboundEvent, LedgerState, NewLedgerRow
from nanoclaw.model.questions import Question, QuestionState
from nanoclaw.store import files, ledger, questions, web_history
from schema import payloads
from schema.payloads import AskQuestion, Card, ChatOut, Edit, Option, OutPayload, Reaction
from schema.rows import OutKind
from schema.sqlite import execute, scalar
from tests.support.central import NOW, World

ADA, EVE = Person(handle="ada", name="Ada"), Person(handle="eve", name="Eve")
MAIN = Address(channel=WEB, platform_id=ADA.main)
TEA = AskQuestion(
    question_id="q1", title="Tea?", question="Tea or coffee?",
    options=(Option(label="Tea", value="t"), Option(label="Coffee", value="c")),
)  # fmt: skip


@pytest.fixture
def world() -> World:
    """Ada's first conversation, heard by an agent, and one of Eve's."""
    there = World()
    for person in (ADA, EVE):
        there.wire(there.chat(person.main, channel=WEB, is_group=False), there.agent(person.handle))
    return there


def said(number: int, text: str = "hello", **more: Any) -> InboundEvent:
    event = InboundEvent(
        channel=WEB, platform_message_id=f"ada:m{number}", platform_id=ADA.main, mention=True, is_group=False,
        sender_id=UserId("web:ada"), sender="Ada", text=text,
    )  # fmt: skip
    return evolve(event, **more)


def says(world: World, number: int, what: OutPayload, *, sent: bool = True, own: bool = False) -> OutboundId:
    """The agent, or the host itself, says *what* in Ada's conversation."""
    session = None if own else SessionId(str(scalar(world.conn, "SELECT id FROM sessions LIMIT 1")))
    content = payloads.write(what)
    kinds = {ChatOut: "chat", Edit: "edit", Reaction: "reaction", Card: "card", AskQuestion: "ask_question"}
    new = NewLedgerRow(
        id=OutboundId(f"out-{number}"), epoch=None, runner_id=None, digest=hashlib.sha256(content.encode()).hexdigest(),
        seq=None, in_reply_to=None, to=MAIN, kind=OutKind(kinds[type(what)]).value, content=content,
    )  # fmt: skip
    ledger.add(world.conn, new, session=session, now=world.now)
    if sent:
        world.sent(new.id)
        ledger.settle(world.conn, new.id, LedgerState.DELIVERED, platform_message_id=new.id, now=world.wait(seconds=1))
    return new.id


def test_messages_stand_in_the_order_in_which_they_came_and_those_that_wait_are_not_there(world: World) -> None:
    world.accept(said(1))
    says(world, 1, ChatOut(text="one"))
    world.accept(said(2, "again"))
    says(world, 2, ChatOut(text="two"), sent=False)
    items = web_history.before(world.conn, ADA.main, None, most=10).items
    assert [(item.text, type(item)) for item in items if not isinstance(item, Answered)] == [
        ("hello", Said), ("one", Shown), ("again", Said),
    ]  # fmt: skip
    world.sent(OutboundId("out-2"))
    later = web_history.behind(world.conn, ADA.main, items[-1].position, most=10)
    assert [item.text for item in later.items if isinstance(item, Shown)] == ["two"]
    # A second attempt is the same message at the same place.
    ledger.put_back(world.conn, OutboundId("out-2"), not_before=None, error="x")
    world.sent(OutboundId("out-2"))
    assert web_history.behind(world.conn, ADA.main, items[-1].position, most=10) == later


def test_stretches_say_whether_there_is_more_and_how_far_they_looked(world: World) -> None:
    for number in range(5):
        world.accept(said(number))
    end = web_history.before(world.conn, ADA.main, None, most=2)
    assert [item.position for item in end.items] == [4, 5]
    assert (end.more, end.last) == (True, 5)
    start = web_history.before(world.conn, ADA.main, 4, most=3)
    assert ([item.position for item in start.items], start.more) == ([1, 2, 3], False)
    assert [item.position for item in web_history.behind(world.conn, ADA.main, 3, most=1).items] == [4]
    nothing = web_history.behind(world.conn, ADA.main, 5, most=1)
    assert (nothing.items, nothing.last, nothing.more) == ((), 5, False)


def test_what_nobody_heard_and_what_came_to_nothing_is_not_there(world: World) -> None:
    world.accept(said(1))
    dead = says(world, 1, ChatOut(text="never"), sent=False)
    world.sent(dead)
    ledger.settle(world.conn, dead, LedgerState.DEAD, error="x", now=world.now)
    execute(world.conn, "DELETE FROM wirings")
    world.accept(said(2, "anybody?"))
    stretch = web_history.before(world.conn, ADA.main, None, most=10)
    assert [type(item) for item in stretch.items] == [Said]
    assert stretch.last == 3
    assert web_history.knows(world.conn, "ada:m2")
    assert not web_history.knows(world.conn, "eve:m2")


def test_edits_reactions_and_cards_name_what_they_are_about(world: World) -> None:
    world.accept(said(1))
    first = says(world, 1, ChatOut(text="one"))
    seq = int(str(scalar(world.conn, "SELECT seq FROM ledger WHERE id = ?", (first,))))
    heard = int(str(scalar(world.conn, "SELECT seq FROM inbound")))
    says(world, 2, Edit(seq=seq, text="uno"))
    says(world, 3, Reaction(seq=heard, emoji="👍"))
    says(world, 4, Card(title="T", description="D", fallback="T: D"))
    says(world, 5, Edit(seq=999, text="of nothing"))
    natives = [item.native for item in web_history.before(world.conn, ADA.main, None, most=10).items[1:]]  # type: ignore[union-attr]  # all are shown
    assert natives == [
        None,
        ShowEdit(platform_message_id=first),
        ShowReaction(platform_message_id="ada:m1", emoji="👍", quoted="hello"),
        ShowCard(title="T", description="D"),
    ]


def test_a_question_waits_until_it_is_answered_and_the_answer_has_its_place(world: World) -> None:
    world.accept(said(1))
    row = says(world, 1, TEA)
    asked = Question(
        id=QuestionId("q1"), session_id=SessionId(str(scalar(world.conn, "SELECT id FROM sessions LIMIT 1"))),
        ledger_id=row, asked_of=world.user("ada", channel=WEB), channel=WEB, platform_id=ADA.main,
        thread_id=None, title="Tea?",
        question="Tea or coffee?", options=questions.write_options(TEA.options), state=QuestionState.OPEN,
        asked_at=NOW, expires_at=NOW + timedelta(hours=1), ended_at=None, answered_by=None, answer=None,
    )  # fmt: skip
    (_, shown) = web_history.before(world.conn, ADA.main, None, most=10).items
    assert isinstance(shown, Shown)
    assert (shown.waits, shown.answer) == (False, None)  # nobody knows the question
    questions.add(world.conn, asked)
    (_, shown) = web_history.before(world.conn, ADA.main, None, most=10).items
    assert isinstance(shown, Shown)
    assert isinstance(shown.native, ShowQuestion)
    assert (shown.waits, shown.answer) == (True, None)
    world.accept(said(2, "Coffee", choice=Choice(question=QuestionId("q1"), said="c")))
    (_, shown, answered) = web_history.before(world.conn, ADA.main, None, most=10).items
    assert isinstance(shown, Shown)
    assert (shown.waits, shown.answer) == (False, "Coffee")
    assert answered == Answered(position=3, question=QuestionId("q1"), answer="Coffee")


def test_files_are_found_by_their_place_and_only_by_whose_they_are(world: World) -> None:
    spooled = Spooled(id=SpoolId("file-1"), size=3, digest="d")
    world.accept(said(1, "", attachments=(NewAttachment(name="a.txt", file=spooled),)))
    row = says(world, 1, ChatOut(text="here"))
    files.add_to_message(world.conn, row, [LedgerFile(name="b.txt", size=5, digest="e", spool_id=SpoolId("file-2"))])
    assert web_history.file_at(world.conn, ADA, 1, 0) == File(name="a.txt", size=3, spool_id=SpoolId("file-1"))
    assert web_history.file_at(world.conn, ADA, 2, 0) == File(name="b.txt", size=5, spool_id=SpoolId("file-2"))
    for person, position, number in ((EVE, 1, 0), (ADA, 1, 1), (ADA, 1, -1), (ADA, 9, 0)):
        assert web_history.file_at(world.conn, person, position, number) is None
    # They are fetched from the spool for as long as the row is there, the latest of so many bytes.
    assert files.needed(world.conn) == {"file-1", "file-2"}
    older = says(world, 2, ChatOut(text="large"))
    large = LedgerFile(name="c", size=files.MOST_ON_PAGES, digest="f", spool_id=SpoolId("file-3"))
    files.add_to_message(world.conn, older, [large])
    assert files.needed(world.conn) == {"file-1", "file-3"}


def test_the_list_has_each_persons_own_and_their_first_before_anybody_heard_of_it(world: World) -> None:
    world.accept(said(1))
    (only,) = web_history.conversations(world.conn, ADA)
    assert (only.id, only.agents, only.last) == (ADA.main, ("ada",), 1)
    bob = Person(handle="bob", name="Bob")
    (main,) = web_history.conversations(world.conn, bob)
    assert (main.id, main.agents, main.last) == ("bob/main", (), 0)


def test_what_goes_takes_its_place_with_it(world: World) -> None:
    world.accept(said(1))
    says(world, 1, ChatOut(text="one"))
    for table in ("ledger", "inbound", "events"):
        execute(world.conn, f"DELETE FROM {table}")
    assert scalar(world.conn, "SELECT count(*) FROM web_feed") == 0
    world.accept(said(2))
    assert web_history.before(world.conn, ADA.main, None, most=10).last == 3
