"""Who may what: roles, memberships, and what both amount to for one agent group."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from attrs import frozen

from nanoclaw.model.ids import AgentGroupId, RoleId, UserId


class Role(Enum):
    """A privilege. An owner's is always global; an admin's may be for one agent group."""

    OWNER = "owner"
    ADMIN = "admin"


@frozen(kw_only=True)
class User:
    """Somebody on one platform."""

    id: UserId
    display_name: str
    first_seen: datetime


@frozen(kw_only=True)
class Grant:
    """A role that somebody has."""

    id: RoleId
    user_id: UserId
    role: Role
    agent_group_id: AgentGroupId | None
    """None: for all of them."""
    granted_by: UserId | None
    granted_at: datetime


@frozen(kw_only=True)
class Member:
    """Somebody who may speak to an agent group."""

    user_id: UserId
    agent_group_id: AgentGroupId
    added_by: UserId | None
    added_at: datetime


@frozen(kw_only=True)
class Rights:
    """All that one person has been given."""

    owner: bool = False
    global_admin: bool = False
    admin_of: frozenset[AgentGroupId] = frozenset()
    member_of: frozenset[AgentGroupId] = frozenset()


class Standing(Enum):
    """What somebody is to one agent group: the highest of what they were given."""

    OWNER = "owner"
    GLOBAL_ADMIN = "global admin"
    ADMIN = "admin"
    MEMBER = "member"
    STRANGER = "stranger"
