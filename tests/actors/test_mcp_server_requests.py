"""AT-17: an agent asks for an MCP server: whoever may decide sees all of it, and exactly that is set, or nothing."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from nanoclaw.actors.mcp_server_kind import McpServerKind, McpServerRequests
from nanoclaw.core.approvals import REJECT, YES_OR_NO
from nanoclaw.core.told import MOST_SERVERS, HomeSettings, McpServer, tell
from nanoclaw.model.approvals import Approval, ApprovalState, Needs
from nanoclaw.model.settings import AdminScope, ContainerSettings
from nanoclaw.store import approvals, epochs, projection
from nanoclaw.store.settings import set_settings, settings_of
from schema.requests import AddMcpServer
from tests.actors.asking import Case
from tests.support.approvals import carry_out_as
from tests.support.central import NOW, everything

TIME = AddMcpServer(name="time", command="python3", args=("time.py", "--now"), env={"TZ": "UTC"})
AS_SET = {"command": "python3", "args": ["time.py", "--now"], "env": {"TZ": "UTC"}, "kept": []}


@pytest.fixture
def case() -> Case:
    """An agent in a turn of an owner."""
    case = Case()
    case.more = {"add_mcp_server": McpServerRequests(mint=case.world.mint)}
    case.may(AdminScope.GROUP)
    case.owner()
    case.hears("Ada")
    return case


def has(case: Case) -> dict[str, Any]:
    settings = settings_of(case.world.conn, case.agent)
    assert settings is not None
    return dict(json.loads(settings.mcp_servers))


def given(case: Case, servers: dict[str, Any]) -> None:
    settings = settings_of(case.world.conn, case.agent)
    assert settings is not None
    set_settings(case.world.conn, attrs.evolve(settings, mcp_servers=json.dumps(servers)))


def decided(case: Case, option: object = YES_OR_NO[0]) -> Approval:
    (waits,) = approvals.approvals(case.world.conn)
    no = option is REJECT
    chosen = REJECT if no else YES_OR_NO[0]
    assert approvals.decide(case.world.conn, waits.id, chosen, by=case.owner(), now=case.world.now) is not None
    carry_out_as(case.world, McpServerKind())
    (ended,) = approvals.approvals(case.world.conn)
    return ended


def test_people_see_all_of_it_and_nothing_is_set_before_they_say_yes(case: Case) -> None:
    told = case.ask(TIME)
    (waits,) = approvals.approvals(case.world.conn)
    assert f"submitted: {waits.id}. A person is asked" in told
    assert json.loads(waits.lines) == [
        "Agent: “nano”",
        "Server: “time”",
        "Command: “python3”",
        "Argument 1: “time.py”",
        "Argument 2: “--now”",
        "Variable TZ: “UTC”",
    ]
    assert (waits.needs, waits.agent_group_id, waits.session_id) == (Needs.ADMIN, case.agent, case.place.session.id)
    assert has(case) == {}


def test_approved_it_is_set_and_the_session_that_asked_begins_anew_and_is_told(case: Case) -> None:
    given(case, {"weather": {"command": "w"}})
    case.ask(TIME)
    assert decided(case).state is ApprovalState.DONE
    assert has(case) == {"time": AS_SET, "weather": {"command": "w"}}
    settings = settings_of(case.world.conn, case.agent)
    told = tell(HomeSettings(provider="demo", timezone="UTC"), case.place.agent_group, settings)
    assert told.mcp_servers["time"] == McpServer(
        command="python3", args=("time.py", "--now"), env={"TZ": "UTC"}, kept=()
    )
    session = case.place.session.id
    assert epochs.told_to_end(case.world.conn, session, case.epoch) == "what it asked for was approved"
    next_life = projection.changes(case.world.conn, case.place, type(case.epoch)(case.epoch + 1), 0)
    (note,) = [row for row in next_life.messages if row.on_wake]
    assert "you have the MCP server time now" in note.content
    assert all(row.id != note.id for row in projection.changes(case.world.conn, case.place, case.epoch, 0).messages)


def test_rejected_nothing_is_set_and_nobody_begins_anew(case: Case) -> None:
    case.ask(TIME)
    assert decided(case, REJECT).state is ApprovalState.REJECTED
    assert has(case) == {}
    assert epochs.told_to_end(case.world.conn, case.place.session.id, case.epoch) is None
    assert "rejected by Ada" in str(case.notes()[-1]["content"])


def test_what_it_replaces_is_shown_and_a_server_that_has_changed_meanwhile_stays(case: Case) -> None:
    given(case, {"time": {"command": "old", "env": {"A": "“x”"}}})
    case.ask(TIME)
    (waits,) = approvals.approvals(case.world.conn)
    assert "Replaces:" in json.loads(waits.lines)[-1]
    assert "\\u{201c}x\\u{201d}" in json.loads(waits.lines)[-1]
    given(case, {"time": {"command": "newer"}})
    ended = decided(case)
    assert (ended.state, ended.result) == (
        ApprovalState.FAILED,
        "the server time has changed since it was asked for",
    )
    assert has(case) == {"time": {"command": "newer"}}
    assert epochs.told_to_end(case.world.conn, case.place.session.id, case.epoch) is None


def test_another_definition_is_another_request_and_waits_until_the_first_is_decided(case: Case) -> None:
    case.ask(TIME)
    case.ask(TIME)
    assert "something else about the same waits" in case.ask(attrs.evolve(TIME, env={"TZ": "CET"}))
    assert len(approvals.approvals(case.world.conn)) == 1
    decided(case)
    assert "set just so already" in case.ask(TIME)
    assert "submitted: " in case.ask(attrs.evolve(TIME, env={"TZ": "CET"}))


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (attrs.evolve(TIME, name="nanoclaw"), "not a name for a server"),
        (attrs.evolve(TIME, command=""), "needs a command"),
        (attrs.evolve(TIME, args=("\u202e" * 400,)), "too long to be shown whole"),
    ],
)
def test_what_cannot_be_or_cannot_be_shown_is_asked_of_nobody(case: Case, said: AddMcpServer, why: str) -> None:
    assert why in case.ask(said)
    assert approvals.approvals(case.world.conn) == []


def test_what_is_not_seen_is_shown_as_what_it_is(case: Case) -> None:
    case.ask(attrs.evolve(TIME, args=("a\n\u202eb\u200b`",)))
    (waits,) = approvals.approvals(case.world.conn)
    assert "Argument 1: “a\\u{a}\\u{202e}b\\u{200b}\\u{60}”" in json.loads(waits.lines)


def test_unknown_fields_and_wrong_types_are_none(case: Case) -> None:
    before = everything(case.world.conn)["approvals"]
    for arguments in ('{"name": "a", "command": "b", "cwd": "/"}', '{"name": "a", "command": "b", "args": "c"}'):
        assert "refused: " in case.say("add_mcp_server", arguments)
    assert everything(case.world.conn)["approvals"] == before


def test_in_the_turn_of_somebody_who_has_less_of_a_say_nobody_is_asked(case: Case) -> None:
    case.hears("Bob")
    assert "due to Bob" in case.ask(TIME)
    case.may(AdminScope.DISABLED)
    assert "admin scope" in case.ask(TIME)
    assert approvals.approvals(case.world.conn) == []


def test_an_agent_has_only_so_many(case: Case) -> None:
    set_settings(
        case.world.conn,
        ContainerSettings(
            agent_group_id=case.agent,
            mcp_servers=json.dumps({f"s{number}": {"command": "x"} for number in range(MOST_SERVERS)}),
            updated_at=NOW,
        ),
    )
    assert f"at most {MOST_SERVERS} servers" in case.ask(TIME)
    assert "submitted" in case.ask(attrs.evolve(TIME, name="s1"))
