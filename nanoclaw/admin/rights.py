"""`nanoclaw roles` and `nanoclaw members`: who manages agents, and who may speak to them."""

from __future__ import annotations

from typing import Annotated

from attrs import frozen

from nanoclaw.admin import references
from nanoclaw.admin.verb import Answer, Line, Request, Says, Verb
from nanoclaw.errors import UsageError
from nanoclaw.model.approvals import ApprovalKind
from nanoclaw.model.entities import AgentGroup
from nanoclaw.model.ids import UNVERIFIED, AgentGroupId, RoleId, UserId
from nanoclaw.model.rights import Grant, Member, Role
from nanoclaw.store import people
from nanoclaw.store.approvals import decide, matching
from nanoclaw.store.askings import SEEN_TO
from nanoclaw.store.entities import agent_groups
from schema.sqlite import Connection

USER = Says("their id, CHANNEL:PLATFORM-ID, or their name", positional=True)
GROUP = Says("the agent group", positional=True)
ALL_GROUPS = "all"


@frozen(kw_only=True)
class List:
    """Which ones."""

    user: Annotated[str | None, Says("only this person's")] = None
    group: Annotated[str | None, Says("only those for this agent group")] = None


@frozen(kw_only=True)
class OneRole:
    """A role of somebody."""

    user: Annotated[str, USER]
    role: Annotated[Role, Says("an owner's is for all agent groups", positional=True)]
    group: Annotated[str | None, Says("an admin's agent group; without it, all of them")] = None


@frozen(kw_only=True)
class OneMember:
    """Somebody and an agent group."""

    user: Annotated[str, USER]
    group: Annotated[str, GROUP]


def list_roles(conn: Connection, asked: List, _: Request) -> Answer:
    """Who is owner, and who is admin of what."""
    user, group = _filters(conn, asked)
    rows = tuple(
        _role_line(conn, given)
        for given in people.grants(conn)
        if user in (None, given.user_id) and group in (None, given.agent_group_id)
    )
    return Answer(rows=rows, said=None if rows else "nobody: give somebody a role with nanoclaw roles grant USER ROLE")


def grant(conn: Connection, asked: OneRole, request: Request) -> Answer:
    """Make somebody owner, or admin of all agent groups or of one."""
    user = references.user(conn, asked.user)
    if user.id.partition(":")[2].startswith(UNVERIFIED):
        raise UsageError(f"{user.id} gets no role: nothing vouches for who that is, so everybody can be them")
    group = _scope(conn, asked)
    given = Grant(
        id=RoleId(request.mint("role")),
        user_id=user.id,
        role=asked.role,
        agent_group_id=None if group is None else group.id,
        granted_by=request.operator,
        granted_at=request.now,
    )
    people.grant(conn, given)
    _let_speak(conn, user.id, None if group is None else group.id, request)
    where = "all agent groups" if group is None else group.name
    return Answer(
        rows=(_role_line(conn, given),), one=True, said=f"{user.display_name} is {asked.role.value} of {where}"
    )


def revoke(conn: Connection, asked: OneRole, request: Request) -> Answer:
    """Take a role away."""
    user = references.user(conn, asked.user)
    group = _scope(conn, asked)
    scope = None if group is None else group.id
    what = f"{asked.role.value} of {'all agent groups' if group is None else group.name}"
    has = [given for given in people.grants(conn) if given.user_id == user.id]
    if not any((given.role, given.agent_group_id) == (asked.role, scope) for given in has):
        raise UsageError(f"{user.display_name} is not {what}: nanoclaw roles list --user {user.id} shows what they are")
    owners = {given.user_id for given in people.grants(conn) if given.role is Role.OWNER}
    if asked.role is Role.OWNER and owners == {user.id}:
        raise UsageError(f"{user.display_name} is the only owner: make another one first, with nanoclaw roles grant")
    request.confirm(f"{user.display_name} ({user.id}) shall no longer be {what}?")
    people.revoke(conn, user.id, asked.role, scope)
    return Answer(one=True, said=f"{user.display_name} is no longer {what}")


def list_members(conn: Connection, asked: List, _: Request) -> Answer:
    """Who may speak to which agent without managing it."""
    user, group = _filters(conn, asked)
    rows = tuple(
        _member_line(conn, member)
        for member in people.members(conn)
        if user in (None, member.user_id) and group in (None, member.agent_group_id)
    )
    return Answer(rows=rows, said=None if rows else "nobody: let somebody speak with nanoclaw members add USER GROUP")


def add_member(conn: Connection, asked: OneMember, request: Request) -> Answer:
    """Let somebody speak to an agent, in every chat that it hears."""
    user, group = references.user(conn, asked.user), references.agent_group(conn, asked.group)
    member = Member(user_id=user.id, agent_group_id=group.id, added_by=request.operator, added_at=request.now)
    people.add_member(conn, member)
    _let_speak(conn, user.id, group.id, request)
    return Answer(
        rows=(_member_line(conn, member),), one=True, said=f"{user.display_name} may speak to {group.name} from now on"
    )


def remove_member(conn: Connection, asked: OneMember, request: Request) -> Answer:
    """Take that away."""
    user, group = references.user(conn, asked.user), references.agent_group(conn, asked.group)
    if all((one.user_id, one.agent_group_id) != (user.id, group.id) for one in people.members(conn)):
        raise UsageError(f"{user.display_name} is no member of {group.name}: nanoclaw members list shows who is")
    request.confirm(f"{user.display_name} ({user.id}) shall no longer be a member of {group.name}?")
    people.remove_member(conn, user.id, group.id)
    return Answer(one=True, said=f"{user.display_name} is no member of {group.name} any more")


def _filters(conn: Connection, asked: List) -> tuple[UserId | None, AgentGroupId | None]:
    return (
        None if asked.user is None else references.user(conn, asked.user).id,
        None if asked.group is None else references.agent_group(conn, asked.group).id,
    )


def _scope(conn: Connection, asked: OneRole) -> AgentGroup | None:
    if asked.group is None:
        return None
    if asked.role is Role.OWNER:
        raise UsageError("an owner owns everything: leave --group out, or make them admin of that agent group")
    return references.agent_group(conn, asked.group)


def _let_speak(conn: Connection, user: UserId, group: AgentGroupId | None, request: Request) -> None:
    """What was asked for is done, for that agent group or for all; what they said meanwhile is still to be heard."""
    for waiting in matching(conn, ApprovalKind.SENDER, agent=group, sender=user):
        decide(conn, waiting.id, SEEN_TO, by=request.operator, now=request.now)


def _names(conn: Connection) -> tuple[dict[UserId, str], dict[AgentGroupId | None, str]]:
    groups: dict[AgentGroupId | None, str] = {group.id: group.name for group in agent_groups(conn)}
    return {user.id: user.display_name for user in people.users(conn)}, {None: ALL_GROUPS} | groups


def _role_line(conn: Connection, given: Grant) -> Line:
    users, groups = _names(conn)
    return {
        "user": f"{users[given.user_id]} ({given.user_id})",
        "user_id": given.user_id,
        "role": given.role.value,
        "group": groups[given.agent_group_id],
        "group_id": given.agent_group_id,
        "granted_by": given.granted_by,
    }


def _member_line(conn: Connection, member: Member) -> Line:
    users, groups = _names(conn)
    return {
        "user": f"{users[member.user_id]} ({member.user_id})",
        "user_id": member.user_id,
        "group": groups[member.agent_group_id],
        "group_id": member.agent_group_id,
        "added_by": member.added_by,
    }


VERBS = (
    Verb("roles", "list", List, list_roles),
    Verb("roles", "grant", OneRole, grant, writes=True),
    Verb("roles", "revoke", OneRole, revoke, writes=True, destroys=True),
    Verb("members", "list", List, list_members),
    Verb("members", "add", OneMember, add_member, writes=True),
    Verb("members", "remove", OneMember, remove_member, writes=True, destroys=True),
)
