"""What a home should hold after any events: the oracle's answers, kept in dicts and lists."""

from __future__ import annotations

from attrs import define, evolve, field, frozen

from nanoclaw.model.entities import MessagingGroup, SessionKey, Wiring
from nanoclaw.model.ids import AgentGroupId, UserId
from nanoclaw.model.messages import InboundEvent
from nanoclaw.model.rights import Rights
from tests.routing import oracle

MOST_TAKEN = 50


@define(eq=False)
class Row:
    """A message in a session."""

    message: str
    agent: AgentGroupId
    trigger: bool
    copied: bool = False
    """Was it taken over from the chat?"""
    open: bool = True
    withdrawn: bool = False
    number: int = 0
    """Its place among all that were ever put into its session."""


@frozen
class Heard:
    """What the ingress transaction should answer."""

    known: bool
    woken: frozenset[SessionKey]
    kept: frozenset[SessionKey]
    subscribe: bool
    silent: bool


@define(eq=False)
class Model:
    """The naive home of one chat."""

    threaded: bool
    chat: MessagingGroup | None
    wirings: list[Wiring]
    rights: dict[UserId, Rights] = field(factory=dict[UserId, Rights])
    events: dict[str, bool] = field(factory=dict[str, bool])
    """By the platform's id: was it said to us, as far as told?"""
    sessions: dict[SessionKey, list[Row]] = field(factory=dict[SessionKey, list[Row]])
    engaged: set[tuple[AgentGroupId, str]] = field(factory=set[tuple[AgentGroupId, str]])
    taken: dict[SessionKey, int] = field(factory=dict[SessionKey, int])
    """Up to which row of its chat a thread has taken over."""
    denied: set[str] = field(factory=set[str])
    """The messages that the host itself answered, each once, however often it is told of."""
    _numbers: int = 0

    def world(self, event: InboundEvent) -> oracle.World:
        """What the oracle is asked about."""
        return oracle.World(
            chat=self.chat,
            wirings=[] if self.chat is None else self.wirings,
            rights=self.rights.get(event.sender_id, Rights()),
            engaged=frozenset(agent for agent, thread in self.engaged if thread == event.thread_id),
            threaded=self.threaded,
        )

    def accept(self, event: InboundEvent) -> Heard:
        """Take *event* in."""
        message = event.platform_message_id
        nobody = frozenset[SessionKey]()
        if message in self.events and (self.events[message] or not event.mention):
            return Heard(known=True, woken=nobody, kept=nobody, subscribe=False, silent=False)
        world = self.world(event)
        if not world.wirings and not event.mention:
            return Heard(known=False, woken=nobody, kept=nobody, subscribe=False, silent=True)
        answers = oracle.judge(event, world)
        self.events[message] = event.mention
        if any(answer.told for answer in answers):
            self.denied.add(message)
        there = set(self.sessions)
        woken, kept = set(), set()
        for answer in answers:
            if answer.session is None:
                continue
            rows = self.sessions.setdefault(answer.session, [])
            if answer.what == "wake":
                woken.add(answer.session)
                if self.threaded and event.thread_id:
                    self.engaged.add((answer.agent, event.thread_id))
                self._take_over(answer.session, message, there)
            else:
                kept.add(answer.session)
            self._put(rows, message, answer)
        return Heard(
            known=False,
            woken=frozenset(woken),
            kept=frozenset(kept),
            subscribe=oracle.subscribes(event, world),
            silent=False,
        )

    def settle(self, key: SessionKey) -> None:
        """An agent has seen all that its session holds."""
        for row in self.sessions[key]:
            row.open = False

    def delete(self, message: str) -> None:
        """Its sender takes a message back: whoever has not seen it will not."""
        for rows in self.sessions.values():
            for row in rows:
                if row.message == message and row.open:
                    row.open, row.withdrawn = False, True

    def unwire(self, wiring: Wiring) -> None:
        """The agent hears the chat no longer, and no thread of it sticks."""
        self.wirings.remove(wiring)
        self.engaged = {(agent, thread) for agent, thread in self.engaged if agent != wiring.agent_group_id}

    def _take_over(self, key: SessionKey, message: str, there: set[SessionKey]) -> None:
        chat = evolve(key, thread_id=None)
        if key.thread_id is None or chat not in there:
            return
        seen = self.taken.get(key, 0)
        kept = [row for row in self.sessions[chat] if not row.trigger and not row.withdrawn]
        new = [row for row in kept if row.number > seen and row.message != message][-MOST_TAKEN:]
        for row in new:
            self._add(self.sessions[key], Row(row.message, row.agent, trigger=False, copied=True))
        if new:
            self.taken[key] = new[-1].number

    def _put(self, rows: list[Row], message: str, answer: oracle.Said) -> None:
        """The answer's row: a new one, or one that was only kept and is asked for now."""
        for where in self.sessions.values():
            for row in where:
                if (row.message, row.agent, row.copied) == (message, answer.agent, False):
                    if answer.what == "wake" and not row.trigger and row.open:
                        row.trigger = True
                        if where is not rows:
                            where.remove(row)
                            self._add(rows, row)
                    return
        self._add(rows, Row(message, answer.agent, trigger=answer.what == "wake"))

    def _add(self, rows: list[Row], row: Row) -> None:
        self._numbers += 1
        row.number = self._numbers
        rows.append(row)
