"""Events, edits, admin changes, restarts and crashes in any order: the home stays what the naive one says."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from nanoclaw.model.entities import MessagingGroup, UnknownSenderPolicy, Wiring
from nanoclaw.model.ids import AgentGroupId, UserId
from nanoclaw.model.messages import InboundEvent, Revision, RevisionKind
from nanoclaw.model.rights import Rights
from nanoclaw.store import entities, events, inbound, people, wirings
from nanoclaw.store.migrate import migrate
from nanoclaw.store.revisions import revise
from schema import files, sqlite
from schema.sqlite import IN_MEMORY, Journal, Synchronous, execute, transaction
from tests.routing import comparing, strategies
from tests.routing.homes import SENDERS, furnish, give, tell
from tests.routing.listening import Listening
from tests.routing.model import Model
from tests.support.central import World, everything

pytestmark = pytest.mark.timeout(0)  # a failure is made small before it is shown, and a soak takes hours

ANY = st.integers(0, 1_000)
"""Picks one of however many there are."""
WORD = "kumquat{}x"
"""What each message says, and no other."""


class RoutingMachine(RuleBasedStateMachine):
    """Every rule is one transaction of the host, or its end."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.model = Model(threaded=False, chat=None, wirings=[])
        self.told: list[InboundEvent] = []
        self.revisions = 0
        self.listeners = Listening(self.world.conn)

    @initialize(threaded=st.booleans(), chat=st.none() | strategies.chats, wired=strategies.wired())
    def begin(self, threaded: bool, chat: MessagingGroup | None, wired: list[Wiring]) -> None:
        if chat is not None and wired:
            chat = attrs.evolve(chat, denied_at=None)
        self.model = furnish(self.world, (threaded, chat, wired, {}))

    @rule(event=strategies.events())
    def say(self, event: InboundEvent) -> None:
        number = len(self.told) + 1
        event = attrs.evolve(event, platform_message_id=str(number), text=f"{event.text} {WORD.format(number)}")
        self.told.append(event)
        with self.listeners.expecting(event):
            tell(self.world, self.model, event)

    @rule()
    def look_who_listens(self) -> None:
        self.listeners.look()

    @precondition(lambda self: self.told)
    @rule(which=ANY, mention=st.booleans())
    def say_again(self, which: int, mention: bool) -> None:
        event = attrs.evolve(self.told[which % len(self.told)], mention=mention)
        known = self.model.events.get(event.platform_message_id)
        before = everything(self.world.conn)
        tell(self.world, self.model, event)
        if known is not None and (known or not mention):
            assert everything(self.world.conn) == before

    @precondition(lambda self: self.told)
    @rule(
        which=ANY,
        deletes=st.booleans(),
        text=strategies.texts,
        sender=st.sampled_from(SENDERS),
        times=st.integers(1, 2),
    )
    def revise(self, which: int, deletes: bool, text: str, sender: UserId, times: int) -> None:
        message = str(which % len(self.told) + 1)
        self.revisions += 1
        change = Revision(
            channel=self.told[0].channel,
            platform_message_id=message,
            revision=str(self.revisions),
            kind=RevisionKind.DELETION if deletes else RevisionKind.EDIT,
            sender_id=sender,
            sender="Ada",
            text="" if deletes else text,
        )
        with transaction(self.world.conn):
            revise(self.world.conn, change, now=self.world.now)
            again = revise(self.world.conn, change, now=self.world.now)
        assert again == ()
        if deletes:
            self.model.delete(message)

    @precondition(lambda self: self.model.sessions)
    @rule(which=ANY)
    def answer(self, which: int) -> None:
        key = sorted(self.model.sessions, key=str)[which % len(self.model.sessions)]
        session = comparing.sessions_of(self.world)[key]
        for row in inbound.open_rows(self.world.conn, session):
            inbound.settle(self.world.conn, row.id, error=None, now=self.world.now)
        self.model.settle(key)

    @precondition(lambda self: self.model.chat is not None)
    @rule(data=st.data(), agent=strategies.agents)
    def wire(self, data: st.DataObject, agent: AgentGroupId) -> None:
        """A wiring that is not there is made; one that is there changes, or goes."""
        assert self.model.chat is not None
        drawn = attrs.evolve(data.draw(strategies.wirings(agent)), messaging_group_id=self.model.chat.id)
        there = [wiring for wiring in self.model.wirings if wiring.agent_group_id == agent]
        if not there:
            wirings.add_wiring(self.world.conn, drawn, now=self.world.now)
            self.model.wirings.append(drawn)
            self.model.chat = attrs.evolve(self.model.chat, denied_at=None)
        elif data.draw(st.booleans()):
            wirings.delete_wiring(self.world.conn, there[0])
            self.model.unwire(there[0])
        else:
            wirings.update_wiring(self.world.conn, drawn)
            self.model.wirings[self.model.wirings.index(there[0])] = drawn

    @precondition(lambda self: self.model.chat is not None)
    @rule(policy=st.sampled_from(UnknownSenderPolicy), is_group=st.booleans(), denied=st.booleans())
    def change_chat(self, policy: UnknownSenderPolicy, is_group: bool, denied: bool) -> None:
        assert self.model.chat is not None
        self.model.chat = attrs.evolve(
            self.model.chat,
            unknown_sender_policy=policy,
            is_group=is_group,
            denied_at=self.world.now if denied and not self.model.wirings else None,
        )
        entities.update_messaging_group(self.world.conn, self.model.chat)

    @rule(user=st.sampled_from(SENDERS), rights=strategies.rights)
    def change_rights(self, user: UserId, rights: Rights) -> None:
        for given in people.grants(self.world.conn):
            if given.user_id == user:
                people.revoke(self.world.conn, user, given.role, given.agent_group_id)
        for member in people.members(self.world.conn):
            if member.user_id == user:
                people.remove_member(self.world.conn, user, member.agent_group_id)
        give(self.world, user, rights)
        self.model.rights[user] = rights
        assert people.rights_of(self.world.conn, user) == rights

    @rule(event=strategies.events(), commits=st.booleans())
    def crash(self, event: InboundEvent, commits: bool) -> None:
        """The host dies: with nothing half done, or in the middle of taking in what its platform will tell again."""
        durable = bytes(self.world.conn.serialize("main"))
        if not commits:
            execute(self.world.conn, "BEGIN IMMEDIATE")
            unfinished = attrs.evolve(event, platform_message_id="unfinished")
            events.accept(
                self.world.conn,
                unfinished,
                threaded=self.model.threaded,
                mint=self.world.mint,
                now=self.world.now,
            )
        self.world.conn.close()
        self.world.conn = sqlite.open_read_write(IN_MEMORY, Journal.WAL, Synchronous.FULL)
        self.world.conn.deserialize("main", durable)
        migrate(self.world.conn, files.central_ddl())
        self.listeners = Listening(self.world.conn)

    @invariant()
    def the_home_is_the_naive_one(self) -> None:
        comparing.compare(self.world, self.model)
        secrets = {event.platform_message_id: WORD.format(number) for number, event in enumerate(self.told, 1)}
        comparing.assert_unheard(self.world, self.model, secrets)

    def teardown(self) -> None:
        self.world.conn.close()


TestRouting = RoutingMachine.TestCase
TestRouting.settings = settings(stateful_step_count=20)
