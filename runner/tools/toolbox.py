"""The tools of this agent, and what the turn loop has to do with them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence

from attrs import define, field

from runner.core.recipients import Recipient
from runner.model import Incoming, Reply
from runner.tools.admin import ADMIN
from runner.tools.agents import AGENTS
from runner.tools.base import Answer, Tool
from runner.tools.desk import Definition, Desk, Shows
from runner.tools.messages import MESSAGES
from runner.tools.questions import QUESTIONS
from runner.tools.self_change import SELF_CHANGE
from runner.tools.tasks import TASKS

ALL = (*MESSAGES, *QUESTIONS, *TASKS, *AGENTS, *SELF_CHANGE, *ADMIN)
DEFINITIONS: Mapping[str, Definition] = {one.tool.name: one for one in ALL}


def new_id() -> str:
    """A question's name: short, since platforms give it back with a click, and not to be guessed."""
    return f"q-{secrets.token_hex(8)}"


@define(eq=False)
class AgentTools:
    """A `Toolbox`, and what a turn needs of it."""

    _desk: Desk
    _answered: list[Incoming] = field(factory=list[Incoming], init=False)
    """The rows that tools were given in this turn."""

    @property
    def tools(self) -> Sequence[Tool]:
        """All there are."""
        return [one.tool for one in DEFINITIONS.values()]

    async def call(self, name: str, arguments: Mapping[str, object]) -> Answer:
        """See `Toolbox`."""
        found = DEFINITIONS.get(name)
        if found is None:
            return Answer(f"There is no tool {name[:80]!r}. There are: {', '.join(DEFINITIONS)}.", failed=True)
        return await found.call(self._desk, arguments)

    def shown_by(self, shows: Shows) -> None:
        """Tell *shows* from now on what a turn waits for."""
        self._desk.shows = shows

    @property
    def current(self) -> str | None:
        """The id of the message that is being answered, which what tools say answers as well. To be set."""
        return self._desk.current

    @current.setter
    def current(self, message_id: str | None) -> None:
        self._desk.current = message_id

    def awaits(self, row_id: str) -> bool:
        """Does a tool wait for the inbound row of that id? Then it is no input: `answer` takes it."""
        return self._desk.waits.awaits(row_id)

    def answer(self, incoming: Incoming) -> None:
        """Claim a row and give it to the tool that waits for it. `end_turn` says that it is to be settled.

        Raises:
          SqliteError: it cannot be claimed; the tool waits on.
        """
        self._desk.outbox.claim([incoming.row.id], now=self._desk.now())
        self._answered.append(incoming)
        self._desk.waits.hand(incoming)

    async def was_sent(self, reply: Reply) -> bool:
        """Has send_message said these very words to the same destination in this turn?"""
        to = await self._desk.recipient(reply.destination)
        return isinstance(to, Recipient) and not reply.files and (to.name, reply.text.strip()) in self._desk.said

    @property
    def has_spoken(self) -> bool:
        """Has send_message said anything in this turn?"""
        return bool(self._desk.said)

    def take_back(self) -> tuple[Incoming, ...]:
        """The query is gone, and what its tools were given with it: the rows, which are to be put to the next one."""
        given, self._answered = tuple(self._answered), []
        return given

    def end_turn(self) -> tuple[str, ...]:
        """A result has come: begin to count anew what was sent. Returns the rows that tools were given, to be settled.

        Not before: until then, a life that comes after this one has to be given them again.
        """
        self._desk.said.clear()
        return tuple(incoming.row.id for incoming in self.take_back())
