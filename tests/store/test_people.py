"""Users, roles and memberships."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.model.ids import AgentGroupId, RoleId, UserId
from nanoclaw.model.rights import Grant, Member, Rights, Role, User
from nanoclaw.store import people
from schema.sqlite import ConstraintError, fetch
from tests.support.central import NOW, World, everything

ADA, EVE = UserId("test:ada"), UserId("test:eve")
ONE, TWO = AgentGroupId("agt-one"), AgentGroupId("agt-two")


def furnished() -> World:
    """Two users and two agents."""
    world = World()
    for name in ("ada", "eve"):
        world.user(name)
    for name in ("one", "two"):
        world.agent(name)
    return world


def role(role: Role, group: AgentGroupId | None = None, *, user: UserId = ADA) -> Grant:
    """A role that is given."""
    return Grant(
        id=RoleId(f"{user}/{role.value}/{group}"),
        user_id=user,
        role=role,
        agent_group_id=group,
        granted_by=None,
        granted_at=NOW,
    )


def member(group: AgentGroupId, *, user: UserId = ADA) -> Member:
    """A membership that is given."""
    return Member(user_id=user, agent_group_id=group, added_by=None, added_at=NOW)


def test_a_user_keeps_the_first_day_and_gets_the_latest_name() -> None:
    world = World()
    for days, name in enumerate(["Ada", "Ada", "Countess Lovelace"]):
        people.note_user(world.conn, ADA, name, now=NOW + timedelta(days=days))
    assert fetch(world.conn, "SELECT * FROM users") == [
        {"id": ADA, "display_name": "Countess Lovelace", "first_seen": "2026-04-16T14:37:00.000Z"}
    ]


def test_noting_a_user_again_by_the_same_name_writes_nothing() -> None:
    world = World()
    people.note_user(world.conn, ADA, "Ada", now=NOW)
    before = world.conn.total_changes()
    people.note_user(world.conn, ADA, "Ada", now=NOW)
    assert world.conn.total_changes() == before


@given(
    owner=st.booleans(),
    global_admin=st.booleans(),
    admin_of=st.sets(st.sampled_from([ONE, TWO])),
    member_of=st.sets(st.sampled_from([ONE, TWO])),
)
def test_rights_are_all_that_somebody_was_given_and_nothing_of_what_others_were(
    *, owner: bool, global_admin: bool, admin_of: set[AgentGroupId], member_of: set[AgentGroupId]
) -> None:
    world = furnished()
    given_roles = [role(Role.OWNER)] * owner + [role(Role.ADMIN)] * global_admin
    for grant in [*given_roles, *(role(Role.ADMIN, group) for group in admin_of)]:
        people.grant(world.conn, grant)
    for group in member_of:
        people.add_member(world.conn, member(group))
    for theirs in (role(Role.OWNER, user=EVE), role(Role.ADMIN, user=EVE), role(Role.ADMIN, ONE, user=EVE)):
        people.grant(world.conn, theirs)
    people.add_member(world.conn, member(TWO, user=EVE))
    assert people.rights_of(world.conn, ADA) == Rights(
        owner=owner, global_admin=global_admin, admin_of=frozenset(admin_of), member_of=frozenset(member_of)
    )
    assert people.rights_of(world.conn, EVE) == Rights(
        owner=True, global_admin=True, admin_of=frozenset({ONE}), member_of=frozenset({TWO})
    )


def test_who_was_given_nothing_may_nothing() -> None:
    world = furnished()
    people.grant(world.conn, role(Role.OWNER, user=EVE))
    assert people.rights_of(world.conn, ADA) == Rights()
    assert people.rights_of(world.conn, UserId("test:nobody")) == Rights()


@pytest.mark.parametrize("given_role", [role(Role.OWNER), role(Role.ADMIN), role(Role.ADMIN, ONE)])
def test_a_role_is_given_once_and_taken_away_at_once(given_role: Grant) -> None:
    world = furnished()
    before = everything(world.conn)
    people.grant(world.conn, given_role)
    people.grant(world.conn, evolve(given_role, id=RoleId("another"), granted_by=EVE))
    assert people.grants(world.conn) == [given_role]
    people.revoke(world.conn, ADA, given_role.role, given_role.agent_group_id)
    assert everything(world.conn) == before
    people.revoke(world.conn, ADA, given_role.role, given_role.agent_group_id)
    assert everything(world.conn) == before


def test_taking_a_role_away_takes_that_one_and_no_other() -> None:
    world = furnished()
    all_roles = [role(Role.OWNER), role(Role.ADMIN), role(Role.ADMIN, ONE), role(Role.ADMIN, TWO)]
    all_roles += [evolve(each, id=RoleId(f"eve/{each.id}"), user_id=EVE) for each in all_roles]
    for gone in all_roles:
        for each in all_roles:
            people.grant(world.conn, each)
        people.revoke(world.conn, gone.user_id, gone.role, gone.agent_group_id)
        assert set(people.grants(world.conn)) == {each for each in all_roles if each != gone}


def test_an_owner_is_one_of_all_agents() -> None:
    with pytest.raises(ConstraintError):
        people.grant(furnished().conn, role(Role.OWNER, ONE))


@pytest.mark.parametrize(("user", "group"), [(UserId("test:nobody"), ONE), (ADA, AgentGroupId("agt-nobody"))])
def test_rights_are_given_to_those_and_for_those_who_are_there(user: UserId, group: AgentGroupId) -> None:
    world = furnished()
    with pytest.raises(ConstraintError):
        people.grant(world.conn, role(Role.ADMIN, group, user=user))
    with pytest.raises(ConstraintError):
        people.add_member(world.conn, member(group, user=user))


def test_owners_are_listed_before_admins_of_all_and_those_before_admins_of_one() -> None:
    world = furnished()
    listed = [
        role(Role.OWNER, user=EVE),
        role(Role.ADMIN),
        role(Role.ADMIN, user=EVE),
        role(Role.ADMIN, ONE, user=EVE),
        role(Role.ADMIN, TWO),
    ]
    for each in reversed(listed):
        people.grant(world.conn, each)
    assert people.grants(world.conn) == listed


def test_a_member_is_one_once_and_of_one_agent_until_taken_away() -> None:
    world = furnished()
    for each in (member(TWO), member(ONE), member(ONE, user=EVE), evolve(member(ONE), added_by=EVE)):
        people.add_member(world.conn, each)
    assert people.members(world.conn) == [member(ONE), member(ONE, user=EVE), member(TWO)]
    people.remove_member(world.conn, ADA, ONE)
    people.remove_member(world.conn, ADA, ONE)
    assert people.members(world.conn) == [member(ONE, user=EVE), member(TWO)]
    assert people.rights_of(world.conn, ADA) == Rights(member_of=frozenset({TWO}))


def test_somebody_is_forgotten_unless_something_refers_to_them() -> None:
    world = furnished()
    people.grant(world.conn, role(Role.OWNER))
    with pytest.raises(ConstraintError):
        people.delete_user(world.conn, ADA)
    people.delete_user(world.conn, EVE)
    assert people.users(world.conn) == [User(id=ADA, display_name="Ada", first_seen=NOW)]
