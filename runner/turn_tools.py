"""What a turn has to do with the tools by which an agent acts."""

from __future__ import annotations

from typing import Protocol

from attrs import define

from runner.model import Incoming, Reply
from runner.tools.desk import Shows


class TurnTools(Protocol):
    """The tools, as a turn sees them."""

    current: str | None
    """The id of the message that is being answered, which what tools say answers as well. To be set."""

    def shown_by(self, shows: Shows) -> None:
        """Tell *shows* from now on what a turn waits for."""
        ...

    def awaits(self, row_id: str) -> bool:
        """Does a tool wait for the inbound row of that id? Then it is no input: `answer` takes it."""
        ...

    def answer(self, incoming: Incoming) -> None:
        """Claim a row and give it to the tool that waits for it; `end_turn` says that it is to be settled."""
        ...

    async def was_sent(self, reply: Reply) -> bool:
        """Has the agent sent these very words to the same destination by itself, in this turn?"""
        ...

    @property
    def has_spoken(self) -> bool:
        """Has the agent sent anything by itself in this turn?"""
        ...

    def take_back(self) -> tuple[Incoming, ...]:
        """The query is gone, and what its tools were given with it: the rows, which are to be put to the next one."""
        ...

    def end_turn(self) -> tuple[str, ...]:
        """A result has come: begin to count anew what was sent. Returns the rows that are to be settled with it."""
        ...


@define(eq=False)
class NoTools:
    """An agent that can only speak."""

    current: str | None = None
    has_spoken: bool = False

    def shown_by(self, shows: Shows) -> None:
        """It waits for nothing."""

    def awaits(self, row_id: str) -> bool:
        """Nothing."""
        return False

    def answer(self, incoming: Incoming) -> None:
        """Nobody has asked."""

    async def was_sent(self, reply: Reply) -> bool:
        """It cannot have been."""
        return False

    def take_back(self) -> tuple[Incoming, ...]:
        """It was given nothing."""
        return ()

    def end_turn(self) -> tuple[str, ...]:
        """Nothing is to be settled."""
        return ()
