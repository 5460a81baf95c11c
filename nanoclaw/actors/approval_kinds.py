"""The kinds of approvals that this host knows, and those about strangers, which nobody has to ask for."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from attrs import frozen

from nanoclaw.actors.approving import Kind, Means, payload_of
from nanoclaw.core.approvals import CALLED
from nanoclaw.core.defaults import wiring_defaults
from nanoclaw.core.destinations import free_name
from nanoclaw.core.names import is_folder
from nanoclaw.errors import UsageError
from nanoclaw.model.approvals import Approval, ApprovalKind, Shown
from nanoclaw.model.entities import AgentGroup, MessagingGroup, Wiring
from nanoclaw.model.ids import AgentGroupId, UserId, WiringId
from nanoclaw.model.rights import Member
from nanoclaw.store import entities, events, kept, people, wirings
from nanoclaw.store.askings import CONNECT, SEEN_TO
from schema.sqlite import Connection


@frozen
class SenderKind:
    """Somebody may speak to an agent from now on."""

    name: ApprovalKind = ApprovalKind.SENDER

    def shown(self, conn: Connection, payload: Mapping[str, object]) -> Shown:
        """Ingress asks for this by itself."""
        raise UsageError("agents do not ask for this")

    def execute(self, conn: Connection, approval: Approval, means: Means) -> str:
        """Make them a member, and let the agent hear what was kept."""
        group = approval.agent_group_id
        if group is None or entities.agent_group(conn, group) is None:
            raise UsageError("the agent is no longer there")
        if approval.answer != SEEN_TO.value:
            _let_speak(conn, approval, group, means)
        return _heard(conn, approval, means, "they may speak to the agent")


@frozen
class ChatKind:
    """An agent hears a chat from now on."""

    name: ApprovalKind = ApprovalKind.CHAT

    def shown(self, conn: Connection, payload: Mapping[str, object]) -> Shown:
        """Ingress asks for this by itself."""
        raise UsageError("agents do not ask for this")

    def execute(self, conn: Connection, approval: Approval, means: Means) -> str:
        """Wire it, make whoever spoke there a member, and let the agent hear what was kept."""
        chat = entities.messaging_group_of(conn, approval.messaging_group_id)
        if chat is None:
            raise UsageError("the chat is no longer there")
        if approval.answer == SEEN_TO.value:
            return _heard(conn, approval, means, f"{chat.name} was wired by hand")
        found = _agent(conn, approval.answer or "", means)
        group = found.id
        if all(one.agent_group_id != group for one in wirings.wirings_of(conn, chat.id)):
            wirings.add_wiring(conn, _usual(chat, group, means), now=means.now)
        _let_speak(conn, approval, group, means)
        return _heard(conn, approval, means, f"{found.name} hears {chat.name}")


KINDS: Mapping[ApprovalKind, Kind] = {kind.name: kind for kind in (SenderKind(), ChatKind())}
"""By their names. One that needs more than `Means` is given to `house.build` besides."""


def _agent(conn: Connection, answer: str, means: Means) -> AgentGroup:
    """The agent group that *answer* chooses, made if it is to be a new one."""
    groups = entities.agent_groups(conn)
    if not answer.startswith(CALLED):
        wanted = AgentGroupId(answer.removeprefix(CONNECT))
        found = next((group for group in groups if group.id == wanted), None)
        if found is None:
            raise UsageError("the agent is no longer there")
        return found
    name = answer.removeprefix(CALLED)
    folder = free_name(name, means.folders | {group.folder for group in groups}, "agent")
    if not is_folder(folder):
        raise UsageError(f"{folder} cannot be a folder")
    made = AgentGroup(id=AgentGroupId(means.mint("agt")), name=name, folder=folder, created_at=means.now)
    entities.add_agent_group(conn, made)
    return made


def _let_speak(conn: Connection, approval: Approval, group: AgentGroupId, means: Means) -> None:
    payload = payload_of(approval)
    who = UserId(str(payload["sender_id"]))
    if all(user.id != who for user in people.users(conn)):
        people.note_user(conn, who, str(payload.get("sender", who)), now=means.now)
    member = Member(user_id=who, agent_group_id=group, added_by=approval.answered_by, added_at=means.now)
    people.add_member(conn, member)


def _heard(conn: Connection, approval: Approval, means: Means, done: str) -> str:
    found = kept.kept(conn, approval.id)
    if found is None:
        return f"{done}; what they said was not kept"
    event_id, event = found
    threaded = means.threaded.get(event.channel, False)
    heard = events.replay(conn, event_id, event, threaded=threaded, mint=means.mint, now=means.now)
    return f"{done}, and what they said is heard" if heard else f"{done}; what they said is for no agent"


def _usual(chat: MessagingGroup, group: AgentGroupId, means: Means) -> Wiring:
    usual = wiring_defaults(is_group=chat.is_group, threaded=means.threaded.get(chat.channel, False))
    return Wiring(
        id=WiringId(means.mint("wir")),
        messaging_group_id=chat.id,
        agent_group_id=group,
        priority=0,
        created_at=means.now,
        **attrs.asdict(usual),
    )
