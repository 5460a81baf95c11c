"""An agent that asks something of the host, and what it is told."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import attrs
from attrs import define, field

from nanoclaw.actors import requests
from nanoclaw.actors.asker import Asker
from nanoclaw.model.entities import SessionPlace
from nanoclaw.model.ids import AgentGroupId, EpochNumber, InboundId, RoleId, UserId
from nanoclaw.model.messages import EpochEnding
from nanoclaw.model.rights import Grant, Role
from nanoclaw.model.settings import AdminScope, ContainerSettings
from nanoclaw.store import epochs, people
from nanoclaw.store.sessions import session_place
from nanoclaw.store.settings import set_settings, settings_of
from schema import payloads
from schema.payloads import SystemOut
from schema.requests import ADD_MCP_SERVER, NAMES, Asked
from schema.rows import InKind
from schema.sqlite import Row, execute, fetch, transaction
from tests.actors.programs import Disk
from tests.support.central import NOW, ROOM, World
from tests.support.central import said as event

BERLIN = "Europe/Berlin"


@define
class Case:
    """An agent in its session, and another session that must never notice."""

    world: World = field(factory=World)
    place: SessionPlace = field(init=False)
    epoch: EpochNumber = field(init=False)
    asked: int = 0
    handled: requests.Handled = field(default=requests.Handled(new=False), init=False)
    """What the last request came to."""
    more: Mapping[str, requests.Handler] = requests.NONE
    """Handlers besides those that there are in any case."""
    disk: Disk = field(factory=Disk)
    """What is in the agent's own folder, and what reads it."""
    folders: Collection[str] = ()
    """What is on the disk where agents' folders are."""

    def __attrs_post_init__(self) -> None:
        session = self.world.session("nano", room="room")
        self.epoch = self.world.epoch(session)
        found = session_place(self.world.conn, session)
        assert found is not None
        self.place = found

    def ask(self, request: Asked) -> str:
        """Ask for something; what the agent is told."""
        return self.say(NAMES[type(request)], payloads.write(request))

    def say(self, action: str, arguments: str) -> str:
        """Ask in the runner's own words; what the agent is told."""
        self.asked += 1
        asker = Asker(
            place=self.place,
            epoch=self.epoch,
            origin=ROOM,
            timezone=BERLIN,
            programs=self.disk.asked(arguments) if action == ADD_MCP_SERVER else None,
            folders=frozenset(self.folders),
        )
        with transaction(self.world.conn):
            said = SystemOut(action=action, arguments=arguments)
            self.handled = requests.handle(
                self.world.conn, asker, f"r{self.asked}", said, "digest", more=self.more, now=self.world.now
            )
        assert self.handled.new
        return str(self.notes()[-1]["content"])

    def notes(self) -> list[Row]:
        """What the agent was told."""
        return fetch(self.world.conn, "SELECT * FROM inbound WHERE kind = 'system' ORDER BY seq")

    @property
    def agent(self) -> AgentGroupId:
        """Who asks."""
        return self.place.agent_group.id

    def may(self, scope: AdminScope) -> None:
        """Let the agent do so much."""
        has = settings_of(self.world.conn, self.agent) or ContainerSettings(agent_group_id=self.agent, updated_at=NOW)
        set_settings(self.world.conn, attrs.evolve(has, admin_scope=scope))

    def owner(self, name: str = "ada") -> UserId:
        """Somebody who owns everything."""
        user = self.world.user(name)
        role = Grant(
            id=RoleId(f"role-{name}"),
            user_id=user,
            role=Role.OWNER,
            agent_group_id=None,
            granted_by=None,
            granted_at=NOW,
        )
        people.grant(self.world.conn, role)
        return user

    def hears(self, sender: str) -> InboundId:
        """Somebody says something to it, which it has not settled."""
        self.world.accept(event(len(self.rows()) + 1, sender=sender))
        return InboundId(str(self.rows()[-1]["id"]))

    def begin_anew(self) -> None:
        """Its sandbox ends, and another one begins."""
        session = self.place.session.id
        epochs.end(self.world.conn, session, self.epoch, EpochEnding.EXITED, "", now=self.world.now)
        self.epoch = self.world.epoch(session)

    def settled(self, row: InboundId) -> None:
        """What was said is answered."""
        execute(self.world.conn, "UPDATE inbound SET status = 'completed', settled_at = timestamp WHERE id = ?", (row,))

    def settle_notes(self) -> None:
        """All that it was told is read."""
        execute(
            self.world.conn,
            "UPDATE inbound SET status = 'completed', settled_at = timestamp"
            " WHERE kind = 'system' AND status = 'pending'",
        )

    def rows(self) -> list[Row]:
        """What people said to it."""
        return fetch(self.world.conn, "SELECT * FROM inbound WHERE kind = ? ORDER BY seq", (InKind.CHAT.value,))
