"""A real home and the naive one side by side: furnished alike, and told the same."""

from __future__ import annotations

import attrs

from nanoclaw.model.entities import MessagingGroup, Wiring
from nanoclaw.model.ids import RoleId, UserId
from nanoclaw.model.messages import InboundEvent
from nanoclaw.model.rights import Grant, Member, Rights, Role
from nanoclaw.store import entities, people, wirings
from nanoclaw.store.events import Accepted, Decided, Duplicate, Ignored
from tests.routing import comparing, strategies
from tests.routing.model import Model
from tests.support.central import CHANNEL, World

SENDERS = (UserId(f"{CHANNEL}:ada"), UserId(f"{CHANNEL}:eve"))
Drawn = tuple[bool, MessagingGroup | None, list[Wiring], dict[UserId, Rights]]
"""Does the channel have threads, the chat, who hears it, and who may what."""


def furnish(world: World, drawn: Drawn) -> Model:
    """The drawn chat, wirings and rights, in the home and in the model."""
    threaded, chat, wired, rights = drawn
    for agent in strategies.AGENTS:
        world.agent(agent.removeprefix("agt-"))
    if chat is not None:
        entities.add_messaging_group(world.conn, attrs.evolve(chat, denied_at=None if wired else chat.denied_at))
        for wiring in wired:
            wirings.add_wiring(world.conn, wiring, now=world.now)
    for user, given_rights in rights.items():
        give(world, user, given_rights)
    return Model(threaded=threaded, chat=chat, wirings=[] if chat is None else list(wired), rights=dict(rights))


def give(world: World, user: UserId, rights: Rights) -> None:
    """Those rights, as rows."""
    people.note_user(world.conn, user, user, now=world.now)
    roles = [(Role.OWNER, None)] * rights.owner + [(Role.ADMIN, None)] * rights.global_admin
    for role, group in [*roles, *((Role.ADMIN, group) for group in sorted(rights.admin_of))]:
        people.grant(
            world.conn,
            Grant(
                id=RoleId(world.mint("role")),
                user_id=user,
                role=role,
                agent_group_id=group,
                granted_by=None,
                granted_at=world.now,
            ),
        )
    for group in rights.member_of:
        people.add_member(world.conn, Member(user_id=user, agent_group_id=group, added_by=None, added_at=world.now))


def tell(world: World, model: Model, event: InboundEvent) -> None:
    """Tell both, and compare what they answer."""
    verdict = world.accept(event, threaded=model.threaded)
    heard = model.accept(event)
    assert not isinstance(verdict, Decided)
    match verdict:
        case Duplicate():
            assert heard.known
        case Accepted(woken=woken, kept=kept, subscribe=subscribe):
            there = {session: key for key, session in comparing.sessions_of(world).items()}
            assert {there[session] for session in woken} == heard.woken
            assert {there[session] for session in kept} == heard.kept
            assert len(woken) + len(kept) == len(heard.woken) + len(heard.kept)
            assert subscribe == heard.subscribe
        case Ignored(event=found):
            assert not heard.known
            assert not heard.woken | heard.kept
            assert (found is None) == heard.silent
    if model.chat is None and event.mention:
        # It is known from now on, and heard by nobody.
        model.chat = entities.messaging_group(world.conn, event.channel, event.platform_id)
