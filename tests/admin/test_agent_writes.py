"""What an agent's admin command changes: only what was shown, only once somebody has approved it, only in its scope."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.admin.agent_writes import AdminKind
from nanoclaw.admin.table import BY_NAME
from nanoclaw.core.agent_commands import OPERATORS_OWN, READS, WRITES, commands
from nanoclaw.core.approvals import REJECT, YES_OR_NO
from nanoclaw.core.requests import Right
from nanoclaw.model.approvals import Approval, ApprovalState, Needs
from nanoclaw.model.settings import AdminScope
from nanoclaw.store import approvals, entities, tasks
from nanoclaw.store.settings import settings_of
from nanoclaw.store.wirings import wirings
from schema.requests import Admin
from schema.sqlite import execute
from tests.actors.asking import Case
from tests.admin.commanding import a_case, give
from tests.support.approvals import carry_out_as
from tests.support.central import everything

OWN = {"requests", "inbound", "approvals", "audit"}
"""Where a request leaves something of itself."""


def the_approval(case: Case) -> Approval:
    (found,) = approvals.approvals(case.world.conn)
    return found


def approve(case: Case) -> Approval:
    """Somebody approves it, and it is done; what became of it."""
    waits = the_approval(case)
    assert approvals.decide(case.world.conn, waits.id, YES_OR_NO[0], by=case.owner(), now=case.world.now) is not None
    carry_out_as(case.world, AdminKind())
    return the_approval(case)


def changed(case: Case, before: dict[str, list[Any]]) -> set[str]:
    after = everything(case.world.conn)
    return {name for name in before if before[name] != after[name]}


def test_nothing_is_done_until_somebody_says_yes_and_then_it_is_what_was_shown() -> None:
    case = a_case()
    before = everything(case.world.conn)
    told = give(case, "groups update", name="Better", model="small")
    waits = the_approval(case)
    assert told == f"submitted: {waits.id}. A person is asked; you will be told what came of it"
    assert changed(case, before) <= OWN
    assert json.loads(waits.lines) == [
        "Agent: “nano”",
        "Command: “nanoclaw groups update”",
        "group: “agt-nano”, called “nano”",
        "model: “small”",
        "name: “Better”",
        "Reaches: this agent alone",
    ]
    assert (waits.needs, waits.agent_group_id, waits.session_id) == (Needs.ADMIN, case.agent, case.place.session.id)
    done = approve(case)
    assert done.state is ApprovalState.DONE
    assert str(done.result).startswith("changed Better; ")
    group, settings = entities.agent_group(case.world.conn, case.agent), settings_of(case.world.conn, case.agent)
    assert group is not None
    assert settings is not None
    assert (group.name, settings.model) == ("Better", "small")
    assert "and done: changed Better" in str(case.notes()[-1]["content"])
    assert case.notes()[-1]["trigger"] == 1, "its agent is woken"


def test_what_is_rejected_is_not_done_and_its_agent_is_told() -> None:
    case = a_case()
    give(case, "tasks cancel", task="task-mine")
    before = everything(case.world.conn)
    no = approvals.decide(case.world.conn, the_approval(case).id, REJECT, by=case.owner(), now=case.world.now)
    assert no is not None
    assert carry_out_as(case.world, AdminKind()) == []
    assert changed(case, before) <= OWN
    assert "rejected by Ada" in str(case.notes()[-1]["content"])


def test_the_same_asked_for_again_while_it_waits_is_one_request() -> None:
    case = a_case()
    assert give(case, "tasks pause", task="task-mine") == give(case, "tasks pause", task="task-mine")
    the_approval(case)


def test_an_agent_that_manages_all_reaches_all_and_those_who_do_are_asked() -> None:
    case = a_case(AdminScope.GLOBAL)
    give(case, "wirings create", chat="elsewhere", group="nano")
    waits = the_approval(case)
    assert waits.needs is Needs.GLOBAL_ADMIN
    assert "chat: “chat-test-elsewhere”, called “Elsewhere”" in json.loads(waits.lines)
    assert "Reaches: all agents" in json.loads(waits.lines)
    assert approve(case).state is ApprovalState.DONE
    assert len(wirings(case.world.conn)) == 3


@pytest.mark.parametrize(
    ("command", "options", "why"),
    [
        ("groups update", {"group": "other", "name": "x"}, "there is no agent group 'other'"),
        ("groups update", {"group": "agt-other", "name": "x"}, "there is no agent group 'agt-other'"),
        ("tasks cancel", {"task": "theirs"}, "there is no task 'theirs'"),
        ("tasks cancel", {"task": "nobodys"}, "there is no task 'nobodys'"),
        ("wirings update", {"wiring": "other@elsewhere", "priority": 3}, "there is no wiring"),
        ("groups update", {"admin_scope": "global"}, "admin_scope is for operators alone"),
        ("groups update", {"network": "open", "base_url": "http://x"}, "base_url, network is for operators alone"),
        ("groups restart", {"rebuild": True}, "rebuild is for operators alone"),
        ("tasks add", {"session": "ses-1", "prompt": "x", "at": "2026-05-01", "script": "y"}, "script is for"),
        ("groups update", {"admin-scope": "global"}, "groups update: extra fields found (admin-scope)"),
        ("groups update", {"name": " "}, "an agent group needs a name"),
        ("groups update", {"memory": "lots"}, "--memory"),
        ("wirings update", {"wiring": "nano@room", "engage_pattern": "("}, "does not compile"),
        ("wirings update", {"wiring": "nano@room", "priority": 10**20}, "invalid value for type"),
        ("destinations add", {"chat": "room"}, "there is no command"),
        ("members add", {"user": "bob"}, "there is no command"),
        ("groups restart", {"message": "x" * 4_000}, "too long to be shown whole"),
    ],
)
def test_what_cannot_be_done_or_is_not_in_its_reach_is_not_asked_for(
    command: str, options: dict[str, object], why: str
) -> None:
    case = a_case()
    before = everything(case.world.conn)
    assert why in give(case, command, **options)
    assert changed(case, before) <= {"requests", "inbound", "audit"}


def test_what_has_changed_since_it_was_asked_for_is_not_overwritten() -> None:
    case = a_case()
    give(case, "groups update", model="small")
    settings = settings_of(case.world.conn, case.agent)
    assert settings is not None
    execute(case.world.conn, "UPDATE container_settings SET model = 'mine'")
    failed = approve(case)
    assert failed.state is ApprovalState.FAILED
    assert "has changed since it was asked for" in str(failed.result)
    after = settings_of(case.world.conn, case.agent)
    assert after is not None
    assert after.model == "mine"


def test_an_agent_that_may_no_longer_ask_for_it_does_not_get_it() -> None:
    case = a_case(AdminScope.GLOBAL)
    give(case, "users create", user="test:new", name="New")
    case.may(AdminScope.GROUP)
    failed = approve(case)
    assert (failed.state, failed.result) == (ApprovalState.FAILED, "the agent may no longer ask for it")
    assert "test:new" not in str(everything(case.world.conn)["users"])


def test_what_is_gone_since_then_is_not_there() -> None:
    case = a_case()
    give(case, "tasks cancel", task="task-mine")
    task = tasks.tasks(case.world.conn)[0]
    execute(case.world.conn, "DELETE FROM occurrences WHERE task_id = ?", (task.id,))
    execute(case.world.conn, "DELETE FROM tasks WHERE id = ?", (task.id,))
    assert "there is no task" in str(approve(case).result)


def test_a_card_shows_every_sign_that_is_done() -> None:
    case = a_case()
    assert give(case, "groups update", name="a” \u202e\nCommand: “x").startswith("submitted")
    shown = json.loads(the_approval(case).lines)
    assert "name: “a\\u{201d} \\u{202e}\\u{a}Command: \\u{201c}x”" in shown


def test_every_command_for_agents_is_one_and_none_for_operators_alone_is() -> None:
    assert READS.keys() | WRITES.keys() <= BY_NAME.keys()
    assert {name for name, verb in BY_NAME.items() if verb.writes} >= WRITES.keys()
    assert not {BY_NAME[name].resource for name in WRITES} & {"roles", "mounts", "approvals", "dead"}
    assert list(commands(Right.TALK)) == []
    for name, own in OPERATORS_OWN.items():
        assert own <= {parameter.name for parameter in BY_NAME[name].parameters()}


VALUES = st.one_of(
    st.sampled_from(["nano", "other", "room", "elsewhere", "bob", "task-mine", "theirs", "ses-1", "ses-2", "", "all"]),
    st.text(max_size=5),
    st.integers(),
    st.booleans(),
)


@given(st.data(), st.sampled_from(sorted(WRITES)), st.sampled_from([AdminScope.GROUP, AdminScope.GLOBAL]))
def test_whatever_is_asked_for_changes_nothing_by_itself(data: st.DataObject, command: str, scope: AdminScope) -> None:
    case = a_case(scope)
    names = [one.name for one in BY_NAME[command].parameters()]
    options = data.draw(st.dictionaries(st.sampled_from(names), VALUES))
    before = everything(case.world.conn)
    case.ask(Admin(command=command, options=json.dumps(options)))
    assert changed(case, before) <= OWN
