"""A central database in memory, and the entities, messages and replies that tests put into it."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache

from attrs import define, field

from nanoclaw.model.entities import (
    AgentGroup,
    EngageMode,
    IgnoredMessagePolicy,
    MessagingGroup,
    SenderScope,
    SessionKey,
    SessionMode,
    UnknownSenderPolicy,
    Wiring,
)
from nanoclaw.model.ids import (
    AgentGroupId,
    ChannelName,
    EpochNumber,
    InboundId,
    MessagingGroupId,
    OutboundId,
    RoleId,
    RunnerMessageId,
    SessionId,
    UserId,
    WiringId,
)
from nanoclaw.model.messages import Address, InboundEvent, InboundRow, LedgerRow, NewLedgerRow
from nanoclaw.model.rights import Grant, Role
from nanoclaw.store import entities, epochs, events, inbound, ledger, people, sessions, wirings
from nanoclaw.store.migrate import migrate
from schema import files, payloads, sqlite
from schema.rows import InKind, select
from schema.sqlite import IN_MEMORY, Connection, Journal, Row, Synchronous, fetch, transaction

NOW = datetime(2026, 4, 16, 14, 37, tzinfo=UTC)
CHANNEL = ChannelName("test")
ROOM = Address(channel=CHANNEL, platform_id="room")


def fresh() -> Connection:
    """A new database with today's tables and no rows."""
    conn = sqlite.open_read_write(IN_MEMORY, Journal.WAL, Synchronous.FULL)
    conn.deserialize("main", empty_file())
    return conn


@cache
def empty_file() -> bytes:
    """The bytes of a database with today's tables: migrating takes longer than most of what is tested."""
    conn = sqlite.open_read_write(IN_MEMORY, Journal.WAL, Synchronous.FULL)
    migrate(conn, files.central_ddl())
    return bytes(conn.serialize("main"))


def everything(conn: Connection) -> dict[str, list[Row]]:
    """Every row of every table, the one counter aside: what two states are compared by."""
    names = [str(row["name"]) for row in fetch(conn, "SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return {
        name: fetch(conn, f"SELECT * FROM {name}") for name in sorted(names) if name not in {"ticks", "sqlite_sequence"}
    }


@define(eq=False)
class World:
    """One database, its time, and short ways to fill it. Ids are numbered, so every run is the same."""

    conn: Connection = field(factory=fresh)
    now: datetime = NOW
    _minted: Counter[str] = field(factory=Counter[str])

    def mint(self, prefix: str) -> str:
        """The next id with that prefix."""
        self._minted[prefix] += 1
        return f"{prefix}-{self._minted[prefix]}"

    def wait(self, *, seconds: float) -> datetime:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)
        return self.now

    def agent(self, name: str = "nano") -> AgentGroup:
        """A new agent group, its folder named like itself."""
        group = AgentGroup(id=AgentGroupId(f"agt-{name}"), name=name, folder=name, created_at=self.now)
        entities.add_agent_group(self.conn, group)
        return group

    def chat(
        self,
        platform_id: str = "room",
        *,
        channel: str = CHANNEL,
        is_group: bool = True,
        policy: UnknownSenderPolicy = UnknownSenderPolicy.PUBLIC,
    ) -> MessagingGroup:
        """A new chat, in which everybody may speak if nothing else is said."""
        group = MessagingGroup(
            id=MessagingGroupId(f"chat-{channel}-{platform_id}"),
            channel=ChannelName(channel),
            platform_id=platform_id,
            name=platform_id.title(),
            is_group=is_group,
            unknown_sender_policy=policy,
            created_at=self.now,
        )
        entities.add_messaging_group(self.conn, group)
        return group

    def wire(
        self,
        chat: MessagingGroup,
        agent: AgentGroup,
        *,
        mode: EngageMode = EngageMode.PATTERN,
        pattern: str | None = None,
        scope: SenderScope = SenderScope.ALL,
        ignored: IgnoredMessagePolicy = IgnoredMessagePolicy.DROP,
        session_mode: SessionMode = SessionMode.SHARED,
        priority: int = 0,
    ) -> Wiring:
        """Let *agent* hear *chat*: everything, if nothing else is said."""
        wiring = Wiring(
            id=WiringId(f"wir-{chat.id}-{agent.id}"),
            messaging_group_id=chat.id,
            agent_group_id=agent.id,
            engage_mode=mode,
            engage_pattern=(pattern or ".") if mode is EngageMode.PATTERN else None,
            sender_scope=scope,
            ignored_message_policy=ignored,
            session_mode=session_mode,
            priority=priority,
            created_at=self.now,
        )
        wirings.add_wiring(self.conn, wiring, now=self.now)
        return wiring

    def session(self, name: str = "nano", *, room: str = "room") -> SessionId:
        """A session of a new agent in a new chat, wired to each other."""
        return self.session_of(self.wire(self.chat(room), self.agent(name)))

    def session_of(self, wiring: Wiring, thread: str | None = None) -> SessionId:
        """The session of a wiring's agent in its chat, or in a thread of it."""
        key = SessionKey(
            agent_group_id=wiring.agent_group_id, messaging_group_id=wiring.messaging_group_id, thread_id=thread
        )
        return sessions.session_for(self.conn, key, mint=self.mint, now=self.now)

    def user(self, name: str = "ada", *, channel: str = CHANNEL) -> UserId:
        """Somebody who is known."""
        user = UserId(f"{channel}:{name}")
        people.note_user(self.conn, user, name.title(), now=self.now)
        return user

    def owner(self, name: str = "ada", *, channel: str = CHANNEL) -> UserId:
        """Somebody to whom all of it belongs."""
        user = self.user(name, channel=channel)
        grant = Grant(
            id=RoleId(self.mint("role")),
            user_id=user,
            role=Role.OWNER,
            agent_group_id=None,
            granted_by=None,
            granted_at=self.now,
        )
        people.grant(self.conn, grant)
        return user

    def accept(self, said: InboundEvent, *, threaded: bool = False) -> events.Verdict:
        """The ingress transaction."""
        with transaction(self.conn):
            return events.accept(self.conn, said, threaded=threaded, mint=self.mint, now=self.now)

    def message(
        self, session: SessionId, name: str = "m", *, trigger: bool = True, to: Address | None = ROOM
    ) -> InboundId:
        """A message for *session* that came from nowhere."""
        new = inbound.NewInbound(
            id=InboundId(name),
            kind=InKind.CHAT,
            trigger=trigger,
            channel=None if to is None else to.channel,
            platform_id=None if to is None else to.platform_id,
            thread_id=None if to is None else to.thread_id,
            content=payloads.write(payloads.ChatIn(text=name, sender="Ada", sender_id="test:ada")),
        )
        inbound.add(self.conn, new, session=session, now=self.now)
        return new.id

    def epoch(self, session: SessionId) -> EpochNumber:
        """A new epoch of *session*."""
        return epochs.begin(self.conn, session, engine="test", now=self.now)

    def claimed(self, session: SessionId, name: str = "m") -> tuple[InboundId, EpochNumber]:
        """A message, and a new epoch that has claimed it."""
        row, epoch = self.message(session, name), self.epoch(session)
        inbound.claim(self.conn, row, epoch, now=self.now)
        return row, epoch

    def reply(
        self,
        session: SessionId,
        epoch: EpochNumber,
        seq: int,
        *,
        answers: InboundId | None = None,
        to: Address = ROOM,
        not_before: datetime | None = None,
    ) -> OutboundId:
        """A message out of *session*, as absorb would enter it."""
        content = payloads.write(payloads.ChatOut(text=f"reply {seq}"))
        new = NewLedgerRow(
            id=OutboundId(f"{session}/{epoch}/r{seq}"),
            epoch=epoch,
            runner_id=RunnerMessageId(f"r{seq}"),
            digest=hashlib.sha256(content.encode()).hexdigest(),
            seq=seq,
            in_reply_to=answers,
            to=to,
            kind="chat",
            content=content,
            not_before=not_before,
        )
        ledger.add(self.conn, new, session=session, now=self.now)
        return new.id

    def sent(self, message: OutboundId) -> None:
        """Let the lane of *message*, which is its head, take it up: it is `sending` now."""
        row = self.out(message)
        found = ledger.take(self.conn, ledger.Lane(row.channel, row.platform_id), now=self.now)
        assert isinstance(found, ledger.Head)
        assert found.row == row

    def row(self, message: InboundId) -> InboundRow:
        """The inbound row of that id, which has to be there."""
        found = inbound.get(self.conn, message)
        assert found is not None
        return found

    def out(self, message: OutboundId) -> LedgerRow:
        """The ledger's row of that id, which has to be there."""
        return select(self.conn, LedgerRow, "SELECT * FROM ledger WHERE id = ?", (message,))[0]


def always(wiring: str, chat: MessagingGroupId, agent: AgentGroupId, *, now: datetime = NOW) -> Wiring:
    """A wiring of that id by which *agent* takes up everything that anybody says in *chat*."""
    return Wiring(
        id=WiringId(wiring),
        messaging_group_id=chat,
        agent_group_id=agent,
        engage_mode=EngageMode.PATTERN,
        engage_pattern=".",
        sender_scope=SenderScope.ALL,
        ignored_message_policy=IgnoredMessagePolicy.DROP,
        session_mode=SessionMode.SHARED,
        priority=0,
        created_at=now,
    )


def said(
    number: int = 1,
    *,
    room: str = "room",
    channel: str = CHANNEL,
    text: str = "hello",
    sender: str = "Ada",
    mention: bool = True,
    thread: str | None = None,
    starts_thread: bool = False,
    is_group: bool = True,
) -> InboundEvent:
    """An event as an adapter makes it; its number is its platform's id, its sender's is their name in small letters."""
    return InboundEvent(
        channel=ChannelName(channel),
        platform_message_id=str(number),
        platform_id=room,
        thread_id=thread,
        starts_thread=starts_thread,
        mention=mention,
        is_group=is_group,
        sender_id=UserId(f"{channel}:{sender.lower()}"),
        sender=sender,
        text=text,
    )
