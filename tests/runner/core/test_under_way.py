"""What is under way: by table, and against a model that keeps sets of names and knows nothing else."""

from __future__ import annotations

from itertools import count

from attrs import evolve
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from runner.core.under_way import Put, UnderWay
from runner.model import Incoming, Reply
from tests.runner.core.test_batch import row
from tests.runner.link import chat


def put(name: str, *seqs: int, tries: int = 0) -> Put:
    return Put(id=name, rows=tuple(Incoming(row=row(seq, tries=tries), payload=chat("x")) for seq in seqs))


def names(puts: tuple[Put, ...]) -> list[str]:
    return [one.id for one in puts]


def both() -> UnderWay:
    return UnderWay().add(put("a", 2, 4)).add(put("b", 6)).push("a").push("b")


def test_a_result_answers_what_was_taken() -> None:
    left, answered = both().take("b").answer()
    assert (names(left.puts), names(answered)) == (["a"], ["b"])
    assert [one.settles for one in both().take("a").answer()[1]] == [("m2", "m4")]


def test_nothing_is_taken_that_was_not_said() -> None:
    only_added = UnderWay().add(put("a", 2))
    assert only_added.take("a") == only_added
    assert both().take("nobody") == both()


def test_an_error_fails_what_was_taken_or_the_oldest_or_everything() -> None:
    assert names(both().take("b").fail(everything=False)[1]) == ["b"]
    assert names(both().fail(everything=False)[1]) == ["a"]
    left, failed = both().take("b").fail(everything=True)
    assert not left
    assert names(failed) == ["a", "b"]


def test_what_is_put_again_has_new_names_and_was_not_said() -> None:
    again = both().take("a").again(iter("xy").__next__)
    assert [(one.id, one.pushed, one.taken, one.settles) for one in again.puts] == [
        ("x", False, False, ("m2", "m4")),
        ("y", False, False, ("m6",)),
    ]


def test_a_reminder_that_was_heard_is_forgotten_with_what_was_held_for_it() -> None:
    reply = Reply(destination=None, in_reply_to=None, text="half")
    reminder = evolve(put("a", 2), reminder="to whom?", held=(reply,))
    kept = UnderWay().add(reminder).again(lambda: "b").puts[0]
    assert (kept.reminder, kept.held) == ("to whom?", (reply,))
    forgotten = UnderWay().add(reminder).push("a").again(lambda: "b").puts[0]
    assert (forgotten.reminder, forgotten.held, forgotten.settles) == (None, (), ("m2",))


def test_commands_and_what_was_broken_off_before_are_alone() -> None:
    assert not both().alone
    assert UnderWay().add(Put(id="a", command="/cost")).alone
    assert UnderWay().add(put("a", 2, tries=1)).alone


class Machine(RuleBasedStateMachine):
    """Anything that can happen, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.real = UnderWay()
        self.order: list[int] = []
        self.said: set[int] = set()
        self.taken: set[int] = set()
        self.settled: list[int] = []
        self.added = 0
        self.given = count()

    def id_of(self, number: int) -> str:
        return next(one.id for one in self.real.puts if one.rows[0].row.seq == 2 * number)

    def new_id(self) -> str:
        return f"input-{next(self.given)}"

    @rule()
    def add(self) -> None:
        self.added += 1
        self.real = self.real.add(put(self.new_id(), 2 * self.added))
        self.order.append(self.added)

    @precondition(lambda self: self.order)
    @rule(choice=st.randoms(use_true_random=False))
    def push(self, choice: object) -> None:
        number = choice.choice(self.order)  # type: ignore[attr-defined]  # hypothesis types it so
        self.real = self.real.push(self.id_of(number))
        self.said.add(number)

    @precondition(lambda self: self.order)
    @rule(choice=st.randoms(use_true_random=False))
    def take(self, choice: object) -> None:
        number = choice.choice(self.order)  # type: ignore[attr-defined]  # as above
        self.real = self.real.take(self.id_of(number))
        self.taken |= {number} & self.said

    @rule()
    def result(self) -> None:
        self.real, answered = self.real.answer()
        self.over([number for number in self.order if number in self.taken], answered)

    @rule(everything=st.booleans())
    def error(self, everything: bool) -> None:
        expected = [number for number in self.order if number in self.taken] or self.order[:1]
        self.real, failed = self.real.fail(everything=everything)
        self.over(list(self.order) if everything else expected, failed)

    @rule()
    def the_query_is_gone(self) -> None:
        before = {one.id for one in self.real.puts}
        self.real = self.real.again(self.new_id)
        assert not before & {one.id for one in self.real.puts}
        self.said.clear()
        self.taken.clear()

    def over(self, expected: list[int], ended: tuple[Put, ...]) -> None:
        assert [one.settles for one in ended] == [(f"m{2 * number}",) for number in expected]
        self.settled += expected
        self.order = [number for number in self.order if number not in expected]
        self.taken.clear()

    @invariant()
    def each_message_is_under_way_or_settled_and_never_both(self) -> None:
        assert [one.rows[0].row.seq // 2 for one in self.real.puts] == self.order
        assert sorted(self.settled + self.order) == list(range(1, self.added + 1))
        assert [one.taken for one in self.real.puts] == [number in self.taken for number in self.order]


TestMachine = Machine.TestCase
