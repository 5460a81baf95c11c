"""What of an old home is to be added here, what is here already, and what stays behind. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import TypeVar

import attrs
from attrs import define, field, frozen

from nanoclaw.core.destinations import name_of
from nanoclaw.core.engage import BadPattern, compile_pattern
from nanoclaw.importing.old import LeftBehind, OldDestination, OldDirectMessage, OldHome, OldRole, OldSession
from nanoclaw.importing.present import Present
from nanoclaw.importing.tasks import task_of
from nanoclaw.model.entities import AgentGroup, MessagingGroup, SessionKey, SessionMode, Wiring
from nanoclaw.model.ids import AgentGroupId, MessagingGroupId, SessionId, UserId
from nanoclaw.model.rights import Member, User
from nanoclaw.model.settings import ContainerSettings
from nanoclaw.model.tasks import Task
from nanoclaw.store.destinations import MadeBy, StoredDestination

T = TypeVar("T")
K = TypeVar("K")


@frozen(kw_only=True)
class NewSession:
    """A conversation to be made, with what its next runner is told again."""

    id: SessionId
    key: SessionKey
    provider_state: dict[str, str]
    created_at: datetime


@define(eq=False, kw_only=True)
class Plan:
    """Everything that is to be added, in values of today, and in an order that references allow."""

    agent_groups: list[AgentGroup] = field(factory=list[AgentGroup])
    chats: list[MessagingGroup] = field(factory=list[MessagingGroup])
    users: list[User] = field(factory=list[User])
    roles: list[OldRole] = field(factory=list[OldRole])
    members: list[Member] = field(factory=list[Member])
    destinations: list[StoredDestination] = field(factory=list[StoredDestination])
    wirings: list[Wiring] = field(factory=list[Wiring])
    direct_messages: list[OldDirectMessage] = field(factory=list[OldDirectMessage])
    settings: list[ContainerSettings] = field(factory=list[ContainerSettings])
    sessions: list[NewSession] = field(factory=list[NewSession])
    tasks: list[Task] = field(factory=list[Task])
    there: Counter[str] = field(factory=Counter[str])
    """How many of each kind are here already."""
    left: list[LeftBehind] = field(factory=list[LeftBehind])
    coming: frozenset[AgentGroupId] = frozenset()
    """The agent groups of the old home that are here, or will be."""

    def counts(self) -> Iterator[tuple[str, int, int]]:
        """Each kind, how many are new, and how many are here."""
        for name in KINDS:
            yield name.replace("_", " "), len(getattr(self, name)), self.there[name]

    @property
    def empty(self) -> bool:
        """Is there nothing to add?"""
        return not any(new for _, new, _ in self.counts())


KINDS = tuple(one.name for one in attrs.fields(Plan) if one.name not in {"there", "left", "coming"})


def plan(old: OldHome, here: Present, *, timezone: str = "UTC") -> Plan:
    """Compare *old* with what is *here*. The same chat is the same by its channel and platform id, whatever its id.

    *timezone* is what tasks are read in: an older home had one zone for all, and did not keep it.
    """
    made = Plan(left=list(old.left))
    _Planning(old, here, made, timezone).run()
    return made


@define(eq=False)
class _Planning:
    """One comparison. What is known of each kind grows as it goes: what came first decides."""

    old: OldHome
    here: Present
    plan: Plan
    timezone: str
    groups: set[AgentGroupId] = field(factory=set[AgentGroupId])
    chats: dict[MessagingGroupId, MessagingGroupId] = field(factory=dict[MessagingGroupId, MessagingGroupId])
    """From the old id of a chat to the one that it has here."""
    users: set[UserId] = field(factory=set[UserId])

    def run(self) -> None:
        """Kind by kind, so that each finds what it refers to."""
        self.agent_groups()
        self.messaging_groups()
        self.plan.coming = frozenset(self.groups)
        self.people()
        self.add_destinations()
        self.add_wirings()
        self.add_direct_messages()
        configured = set(self.here.settings)
        for one in self.old.settings:
            if one.agent_group_id in self.groups:
                self.add("settings", one, one.agent_group_id, configured, self.plan.settings)
        self.add_sessions()

    def add(self, kind: str, one: T, key: K, known: set[K], into: list[T]) -> None:
        """It is new unless its *key* is *known*, and known from now on."""
        if key in known:
            self.plan.there[kind] += 1
        else:
            known.add(key)
            into.append(one)

    def leave(self, what: str, why: str) -> None:
        self.plan.left.append(LeftBehind(what, why))

    def agent_groups(self) -> None:
        folders = dict(self.here.folders)
        for one in self.old.agent_groups:
            owner = folders.get(one.folder)
            if one.id in self.here.agent_groups:
                self.plan.there["agent_groups"] += 1
            elif owner is not None:
                why = f"the folder {one.folder!r} belongs to {owner} here: import into a home of its own"
                self.leave(f"agent group {one.name} and all that is its own", why)
                continue
            elif not is_old_folder(one.folder):
                self.leave(f"agent group {one.name} and all that is its own", f"{one.folder!r} is no name of a folder")
                continue
            else:
                self.plan.agent_groups.append(one)
                folders[one.folder] = one.name
            self.groups.add(one.id)

    def messaging_groups(self) -> None:
        known = dict(self.here.chats)
        for one in self.old.messaging_groups:
            place = (one.channel, one.platform_id)
            if place in known:
                self.plan.there["chats"] += 1
                self.chats[one.id] = known[place]
            else:
                self.plan.chats.append(one)
                known[place] = self.chats[one.id] = one.id

    def people(self) -> None:
        self.users = set(self.here.users)
        for user in self.old.users:
            self.add("users", user, user.id, self.users, self.plan.users)
        roles, members = set(self.here.roles), set(self.here.members)
        # A key with NULL in it let the same grant be given twice.
        for role in {(one.user_id, one.role, one.agent_group_id): one for one in reversed(self.old.roles)}.values():
            if self.stands("role", role.user_id, role.agent_group_id):
                given = attrs.evolve(role, granted_by=role.granted_by if role.granted_by in self.users else None)
                self.add("roles", given, (role.user_id, role.role, role.agent_group_id), roles, self.plan.roles)
        for member in self.old.members:
            if self.stands("membership", member.user_id, member.agent_group_id):
                added = attrs.evolve(member, added_by=member.added_by if member.added_by in self.users else None)
                self.add("members", added, (member.user_id, member.agent_group_id), members, self.plan.members)

    def stands(self, what: str, user: UserId, group: AgentGroupId | None) -> bool:
        """Are both there, or will be?"""
        if user in self.users and (group is None or group in self.groups):
            return True
        self.leave(f"{what} of {user}", "the user or the agent group does not come over")
        return False

    def add_destinations(self) -> None:
        names = {(one.agent_group_id, one.name) for one in self.here.destinations}
        targets: set[tuple[AgentGroupId, str | None]] = {
            (one.agent_group_id, one.messaging_group_id or one.target_agent_group_id) for one in self.here.destinations
        }
        wired = {(one.agent_group_id, self.chats.get(one.messaging_group_id)) for one in self.old.wirings}
        for one in self.old.destinations:
            target = self.chats.get(MessagingGroupId(one.target_id)) if one.target_type == "channel" else None
            agent = AgentGroupId(one.target_id) if one.target_type == "agent" else None
            what = f"destination {one.name} of {one.agent_group_id}"
            if one.agent_group_id not in self.groups or (target is None and agent not in self.groups):
                self.leave(what, "the agent group or what it leads to does not come over")
            elif (one.agent_group_id, target or agent) in targets:
                self.plan.there["destinations"] += 1
            elif one.name != name_of(one.name) or (one.agent_group_id, one.name) in names:
                self.leave(what, "its name is taken, or is none here")
            else:
                names.add((one.agent_group_id, one.name))
                targets.add((one.agent_group_id, target or agent))
                by = MadeBy.WIRING if (one.agent_group_id, target) in wired and target else MadeBy.OPERATOR
                self.plan.destinations.append(_destination(one, target, agent, by))

    def add_wirings(self) -> None:
        known = set(self.here.wirings)
        for one in self.old.wirings:
            chat = self.chats.get(one.messaging_group_id)
            if chat is None or one.agent_group_id not in self.groups:
                self.leave(f"wiring {one.id}", "the chat or the agent group does not come over")
            elif (one.agent_group_id, chat) in known:
                self.plan.there["wirings"] += 1
            elif isinstance(bad := compile_pattern(one.engage_pattern or "."), BadPattern):
                again = f"nanoclaw wirings create {chat} {one.agent_group_id} --engage-pattern …"
                why = f"its pattern {one.engage_pattern!r} is none of RE2 ({bad.why}): make it anew with {again}"
                self.leave(f"wiring {one.id}", why)
            else:
                known.add((one.agent_group_id, chat))
                self.plan.wirings.append(attrs.evolve(one, messaging_group_id=chat))

    def add_direct_messages(self) -> None:
        known = set(self.here.direct_messages)
        for one in self.old.direct_messages:
            chat = self.chats.get(one.messaging_group_id)
            if chat is None or one.user_id not in self.users:
                self.leave(f"address of {one.user_id}", "the user or the chat does not come over")
            else:
                mapped = attrs.evolve(one, messaging_group_id=chat)
                self.add("direct_messages", mapped, (one.user_id, one.channel), known, self.plan.direct_messages)

    def add_sessions(self) -> None:
        """One session for each place; of several for one, the last to be active keeps what its runner knew."""
        shared = {
            (one.agent_group_id, self.chats.get(one.messaging_group_id))
            for one in self.old.wirings
            if one.session_mode is SessionMode.AGENT_SHARED
        }
        known = dict(self.here.sessions)
        for one in sorted(self.old.sessions, key=lambda it: (it.last_active, it.id), reverse=True):
            chat = None if one.messaging_group_id is None else self.chats.get(one.messaging_group_id)
            if one.agent_group_id not in self.groups or (chat is None and one.messaging_group_id is not None):
                self.leave(f"session {one.id}", "the chat or the agent group does not come over")
                continue
            together = chat is None or (one.agent_group_id, chat) in shared
            key = SessionKey(
                agent_group_id=one.agent_group_id,
                messaging_group_id=None if together else chat,
                thread_id=None if together else one.thread_id,
            )
            self.say_what_stays(one)
            if known.get(key) == one.id:
                self.plan.there["sessions"] += 1
            elif key in known:
                why = f"its place has the session {known[key]}, which is used more lately or was here before"
                self.leave(f"the model's thread of session {one.id}", why)
            else:
                known[key] = one.id
                new = NewSession(id=one.id, key=key, provider_state=one.continuations, created_at=one.created_at)
                self.plan.sessions.append(new)
            self.add_tasks(one, known[key])

    def say_what_stays(self, one: OldSession) -> None:
        if one.waiting:
            why = "nobody has answered them: answer them in the old home first, or have them sent again"
            self.leave(f"{one.waiting} waiting messages of session {one.id}", why)
        if one.history:
            self.leave(f"{one.history} messages of session {one.id}", "what was said stays in the old home")

    def add_tasks(self, one: OldSession, session: SessionId) -> None:
        for task in one.tasks:
            if task.id in self.here.tasks:
                self.plan.there["tasks"] += 1
                continue
            self.plan.tasks.append(task_of(task, session, timezone=self.timezone))


def is_old_folder(name: str) -> bool:
    """Was that a folder in v2? It allowed capitals; nothing else that is not allowed today."""
    plain = name.replace("-", "a").replace("_", "a")
    return plain.isascii() and plain.isalnum() and name[0].isalnum() and len(name) <= 64 and name.lower() != "global"


def _destination(
    one: OldDestination, chat: MessagingGroupId | None, agent: AgentGroupId | None, by: MadeBy
) -> StoredDestination:
    return StoredDestination(
        agent_group_id=one.agent_group_id,
        name=one.name,
        messaging_group_id=chat,
        target_agent_group_id=agent,
        made_by=by,
        created_at=one.created_at,
    )
