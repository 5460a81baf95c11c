"""Adds what an import's plan says, in one transaction: all of it, or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

from nanoclaw.importing.old import OldHome
from nanoclaw.importing.plan import Plan, plan
from nanoclaw.importing.present import look
from nanoclaw.model.ids import RoleId
from nanoclaw.model.rights import Grant
from nanoclaw.store import destinations, direct_messages, entities, people, sessions, settings, tasks, wirings
from schema.sqlite import Connection


def apply(conn: Connection, old: OldHome, *, timezone: str = "UTC", mint: Callable[[str], str], now: datetime) -> Plan:
    """Compare *old* with what is here and add the difference; returns it. The same again adds nothing."""
    made = plan(old, look(conn), timezone=timezone)
    _add_people_and_places(conn, made, mint)
    _add_what_joins_them(conn, made, now)
    return made


def _add_people_and_places(conn: Connection, made: Plan, mint: Callable[[str], str]) -> None:
    for group in made.agent_groups:
        entities.add_agent_group(conn, group)
    for chat in made.chats:
        entities.add_messaging_group(conn, chat)
    for user in made.users:
        people.note_user(conn, user.id, user.display_name, now=user.first_seen)
    for role in made.roles:
        given = Grant(
            id=RoleId(mint("role")),
            user_id=role.user_id,
            role=role.role,
            agent_group_id=role.agent_group_id,
            granted_by=role.granted_by,
            granted_at=role.granted_at,
        )
        people.grant(conn, given)
    for member in made.members:
        people.add_member(conn, member)


def _add_what_joins_them(conn: Connection, made: Plan, now: datetime) -> None:
    # Before the wirings, which would give the same places names of their own.
    for destination in made.destinations:
        destinations.add(conn, destination)
    for wiring in made.wirings:
        wirings.add_wiring(conn, wiring, now=now)
    for found in made.direct_messages:
        direct_messages.remember(
            conn, found.user_id, found.channel, found.messaging_group_id, resolved_at=found.resolved_at
        )
    for one in made.settings:
        settings.set_settings(conn, one)
    for session in made.sessions:
        sessions.add_session(conn, session.id, session.key, now=session.created_at)
        sessions.save_provider_state(conn, session.id, json.dumps(session.provider_state))
    for task in made.tasks:
        tasks.keep(conn, task)
