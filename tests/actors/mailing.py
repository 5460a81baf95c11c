"""Agents that write to each other, and what becomes of that."""

from __future__ import annotations

import json
from collections import Counter

from attrs import define, evolve, field

from nanoclaw.actors.absorb import Absorbed, absorb
from nanoclaw.actors.saying import Post
from nanoclaw.core.agent_mail import MailPolicy
from nanoclaw.link.outbox_files import Collected
from nanoclaw.link.report import AckRow
from nanoclaw.model.entities import AgentGroup
from nanoclaw.model.ids import EpochNumber, InboundId, SessionId
from nanoclaw.model.messages import Drop, InboundRow
from nanoclaw.store import destinations, drops, epochs, inbound
from nanoclaw.store.destinations import MadeBy, StoredDestination
from nanoclaw.store.sessions import session_place
from schema.payloads import ChatOut
from schema.rows import AckStatus, select
from schema.sqlite import fetch, transaction
from tests.actors.absorbing import a_row, report
from tests.support.central import World


@define
class Agents:
    """Agents by name, each with a session in a room of its own; `a` is `agt-a`."""

    world: World = field(factory=World)
    policy: MailPolicy = field(factory=MailPolicy)
    agents: dict[str, AgentGroup] = field(factory=dict[str, AgentGroup])
    rooms: dict[str, SessionId] = field(factory=dict[str, SessionId])
    _said: Counter[SessionId] = field(factory=Counter[SessionId])

    def agent(self, *names: str) -> Agents:
        """More agents."""
        for name in names:
            self.agents[name] = self.world.agent(name)
            chat = self.world.chat(f"room-{name}")
            self.rooms[name] = self.world.session_of(self.world.wire(chat, self.agents[name]))
        return self

    def lets(self, *edges: str) -> Agents:
        """`ab`: a may write to b, by its name."""
        for source, target in (tuple(edge) for edge in edges):
            new = StoredDestination(
                agent_group_id=self.agents[source].id,
                name=target,
                messaging_group_id=None,
                target_agent_group_id=self.agents[target].id,
                made_by=MadeBy.OPERATOR,
                created_at=self.world.now,
            )
            destinations.add(self.world.conn, new)
        return self

    def asked(self, session: SessionId, name: str = "question") -> InboundId:
        """A person says something there, and the agent is at it."""
        row = self.world.message(session, f"{session}/{name}")
        return self.at(row)

    def at(self, row: InboundId) -> InboundId:
        """Let the agent of a message be at it."""
        session = self.world.row(row).session_id
        inbound.claim(self.world.conn, row, self.epoch(session), now=self.world.now)
        return row

    def epoch(self, session: SessionId) -> EpochNumber:
        """The session's open epoch."""
        live = epochs.live(self.world.conn, session)
        return self.world.epoch(session) if live is None else live.number

    def say(
        self,
        session: SessionId,
        to: str | None,
        *,
        answers: str | None = None,
        settles: bool = False,
        files: Collected | None = None,
        **words: object,
    ) -> Absorbed:
        """The agent of *session* writes *to* somebody, and says what it answers, and that it is done with that."""
        self._said[session] += 1
        row = evolve(a_row(self._said[session], in_reply_to=answers, destination=to, **words))
        acks = (AckRow(message_id=str(answers), status=AckStatus.COMPLETED, error=None),) if settles else ()
        return self.absorb(session, rows=(row,), acks=acks, files={row.rowid: files} if files else {})

    def text(self, number: int) -> ChatOut:
        """What message *number* says."""
        return ChatOut(text=f"text {number}")

    def absorb(self, session: SessionId, *, files: dict[int, Collected] | None = None, **words: object) -> Absorbed:
        """Take in a report of *session* that says just *words*."""
        place = session_place(self.world.conn, session)
        assert place is not None
        epoch = self.epoch(session)
        with transaction(self.world.conn):
            return absorb(
                self.world.conn,
                place,
                epoch,
                report(**words),
                files=files,
                post=Post(policy=self.policy, mint=self.world.mint),
                now=self.world.now,
            )

    def mail(self, session: SessionId | None = None) -> list[InboundRow]:
        """What agents wrote, in the order of its coming; to *session*, if one is said."""
        sql = "SELECT * FROM inbound WHERE channel = 'agent' AND session_id = coalesce(?, session_id) ORDER BY rowid"
        return select(self.world.conn, InboundRow, sql, (session,))

    def own(self, name: str) -> SessionId:
        """The agent's own session."""
        sql = "SELECT id FROM sessions WHERE agent_group_id = ? AND messaging_group_id IS NULL"
        (row,) = fetch(self.world.conn, sql, (self.agents[name].id,))
        return SessionId(str(row["id"]))

    def notes(self, session: SessionId) -> list[tuple[str, bool]]:
        """What the host itself says to an agent, and whether that wakes it."""
        rows = inbound.open_rows(self.world.conn, session)
        return [(json.loads(row.content)["text"], row.trigger) for row in rows if row.kind.value == "system"]

    def drops(self) -> list[Drop]:
        """What was not passed on."""
        return drops.recent(self.world.conn)
