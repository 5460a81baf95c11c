"""An agent gives admin commands: it sees what is its own, or all if it and its turn may, and cannot tell the rest."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.admin.for_agents import MOST_ANSWER
from nanoclaw.admin.table import BY_NAME
from nanoclaw.core.agent_commands import READS, WRITES
from nanoclaw.core.requests import RULES, Right
from nanoclaw.model.ids import AgentGroupId, InboundId
from nanoclaw.model.settings import AdminScope
from nanoclaw.store import destinations
from nanoclaw.store.destinations import MadeBy, StoredDestination
from schema.requests import Admin
from tests.admin.commanding import FOREIGN, a_case, give
from tests.support.central import NOW, everything

OF_ITS_OWN: dict[str, dict[str, Any]] = {
    "groups get": {},
    "chats get": {"chat": "room"},
    "wirings get": {"wiring": "nano@room"},
} | {
    "tasks show": {"task": "task-mine"},
    "tasks next": {"task": "task-mine", "most": 2},
    "users get": {"user": "ada"},
}


@pytest.mark.parametrize("command", [name for name, needed in READS.items() if needed is Right.GROUP])
def test_every_command_that_looks_shows_an_agent_what_is_its_own_alone(command: str) -> None:
    case = a_case()
    options = OF_ITS_OWN.get(command, {"session": case.place.session.id} if command == "sessions get" else {})
    told = give(case, command, **options)
    assert not told.startswith("refused"), told
    assert not any(word in told for word in FOREIGN)


@pytest.mark.parametrize("command", READS)
def test_an_agent_that_manages_all_sees_all_in_the_turn_of_somebody_who_does(command: str) -> None:
    case = a_case(AdminScope.GLOBAL)
    options = OF_ITS_OWN.get(command, {"session": case.place.session.id} if command == "sessions get" else {})
    told = give(case, command, **options)
    assert not told.startswith("refused"), told
    if command.endswith(" list") and command not in {"usage list", "roles list"}:
        assert any(word in told for word in FOREIGN)


def test_its_turn_counts_as_well() -> None:
    case = a_case(AdminScope.GLOBAL)
    assert "other" in give(case, "groups list")
    case.hears("Eve")
    assert "due to Eve" in give(case, "groups list")
    assert "admin scope is group" in give(a_case(AdminScope.DISABLED), "groups list")


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("groups get", {"group": "{}"}),
        ("chats get", {"chat": "{}"}),
        ("wirings get", {"wiring": "{}"}),
        ("wirings list", {"chat": "{}"}),
        ("wirings list", {"group": "{}"}),
        ("destinations list", {"group": "{}"}),
        ("members list", {"user": "{}"}),
        ("sessions list", {"group": "{}"}),
        ("sessions get", {"session": "{}"}),
        ("tasks show", {"task": "{}"}),
        ("tasks list", {"session": "{}"}),
        ("usage list", {"group": "{}"}),
    ],
)
def test_what_is_anothers_cannot_be_told_from_what_is_not_there(command: str, options: dict[str, str]) -> None:
    case = a_case()
    other = "ses-2"
    names = {"group": "other", "chat": "elsewhere", "wiring": "other@elsewhere", "user": "test:bob", "task": "theirs"}
    (kind,) = options
    foreign = names.get(kind, other)
    nobodys = foreign[:-1] + "~"
    told = [give(case, command, **{kind: word}).replace(word, "?") for word in (foreign, nobodys)]
    assert told[0].startswith("refused: there is no")
    assert told[0] == told[1]


@pytest.mark.parametrize(
    "command",
    [name for name in BY_NAME if name not in READS and name not in WRITES]
    + ["", "groups", "groups  lists", "GROUPS LIST", "help me", "x" * 999],
)
def test_no_other_command_is_there_for_agents(command: str) -> None:
    case = a_case(AdminScope.GLOBAL)
    before = everything(case.world.conn)
    assert "there is no command" in give(case, command)
    after = everything(case.world.conn)
    assert {name for name in before if before[name] != after[name]} <= {"requests", "inbound", "audit"}


def test_folders_of_the_machine_are_not_shown() -> None:
    case = a_case(AdminScope.GLOBAL)
    assert '"additional_mounts": "[]"' in give(case, "groups get")


def test_a_destination_that_is_another_agent_is_known_by_its_name_alone() -> None:
    case = a_case()
    new = StoredDestination(
        agent_group_id=case.agent,
        name="peer",
        messaging_group_id=None,
        target_agent_group_id=AgentGroupId("agt-other"),
        made_by=MadeBy.OPERATOR,
        created_at=NOW,
    )
    destinations.add(case.world.conn, new)
    told = give(case, "destinations list")
    assert '"name": "peer"' in told
    assert '"to": "other"' not in told


def test_help_says_what_can_be_given() -> None:
    told = give(a_case(), "help")
    assert "tasks next task [most]: " in told
    assert "users list" not in told
    assert "groups update [group] [name] [provider]" in told
    assert "admin_scope" not in told
    assert "What it was stays to be seen. A person has to approve it." in told
    assert "users list" in give(a_case(AdminScope.GLOBAL), "help")


def test_a_long_answer_is_cut_and_says_so() -> None:
    case = a_case(AdminScope.GLOBAL)
    for number in range(200):
        case.world.agent(f"agent-number-{number}")
    told = give(case, "groups list")
    assert len(told) < MOST_ANSWER + 100
    assert "more: ask for less at once" in told


@given(
    st.sampled_from(sorted(READS)),
    st.one_of(
        st.text(max_size=40),
        st.dictionaries(
            st.sampled_from(
                ["group", "chat", "session", "task", "most", "days", "sessions", "cli_scope", "agent-group"]
            ),
            st.one_of(st.text(), st.integers(), st.booleans(), st.none(), st.lists(st.text())),
            max_size=3,
        ).map(json.dumps),
    ),
)
def test_whatever_is_said_is_answered_or_refused_and_shows_nothing_of_others(command: str, options: str) -> None:
    case = a_case()
    told = case.ask(Admin(command=command, options=options))
    assert not any(f'"{word}"' in told for word in ("other", "elsewhere", "agt-other"))


def test_it_is_counted() -> None:
    case = a_case()
    for number in range(RULES["admin"].an_hour):
        case.settled(InboundId(str(case.notes()[-1]["id"]))) if number else None
        give(case, "help")
    assert "120 times an hour" in give(case, "help")
