"""What a result comes to."""

from __future__ import annotations

from attrs import evolve

from runner.core.answering import Remind, Settle, decide_answer
from runner.core.causes import Causes
from runner.core.under_way import Put
from runner.model import Incoming, Reply
from tests.runner.core.test_batch import row
from tests.runner.link import chat, destination

TWO = [destination("room"), destination("family")]


def put(seq: int, source: str = "room", **more: object) -> Put:
    asked = evolve(row(seq), channel_type="c", platform_id=source)
    return evolve(Put(id=f"i{seq}", rows=(Incoming(row=asked, payload=chat("x")),)), **more)  # type: ignore[arg-type]  # by name


def decide(text: str | None, *answered: Put, last: Causes | None = None) -> Settle | Remind:
    return decide_answer(text, answered, TWO, last=last or Causes("m0"), new_id="new")


def test_what_was_read_is_settled_and_each_place_gets_the_answer_to_its_own() -> None:
    verdict = decide('<message to="room">a</message><message to="family">b</message>', put(2), put(4, "family"))
    assert verdict == Settle(
        replies=(
            Reply(destination="room", in_reply_to="m2", text="a"),
            Reply(destination="family", in_reply_to="m4", text="b"),
        ),
        completed=("m2", "m4"),
    )


def test_silence_settles_as_well() -> None:
    assert decide(None, put(2)) == Settle(replies=(), completed=("m2",))


def test_who_answers_nothing_is_taken_to_go_on_with_the_last() -> None:
    verdict = decide('<message to="room">a</message>', last=Causes("m8", {"room": "m6"}))
    assert verdict == Settle(replies=(Reply(destination="room", in_reply_to="m6", text="a"),), completed=())


def test_words_that_reach_nobody_are_held_back_with_their_messages_until_the_agent_was_told() -> None:
    verdict = decide('<message to="room">a</message><message to="mum">b</message>', put(2), put(4))
    assert isinstance(verdict, Remind)
    assert verdict.put.settles == ("m2", "m4")
    assert [reply.text for reply in verdict.put.held] == ["a"]
    assert "no destination mum" in (verdict.put.reminder or "")
    assert (verdict.put.id, verdict.put.pushed, verdict.put.taken) == ("new", False, False)

    answer = decide('<message to="family">b</message>', evolve(verdict.put, taken=True))
    assert isinstance(answer, Settle)
    assert [reply.text for reply in answer.replies] == ["a", "b"]
    assert answer.completed == ("m2", "m4")


def test_whoever_has_spoken_by_a_tool_may_end_with_words_for_nobody() -> None:
    quiet = decide_answer("Told them.", [put(2)], TWO, last=Causes(), spoke=True, new_id="new")
    assert quiet == Settle(replies=(), completed=("m2",))
    wrong = '<message to="mum">b</message>'
    assert isinstance(decide_answer(wrong, [put(2)], TWO, last=Causes(), spoke=True, new_id="new"), Remind)


def test_nobody_is_told_twice() -> None:
    verdict = decide("hello?", put(2, reminder="to whom?"))
    assert isinstance(verdict, Settle)
    assert verdict.completed == ("m2",)
    assert "does not say who it is for" in (verdict.lost or "")


def test_what_comes_of_a_command_is_said_whatever_it_looks_like() -> None:
    verdict = decide("4 dollars", put(2, "family", command="/cost"))
    assert verdict == Settle(replies=(Reply(destination=None, in_reply_to="m2", text="4 dollars"),), completed=("m2",))
