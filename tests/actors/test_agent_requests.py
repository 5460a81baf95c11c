"""An agent has another one made: by who may, once, whole or not at all, and the two find each other at once."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from attrs import evolve

from nanoclaw.core.requests import MOST_CHILDREN, RULES, WINDOW
from nanoclaw.core.told import HomeSettings, tell
from nanoclaw.model.entities import AgentGroup
from nanoclaw.model.rights import Role
from nanoclaw.model.sandbox import Network
from nanoclaw.model.settings import AdminScope, ContainerSettings
from nanoclaw.store import asked, audit, destinations, entities, notices, people
from nanoclaw.store.destinations import MadeBy
from nanoclaw.store.projection import changes
from nanoclaw.store.settings import set_settings, settings_of
from schema.requests import CreateAgent, ListTasks
from schema.rows import select
from schema.sqlite import Row, scalar
from tests.actors.asking import Case
from tests.support.central import NOW, everything

SCOUT = CreateAgent(name="Old Scout", instructions="Look around.\nSay what you see.")


@pytest.fixture
def case() -> Case:
    """An agent that may, in a turn of somebody who may."""
    case = Case()
    case.may(AdminScope.GLOBAL)
    case.owner()
    case.hears("Ada")
    return case


def children(case: Case) -> list[AgentGroup]:
    return [group for group in entities.agent_groups(case.world.conn) if group.id != case.agent]


def unchanged(case: Case, before: dict[str, list[Row]]) -> bool:
    """Is all as it was, besides the record of the request and the note about it?"""
    after = everything(case.world.conn)
    return all(after[name] == before[name] for name in before if name not in {"requests", "inbound", "audit"})


def test_the_two_can_write_to_each_other_at_once(case: Case) -> None:
    tick = int(str(scalar(case.world.conn, "SELECT last FROM ticks")))
    told = case.ask(SCOUT)
    assert "write to it as old-scout; it writes to you as parent" in told
    (child,) = children(case)
    assert (child.name, child.folder) == ("Old Scout", "old-scout")
    made = [one for one in destinations.stored(case.world.conn) if one.made_by is MadeBy.AGENT]
    assert {(one.agent_group_id, one.name, one.target_agent_group_id) for one in made} == {
        (case.agent, "old-scout", child.id),
        (child.id, "parent", case.agent),
    }
    assert case.handled.rights
    shown = changes(case.world.conn, case.place, case.epoch, tick).destinations
    assert shown is not None
    assert [one.name for one in shown] == ["old-scout", "room"], "a sandbox that runs is shown it"


def test_it_thinks_with_what_its_parent_does_and_has_no_more_of_the_machine(case: Case) -> None:
    own = ContainerSettings(
        agent_group_id=case.agent,
        provider="claude",
        model="small",
        base_url="http://localhost:11434",
        skills='["pdf"]',
        mcp_servers='{"time": {"command": "x"}}',
        packages='{"apt": ["jq"]}',
        additional_mounts='[{"hostPath": "~/x"}]',
        image_tag="own",
        network=Network.OPEN,
        limits='{"memory": "1g"}',
        admin_scope=AdminScope.GLOBAL,
        updated_at=NOW,
    )
    set_settings(case.world.conn, own)
    case.ask(SCOUT)
    (child,) = children(case)
    has = settings_of(case.world.conn, child.id)
    assert has == ContainerSettings(
        agent_group_id=child.id,
        provider="claude",
        model="small",
        base_url="http://localhost:11434",
        skills='["pdf"]',
        limits='{"memory": "1g"}',
        first_memory="Look around.\nSay what you see.",
        updated_at=NOW,
    )
    told = tell(HomeSettings(provider="demo", timezone="UTC"), child, has)
    assert told.first_memory == has.first_memory


@pytest.mark.parametrize(
    ("scope", "senders", "why"),
    [
        (AdminScope.DISABLED, ["Ada"], "whose admin scope is global"),
        (AdminScope.GROUP, ["Ada"], "whose admin scope is global"),
        (AdminScope.GLOBAL, [], "due to nobody who has a say"),
        (AdminScope.GLOBAL, ["Bob"], "due to Bob"),
        (AdminScope.GLOBAL, ["Ada", "Bob"], "due to Bob"),
    ],
)
def test_whoever_may_not_has_changed_nothing_and_is_told_why(scope: AdminScope, senders: list[str], why: str) -> None:
    case = Case()
    case.may(scope)
    case.owner()
    for sender in senders:
        case.hears(sender)
    before = everything(case.world.conn)
    told = case.ask(SCOUT)
    assert "refused: " in told
    assert why in told
    assert unchanged(case, before)
    assert case.notes()[-1]["trigger"] == 1, "its agent may have promised it"
    (record,) = audit.records(case.world.conn, who="agent:")
    assert (record.what, record.outcome) == ("agent create_agent", audit.Outcome.REFUSED)
    assert why in (record.detail or "")


def test_what_an_agent_was_granted_is_in_the_audit_and_what_it_asks_too_often_is_not(case: Case) -> None:
    for number in range(9):
        case.ask(CreateAgent(name=f"Scout {number}"))
    found = audit.records(case.world.conn, what="agent create_agent")
    assert [(one.who, one.outcome) for one in found] == [(f"agent:{case.agent}", audit.Outcome.DONE)] * 5


def test_what_is_answered_has_no_more_of_a_say(case: Case) -> None:
    low = case.hears("Bob")
    assert "refused: " in case.ask(SCOUT)
    case.settled(low)
    assert "made the agent" in case.ask(SCOUT)


def test_who_has_lost_the_right_since_the_turn_began_has_lost_it(case: Case) -> None:
    people.revoke(case.world.conn, case.world.user("ada"), Role.OWNER, None)
    assert "due to Ada" in case.ask(SCOUT)


def test_a_note_of_the_hosts_own_has_no_say(case: Case) -> None:
    assert "refused" in case.ask(CreateAgent(name=" "))
    assert case.notes()[-1]["trigger"] == 1
    assert "made the agent" in case.ask(SCOUT)


def test_its_folder_was_nobodys_before(case: Case) -> None:
    case.world.agent("old-scout")
    case.folders = ["old-scout-2", "main"]
    case.ask(SCOUT)
    assert [group.folder for group in children(case)] == ["old-scout-3", "old-scout"]


@pytest.mark.parametrize(
    ("name", "folder"),
    [("../../etc", "etc"), ("探", "agent"), ("a/b\\c", "a-b-c"), ("-rf *", "rf"), (".ssh", "ssh"), ("Ünï", "n")],
)
def test_its_folder_is_one_plain_name_inside_the_others_whatever_it_is_called(
    case: Case, name: str, folder: str
) -> None:
    case.ask(CreateAgent(name=name))
    (child,) = children(case)
    assert (child.name, child.folder) == (name, folder)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (CreateAgent(name="a\nb"), "on one line"),
        (CreateAgent(name="x" * 51), "at most 50"),
        (CreateAgent(name="Room"), "you have a destination room already"),
        (CreateAgent(name="x", instructions="y" * 20_001), "at most 20,000"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_to_do(case: Case, said: CreateAgent, why: str) -> None:
    before = everything(case.world.conn)
    assert why in case.ask(said)
    assert unchanged(case, before)


def test_asking_again_for_the_same_makes_no_second_one(case: Case) -> None:
    case.ask(SCOUT)
    assert "you have a destination old-scout already" in case.ask(SCOUT)
    assert len(children(case)) == 1


def test_an_agent_has_only_so_many_children(case: Case) -> None:
    for number in range(MOST_CHILDREN):
        case.world.wait(seconds=1_000)
        assert "made the agent" in case.ask(CreateAgent(name=f"Child {number}"))
    assert "as many as you may have" in case.ask(SCOUT)


def test_it_can_be_asked_for_only_so_often_in_all_sessions_and_lives_together(case: Case) -> None:
    most = RULES["create_agent"].an_hour
    for number in range(most):
        assert "nothing is scheduled" in case.ask(ListTasks()), "each request has a limit of its own"
        assert "made the agent" in case.ask(CreateAgent(name=f"Child {number}"))
    case.begin_anew()
    assert f"{most} times an hour" in case.ask(SCOUT)
    assert case.notes()[-1]["trigger"] == 0, "a flood wakes nobody"
    case.world.wait(seconds=3_600)
    assert "made the agent" in case.ask(SCOUT)


def test_the_requests_of_an_agent_count_for_it_alone(case: Case) -> None:
    case.ask(SCOUT)
    other = case.world.agent("other")
    before = NOW - WINDOW
    counted = [
        asked.count(case.world.conn, one, "create_agent", since=before, most=5) for one in (case.agent, other.id)
    ]
    assert counted == [1, 0]


def test_a_hundred_times_as_many_requests_take_no_more_work_to_be_counted(case: Case) -> None:
    """Each request is counted in the transaction that takes it in: all other sessions wait for that."""
    case.ask(SCOUT)
    (like,) = select(case.world.conn, asked.Asked, "SELECT * FROM requests")
    work = []
    for flood in (50, 5_000):
        for number in range(flood):
            asked.record(case.world.conn, evolve(like, runner_id=f"flood-{flood}-{number}"))
        raw: Any = case.world.conn
        steps = count(0)
        raw.set_progress_handler(lambda steps=steps: next(steps) < 0, 1)
        assert asked.count(case.world.conn, case.agent, "create_agent", since=NOW - WINDOW, most=5) == 5
        raw.set_progress_handler(None, 1)
        work.append(next(steps))
    assert 10 < work[1] < 2 * work[0]


def test_an_agent_that_is_refused_for_ever_is_told_of_some_and_of_what_is_granted_still(case: Case) -> None:
    most = notices.MOST_UNREAD
    for number in range(most + 100):
        case.say(f"make_me_owner_{number}", "{}")
    assert len(case.notes()) == most
    assert scalar(case.world.conn, "SELECT count(*) FROM requests") == most + 100
    assert "made the agent" in case.ask(SCOUT)
    case.settle_notes()
    assert "no such request" in case.say("once_more", "{}")
