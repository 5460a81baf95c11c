"""An agent that gives admin commands, and another one that has things, too."""

from __future__ import annotations

import json
from typing import Any

from nanoclaw.admin.for_agents import AgentCommands
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.model.rights import Member
from nanoclaw.model.settings import AdminScope
from nanoclaw.store import people
from schema.requests import Admin
from tests.actors.asking import Case
from tests.support.central import NOW, World
from tests.support.tasks import a_task, added

FOREIGN = ("other", "elsewhere", "bob", "theirs")


def a_case(scope: AdminScope = AdminScope.GROUP, sender: str = "Ada", world: World | None = None) -> Case:
    """An agent in a turn of somebody, who is an owner if it is Ada; and another agent that has things, too."""
    case = Case(world=world or World())
    case.more = {"admin": AgentCommands(threaded=dict, mint=case.world.mint)}
    case.may(scope)
    case.owner()
    added(case.world, a_task(case.place.session.id, "task-mine"))
    other = case.world.session("other", room="elsewhere")
    added(case.world, a_task(other, "theirs"))
    bob = case.world.user("bob")
    people.add_member(
        case.world.conn,
        Member(user_id=bob, agent_group_id=AgentGroupId("agt-other"), added_by=None, added_at=NOW),
    )
    case.hears(sender)
    return case


def give(case: Case, command: str, **options: Any) -> str:
    """Give a command; what is answered, without what makes it a note."""
    told = case.ask(Admin(command=command, options=json.dumps(options)))
    return str(json.loads(told)["text"])
