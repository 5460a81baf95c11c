"""What was put to the model and is not answered yet: which messages a result settles, and which an error. Pure.

Results are never matched to inputs by count: a model folds what it hears in the middle of its work into the same
answer, and answers several things at once. So it says what it has read (`taken`), and a result answers just that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from attrs import evolve, frozen

from runner.model import Incoming, Reply


@frozen(kw_only=True)
class Put:
    """One input, and what it stands for."""

    id: str
    rows: tuple[Incoming, ...] = ()
    """The claimed messages that are settled with its answer; oldest first."""
    command: str | None = None
    """The text of a command that the model is given as it is."""
    reminder: str | None = None
    """What the agent is told instead of its messages: it has answered them, in a way that reached nobody."""
    held: tuple[Reply, ...] = ()
    """What of that answer did reach somebody; said together with what comes of the reminder."""
    pushed: bool = False
    """Was it said to the model?"""
    taken: bool = False
    """Has the model read it?"""

    @property
    def settles(self) -> tuple[str, ...]:
        """The ids of the messages that are settled with it."""
        return tuple(incoming.row.id for incoming in self.rows)

    @property
    def alone(self) -> bool:
        """May nothing else be said while it is under way?"""
        return self.command is not None or any(one.row.trigger and one.row.tries for one in self.rows)


@frozen
class UnderWay:
    """All of it, in the order in which it was put. Changes nothing: every method returns what there is then."""

    puts: tuple[Put, ...] = ()

    def __bool__(self) -> bool:
        """Is there anything?"""
        return bool(self.puts)

    @property
    def alone(self) -> bool:
        """May nothing be added?"""
        return any(put.alone for put in self.puts)

    @property
    def taken(self) -> tuple[Put, ...]:
        """What the model has read."""
        return tuple(put for put in self.puts if put.taken)

    @property
    def in_hand(self) -> tuple[Put, ...]:
        """What the model works on: what it has read; as long as it says of nothing that it has, the oldest."""
        return self.taken or self.puts[:1]

    def add(self, put: Put) -> Self:
        """*put* is under way as well."""
        return evolve(self, puts=(*self.puts, put))

    def push(self, input_id: str) -> Self:
        """That input was said to the model."""
        return self._each(lambda put: evolve(put, pushed=put.pushed or put.id == input_id))

    def take(self, input_id: str) -> Self:
        """The model has read that input; one that is not under way, or was not said, is nobody's business."""
        return self._each(lambda put: evolve(put, taken=put.taken or (put.pushed and put.id == input_id)))

    def answer(self) -> tuple[Self, tuple[Put, ...]]:
        """A result came: what is left, and what it answers."""
        return evolve(self, puts=tuple(put for put in self.puts if not put.taken)), self.taken

    def fail(self, *, everything: bool) -> tuple[Self, tuple[Put, ...]]:
        """An error came that no other try will help: what is left, and what has failed.

        What has failed is what the model has read, as that is what it was working on; if it has read nothing, the
        oldest, which it was about to read. What is left is to be put again. *everything*: nothing is left.
        """
        failed = self.puts if everything else self.in_hand
        return evolve(self, puts=tuple(put for put in self.puts if put not in failed)), failed

    def again(self, new_id: Callable[[], str]) -> Self:
        """The query is gone: all of it is to be put to another one, as if for the first time.

        What was said instead of messages is forgotten, with what was held back beside it: the messages themselves are
        put again, and a part of an answer beside the whole of another would be said twice.
        """
        return self._each(lambda put: _anew(put, new_id()))

    def _each(self, change: Callable[[Put], Put]) -> Self:
        return evolve(self, puts=tuple(map(change, self.puts)))


def _anew(put: Put, input_id: str) -> Put:
    fresh = evolve(put, id=input_id, pushed=False, taken=False)
    # A reminder that nobody has heard can still be heard.
    return evolve(fresh, reminder=None, held=()) if put.pushed else fresh
