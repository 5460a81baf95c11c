"""Every verb that writes leaves a record, done or refused, and so does every other act that the host is asked for.

What is looked at is the code's own table: a verb that is new fails here until it is done and refused once.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import pytest
import trio

from nanoclaw.actors.acts import Act
from nanoclaw.admin.server import NOTE, AdminServer, Office
from nanoclaw.admin.table import BY_NAME, VERBS
from nanoclaw.errors import DeliveryError, StoreError, UsageError
from nanoclaw.kit.clock import SystemClock
from nanoclaw.model.approvals import ApprovalKind, Shown
from nanoclaw.model.ids import ApprovalId, UserId
from nanoclaw.store import approvals, audit, epochs, inbound, people
from nanoclaw.store.askings import ALLOW_OR_DENY
from nanoclaw.store.audit import Outcome, Record
from schema.sqlite import integer
from tests.support.central import NOW
from tests.support.desk import Desk
from tests.support.inline_database import InlineDatabase
from tests.support.tasks import a_task, added

CANARY = "hunter2-and-more"
ROOT = Path(__file__).resolve().parents[2]

DONE: Mapping[str, tuple[tuple[str, dict[str, object]], ...]] = {
    "groups create": (("groups create", {"name": "Ops"}),),
    "groups update": (("groups update", {"group": "nano", "model": "opus"}),),
    "groups delete": (("groups create", {"name": "Ops"}), ("groups delete", {"group": "ops"})),
    "groups restart": (("groups restart", {"group": "nano"}),),
    "groups withdraw": (("groups withdraw", {"group": "nano", "mcp_server": "time"}),),
    "mounts add": (("mounts add", {"group": "nano", "path": "/srv/app"}),),
    "mounts remove": (
        ("mounts add", {"group": "nano", "path": "/srv/app"}),
        ("mounts remove", {"group": "nano", "name": "app"}),
    ),
    "egress allow": (("egress allow", {"group": "nano", "what": "web"}),),
    "egress deny": (
        ("egress allow", {"group": "nano", "what": "web"}),
        ("egress deny", {"group": "nano", "what": "web"}),
    ),
    "egress ask": (("egress ask", {"group": "nano"}),),
    "secrets bind": (("secrets bind", {"secret": "TOKEN", "host": "h.example", "agents": "nano"}),),
    "secrets unbind": (
        ("secrets bind", {"secret": "TOKEN", "host": "h.example", "agents": "nano"}),
        ("secrets unbind", {"name": "token"}),
    ),
    "chats create": (("chats create", {"channel": "test", "platform_id": "hall"}),),
    "chats update": (("chats update", {"chat": "room", "name": "Hall"}),),
    "chats delete": (
        ("chats create", {"channel": "test", "platform_id": "hall"}),
        ("chats delete", {"chat": "test/hall"}),
    ),
    "wirings create": (
        ("chats create", {"channel": "test", "platform_id": "hall"}),
        ("wirings create", {"chat": "test/hall", "group": "nano"}),
    ),
    "wirings update": (("wirings update", {"wiring": "nano@room", "priority": 3}),),
    "wirings delete": (("wirings delete", {"wiring": "nano@room"}),),
    "users create": (("users create", {"user": "test:bob", "name": "Bob"}),),
    "users update": (("users update", {"user": "test:ada", "name": "Ada L."}),),
    "users delete": (("users delete", {"user": "test:ada"}),),
    "roles grant": (("roles grant", {"user": "test:ada", "role": "admin"}),),
    "roles revoke": (
        ("roles grant", {"user": "test:ada", "role": "admin"}),
        ("roles revoke", {"user": "test:ada", "role": "admin"}),
    ),
    "members add": (("members add", {"user": "test:ada", "group": "nano"}),),
    "members remove": (
        ("members add", {"user": "test:ada", "group": "nano"}),
        ("members remove", {"user": "test:ada", "group": "nano"}),
    ),
    "destinations add": (
        ("groups create", {"name": "Ops"}),
        ("destinations add", {"group": "nano", "agent": "ops"}),
    ),
    "destinations remove": (
        ("groups create", {"name": "Ops"}),
        ("destinations add", {"group": "nano", "agent": "ops"}),
        ("destinations remove", {"group": "nano", "name": "ops"}),
    ),
    "tasks add": (("tasks add", {"session": "ses-1", "prompt": "look", "cron": "@hourly"}),),
    "tasks run": (("tasks run", {"task": "task-1"}),),
    "tasks pause": (("tasks pause", {"task": "task-1"}),),
    "tasks resume": (("tasks pause", {"task": "task-1"}), ("tasks resume", {"task": "task-1"})),
    "tasks cancel": (("tasks cancel", {"task": "task-1"}),),
    "sessions wake": (("sessions wake", {"session": "ses-1"}),),
    "sessions stop": (("sessions stop", {"session": "ses-1"}),),
    "sessions restart": (("sessions restart", {"session": "ses-1"}),),
    "sessions cancel": (("sessions cancel", {"session": "ses-1"}),),
    "sessions park": (("sessions park", {"session": "ses-1", "because": "it loops"}),),
    "sessions unpark": (
        ("sessions park", {"session": "ses-1", "because": "it loops"}),
        ("sessions unpark", {"session": "ses-1"}),
    ),
    "approvals approve": (("approvals approve", {"approval": "apr-1"}),),
    "approvals reject": (("approvals reject", {"approval": "apr-1"}),),
    "budgets set": (("budgets set", {"group": "nano", "tokens_a_day": 5}),),
    "dead retry": (("dead retry", {"message": "m"}),),
    "dead drop": (("dead drop", {"message": "m"}),),
}
"""What has each verb done, and what it takes before."""
WRITES = [verb.name for verb in VERBS if verb.writes]


def a_desk() -> Desk:
    """One with something of everything on it."""
    desk = Desk()
    world = desk.world
    session = world.session()
    world.user("ada")
    added(world, a_task(session))
    inbound.settle(world.conn, world.message(session), error="unwell", now=NOW)
    epochs.begin(world.conn, session, engine="test", now=NOW)
    world.message(session, "open")
    desk.world.conn.execute(
        "INSERT INTO container_settings (agent_group_id, mcp_servers, updated_at) VALUES ('agt-nano', ?, ?)",
        ('{"time": {"command": "x"}}', "2026-04-16T14:37:00.000Z"),
    )
    asked = approvals.new(
        *(ApprovalId("apr-1"), ApprovalKind.SENDER, "x", {"sender_id": "test:eve"}, Shown("t", ())),
        ALLOW_OR_DENY,
        now=NOW,
    )
    approvals.request(world.conn, asked)
    return desk


def test_every_verb_that_writes_is_done_here() -> None:
    assert list(DONE) == WRITES
    assert all(calls[-1][0] == name for name, calls in DONE.items())


@pytest.mark.parametrize("name", WRITES)
def test_a_verb_that_writes_leaves_a_record(name: str) -> None:
    desk = a_desk()
    *before, (_, arguments) = DONE[name]
    for called, needed in before:
        desk.do(called, **needed)
    said = desk.do(name, **arguments).said
    record = audit.records(desk.world.conn, what=name, who="operator")[-1]
    assert (record.what, record.who, record.outcome) == (name, "test:operator", Outcome.DONE)
    assert record.digest == audit.digest(arguments)
    assert record.subject
    assert (record.detail or "").split() == (said or "").split()
    assert record.at == desk.world.now


@pytest.mark.parametrize("name", [verb.name for verb in VERBS if not verb.writes])
async def test_a_verb_that_only_looks_writes_nothing_and_leaves_no_record(name: str) -> None:
    assert not BY_NAME[name].destroys
    store = InlineDatabase()
    server = a_server(store)
    before = integer(store.conn, "SELECT total_changes()")
    arguments = {one.name: "terminal:operator" for one in BY_NAME[name].parameters() if one.required}
    await server._answer({"verb": name, "arguments": arguments})
    assert integer(store.conn, "SELECT total_changes()") == before
    store.close()


async def refuse(channel: Mapping[str, object]) -> object:
    await trio.lowlevel.checkpoint()
    if channel["channel"] == "away":
        raise DeliveryError(channel="x", why="it is away", retryable=True)
    if channel["channel"] == "disk":
        raise StoreError("the disk")
    if channel["channel"] == "bad":
        raise UsageError("no such channel")
    return {"code": "1234"}


def a_server(store: InlineDatabase) -> AdminServer:
    people.note_user(store.conn, UserId("terminal:operator"), "Ada", now=NOW)
    office = Office(
        store=store,
        clock=SystemClock(),
        operator=UserId("terminal:operator"),
        threaded={},
        check_mounts=lambda *_: (),
        changed=lambda _: None,
        forget=lambda: None,
    )
    return AdminServer(Path("/nowhere"), {"channels pair": Act(refuse, on=("channel",), digested=("size",))}, office)


async def asked(frame: Mapping[str, object]) -> tuple[dict[str, object], list[Record]]:
    store = InlineDatabase()
    answer = await a_server(store)._answer(frame)
    found = audit.records(store.conn)
    store.close()
    return answer, found


@pytest.mark.parametrize("name", WRITES)
async def test_an_attempt_that_is_refused_leaves_one_as_well(name: str) -> None:
    arguments: dict[str, object] = {one.name: "" for one in BY_NAME[name].parameters() if one.required}
    if "role" in arguments:
        arguments["role"] = "admin"
    answer, found = await asked({"verb": name, "arguments": arguments, "confirmed": True})
    assert "error" in answer
    (record,) = found
    assert (record.what, record.who, record.outcome) == (name, "terminal:operator", Outcome.REFUSED)
    assert record.detail
    assert record.digest == audit.digest(arguments)


async def test_a_question_back_is_no_act_yet_and_a_look_is_none() -> None:
    store = InlineDatabase()
    server = a_server(store)
    await server._answer({"verb": "groups create", "arguments": {"name": "Ops"}})
    assert "question" in await server._answer({"verb": "groups delete", "arguments": {"group": "ops"}})
    assert "answer" in await server._answer({"verb": "groups list"})
    assert [one.what for one in audit.records(store.conn)] == ["groups create"]
    store.close()


@pytest.mark.parametrize(
    ("channel", "ends"),
    [
        ("test", [Outcome.BEGUN, Outcome.DONE]),
        ("bad", [Outcome.BEGUN, Outcome.REFUSED]),
        ("away", [Outcome.BEGUN, Outcome.FAILED]),
        ("disk", [Outcome.BEGUN]),
    ],
)
async def test_an_act_is_recorded_before_it_begins_and_when_it_ends_without_its_secrets(
    channel: str, ends: list[Outcome]
) -> None:
    said = {"channel": channel, "size": 3, "token": CANARY}
    _, found = await asked({"verb": "channels pair", "arguments": said})
    assert [one.outcome for one in found] == ends
    assert {one.subject for one in found} == {channel}
    assert {one.digest for one in found} == {audit.digest({"channel": channel, "size": 3})}
    assert CANARY not in str(found)


async def test_the_command_line_has_its_own_acts_recorded_and_nonsense_not() -> None:
    note = {"what": "secrets set", "on": "anthropic", "outcome": "begun"}
    _, found = await asked({"verb": NOTE, "arguments": note})
    assert [(one.what, one.subject, one.outcome) for one in found] == [("secrets set", "anthropic", Outcome.BEGUN)]
    for bad in ({}, {"what": 7}, {"what": "x", "on": 7}, {"what": "x", "outcome": "splendid"}):
        answer, found = await asked({"verb": NOTE, "arguments": cast("dict[str, object]", bad)})
        assert "error" in answer
        assert found == []


def test_what_can_be_asked_is_known_to_look_or_is_an_act() -> None:
    with pytest.raises(ValueError, match="channels burn"):
        AdminServer(Path("/nowhere"), {"status": refuse, "channels burn": refuse})


def test_verbs_are_run_in_the_one_place_that_records_them() -> None:
    places = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "nanoclaw").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "handler"
    }
    # Of agents: what only looks, and what is tried and undone.
    assert places == {
        "nanoclaw/admin/performing.py",
        "nanoclaw/admin/for_agents.py",
        "nanoclaw/admin/agent_writes.py",
    }


def test_an_approval_is_recorded_as_asked_decided_and_ended() -> None:
    desk = a_desk()
    desk.do("approvals reject", approval="apr-1")
    found = audit.records(desk.world.conn, what="approval ")
    assert [(one.what, one.who, one.outcome) for one in found] == [
        ("approval ask", "host", Outcome.DONE),
        ("approval decide", "test:operator", Outcome.DONE),
        ("approval end", "host", Outcome.REFUSED),
    ]
    assert len({one.digest for one in found}) == 1
    assert found[0].subject == "sender apr-1"
