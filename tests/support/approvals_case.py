"""An approvals actor at work on a world: an agent that asks, people who may decide, and a platform that knows them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, cast

import trio
from attrs import define, evolve, field, frozen
from trio.testing import wait_all_tasks_blocked

from nanoclaw.actors.approvals import Approvals
from nanoclaw.actors.approving import Kind, Means, ask
from nanoclaw.channels.base import Channel
from nanoclaw.core.approvals import PREFIX
from nanoclaw.core.approvals import field as shown_field
from nanoclaw.errors import DeliveryError, UsageError
from nanoclaw.kit.tree import TreeNode
from nanoclaw.model.approvals import Approval, ApprovalKind, Card, Shown
from nanoclaw.model.ids import AgentGroupId, ApprovalId, ChannelName, QuestionId, RoleId, SessionId, UserId
from nanoclaw.model.messages import Address, Choice, InboundEvent, LedgerState
from nanoclaw.model.rights import Grant, Role
from nanoclaw.store import approvals, ledger, people, reaching
from nanoclaw.store.db import Store
from nanoclaw.store.events import Verdict
from nanoclaw.store.sessions import session_place
from schema import payloads
from schema.payloads import AskQuestion
from schema.rows import select
from schema.sqlite import Connection, execute, fetch, transaction
from tests.support.central import CHANNEL, World, said
from tests.support.inline_database import InlineDatabase

PENDING = ("pending", None)
"""How an approval stands that nobody has decided."""


@define
class Notes:
    """A kind of approval that writes down what it does; what begins with `fail` cannot be done."""

    name: ApprovalKind = ApprovalKind.ADMIN
    done: list[str] = field(factory=list[str])

    def shown(self, conn: Connection, payload: Mapping[str, object]) -> Shown:
        """All of it."""
        return Shown("Write something down?", (shown_field("What", str(payload["what"])),))

    def execute(self, conn: Connection, approval: Approval, means: Means) -> str:
        """Do it: a row that the transaction takes along, and a line that it does not."""
        what = str(payloads_of(approval)["what"])
        self.done.append(what)
        execute(conn, "INSERT INTO users VALUES (?, 'note', '')", (f"note:{approval.id}:{len(self.done)}",))
        if what.startswith("fail"):
            raise UsageError("there is no ink")
        return f"wrote {what}"


@define
class SlowNotes(Notes):
    """The same with work before it, which waits to be let go."""

    begun: int = 0
    go_on: trio.Event = field(factory=trio.Event)

    async def work(self, approval: Approval) -> None:
        """Wait."""
        self.begun += 1
        await self.go_on.wait()


@frozen
class Desk:
    """A channel that opens conversations with whom it knows."""

    known: frozenset[str]
    tried: list[UserId]
    """With whom it was to open one."""
    name: ChannelName = CHANNEL
    threaded: bool = False

    async def open_direct_messages(self, user: UserId) -> str | None:
        """As a platform would, or would not."""
        await trio.lowlevel.checkpoint()
        self.tried.append(user)
        if user == f"{CHANNEL}:unlucky":
            raise DeliveryError(channel=self.name, why="no", retryable=False)
        return f"dm-{user}" if user in self.known else None


@frozen
class HostClock:
    """The time of a world."""

    world: World

    def now(self) -> Any:
        """That time."""
        return self.world.now


@define
class Case:
    """The world, and what is asked for in it."""

    kind: Notes = field(factory=Notes)
    known: tuple[str, ...] = ("test:boss", "test:chief")
    store: InlineDatabase = field(factory=InlineDatabase)
    world: World = field(init=False)
    session: SessionId = field(init=False)
    changed: int = 0
    tried: list[UserId] = field(factory=list[UserId])
    """With whom a conversation was to be opened."""
    _tokens: Iterator[int] = field(factory=count, init=False)

    def __attrs_post_init__(self) -> None:
        self.world = World(self.store.conn)
        self.session = self.world.session()

    def grant(self, who: str, role: Role = Role.OWNER, agent: str | None = None) -> UserId:
        """Make somebody something."""
        user = self.world.user(who)
        given = Grant(
            id=RoleId(self.world.mint("role")),
            user_id=user,
            role=role,
            agent_group_id=None if agent is None else AgentGroupId(agent),
            granted_by=None,
            granted_at=self.world.wait(seconds=1),
        )
        people.grant(self.world.conn, given)
        return user

    def ask(self, what: str = "hello", **words: Any) -> ApprovalId:
        """The agent asks."""
        place = session_place(self.world.conn, self.session)
        assert place is not None
        with transaction(self.world.conn):
            return ask(
                self.world.conn,
                kind=cast("Kind", self.kind),
                subject=what,
                payload={"what": what},
                agent=place.agent_group.id,
                session=self.session,
                chat=place.session.messaging_group_id,
                mint=self.world.mint,
                now=self.world.now,
                **words,
            )

    @asynccontextmanager
    async def living(self, store: Store | None = None) -> AsyncIterator[Approvals]:
        """One life of the actor on *store*, if not its own, which has come to rest when the block begins."""
        channel = cast("Channel", Desk(frozenset(self.known), self.tried))

        def told() -> None:
            self.changed += 1

        actor = Approvals(
            store or self.store,
            HostClock(self.world),
            {CHANNEL: channel},
            {self.kind.name: cast("Kind", self.kind)},
            lambda _: None,
            told,
            TreeNode("approvals"),
            longest_sleep=1e9,
            mint=self.world.mint,
        )
        async with trio.open_nursery() as nursery:
            await nursery.start(actor.run)
            await wait_all_tasks_blocked()
            yield actor
            nursery.cancel_scope.cancel()

    async def look(self, actor: Approvals) -> None:
        """Have it look, and come to rest."""
        actor.look()
        await wait_all_tasks_blocked()

    def _token(self) -> str:
        """Numbered, so that every run is the same; they begin differently, as real ones do."""
        return hashlib.sha256(str(next(self._tokens)).encode()).hexdigest()[:26]

    def send(self, which: ApprovalId, to: str) -> Card:
        """A card for somebody, as the actor sends it, which has arrived."""
        place = Address(channel=CHANNEL, platform_id=f"dm-{to}")
        with transaction(self.world.conn):
            reaching.send_card(self.world.conn, which, UserId(to), place, token=self._token, now=self.world.now)
        self.arrive()
        return self.cards()[-1]

    def cards(self) -> list[Card]:
        """All that were sent, the first first."""
        return select(self.world.conn, Card, "SELECT * FROM approval_cards ORDER BY rowid")

    def arrive(self) -> None:
        """Whatever is to be sent has arrived."""
        for row in fetch(self.world.conn, "SELECT id FROM ledger WHERE state = 'pending'"):
            ledger.settle(
                self.world.conn,
                row["id"],  # type: ignore[arg-type]  # as it is stored
                LedgerState.DELIVERED,
                platform_message_id="p",
                now=self.world.now,
            )

    def tokens(self, card: Card) -> dict[str, str]:
        """What its buttons say, by their labels."""
        row = ledger.get(self.world.conn, card.ledger_id)
        assert row is not None
        asked = payloads.read_as(AskQuestion, row.content)
        return {option.label: option.value for option in asked.options}

    def press(self, card: Card, said_: str, *, by: str = "Boss", room: str | None = None, number: int = 900) -> Verdict:
        """Somebody presses a button."""
        event = said(number, room=room or card.platform_id, sender=by, is_group=False)
        choice = Choice(question=QuestionId(f"{PREFIX}{card.id}/{card.code}"), said=said_)
        return self.world.accept(evolve(event, text="", choice=choice))

    def state(self, which: ApprovalId) -> tuple[str, str | None]:
        """Where it stands, and what came of it."""
        found = approvals.get(self.world.conn, which)
        assert found is not None
        return found.state.value, found.result

    def told(self) -> list[str]:
        """What its agent was told, and woken by."""
        rows = fetch(
            self.world.conn, "SELECT content FROM inbound WHERE id LIKE 'note:approval:%' AND trigger = 1 ORDER BY seq"
        )
        return [payloads.read_as(payloads.SystemIn, str(row["content"])).text for row in rows]


def payloads_of(approval: Approval) -> dict[str, Any]:
    """What is to be done."""
    return cast("dict[str, Any]", json.loads(approval.payload))


def with_people() -> Case:
    """Three people: an owner, an admin of the agent that asks, and one of another agent; and a member."""
    case = Case()
    case.grant("boss")
    case.grant("chief", Role.ADMIN, "agt-nano")
    case.world.agent("other")
    case.grant("elsewhere", Role.ADMIN, "agt-other")
    case.world.user("member")
    return case


def typed(card: Card, text: str, *, by: str = "Boss", number: int = 900) -> InboundEvent:
    """Somebody writes where a card is."""
    return said(number, room=card.platform_id, text=text, sender=by, is_group=False)
