"""What is not passed on: refused people, denied commands, and chats in which nobody listens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from nanoclaw.core.digests import canonical
from nanoclaw.model.approvals import ApprovalKind, ApprovalState
from nanoclaw.model.entities import EngageMode, IgnoredMessagePolicy, SenderScope, UnknownSenderPolicy
from nanoclaw.model.ids import RoleId, UserId
from nanoclaw.model.rights import Grant, Member, Role
from nanoclaw.store import approvals, drops, entities, people
from nanoclaw.store.events import Accepted, Duplicate, Ignored
from nanoclaw.store.ledger import Lane
from nanoclaw.store.migrate import migrate
from schema import files, payloads, sqlite
from schema.rows import OutKind
from schema.sqlite import Journal, Synchronous, fetch, integer
from tests.support.central import CHANNEL, NOW, World, everything, said

STRICT, ASKING = UnknownSenderPolicy.STRICT, UnknownSenderPolicy.REQUEST_APPROVAL
KEEP = IgnoredMessagePolicy.ACCUMULATE


def admin(world: World, name: str) -> UserId:
    """Somebody who manages all agents."""
    user = world.user(name)
    grant = Grant(
        id=RoleId(f"rol-{name}"),
        user_id=user,
        role=Role.ADMIN,
        agent_group_id=None,
        granted_by=None,
        granted_at=world.now,
    )
    people.grant(world.conn, grant)
    return user


def ledger_texts(world: World) -> list[str]:
    """What the host and its agents have to say, in order."""
    rows = fetch(world.conn, "SELECT content FROM ledger ORDER BY position")
    found = [payloads.read_out(OutKind.CHAT, str(row["content"])) for row in rows]
    return [payload.text for payload in found if isinstance(payload, payloads.ChatOut)]


def strict(world: World) -> None:
    world.wire(world.chat(policy=STRICT), world.agent(), ignored=KEEP)


def asking(world: World) -> None:
    world.wire(world.chat(policy=ASKING), world.agent(), mode=EngageMode.MENTION, ignored=KEEP)


def known_only(world: World) -> None:
    world.wire(world.chat(), world.agent(), scope=SenderScope.KNOWN, ignored=KEEP)


def known_only_as_context(world: World) -> None:
    world.wire(world.chat(), world.agent(), pattern="never said", scope=SenderScope.KNOWN, ignored=KEEP)


def nobody_listens(world: World) -> None:
    world.chat()


def unknown(world: World) -> None:
    world.agent()


def denied(world: World) -> None:
    entities.update_messaging_group(world.conn, attrs.evolve(world.chat(), denied_at=NOW))


@pytest.mark.parametrize(
    "furnish", [strict, asking, known_only, known_only_as_context, nobody_listens, unknown, denied]
)
@pytest.mark.parametrize("mention", [False, True])
def test_what_is_refused_is_in_no_file_unless_a_person_is_asked_and_then_until_they_say_no(
    tmp_path: Path, furnish: Callable[[World], None], *, mention: bool
) -> None:
    conn = sqlite.open_read_write(tmp_path / "nanoclaw.db", Journal.WAL, Synchronous.OFF)
    migrate(conn, files.central_ddl())
    world = World(conn)
    furnish(world)
    verdict = world.accept(said(1, text="kumquat", sender="Zzyzx", mention=mention, thread="t"), threaded=True)
    assert isinstance(verdict, Ignored)
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    asked = approvals.approvals(world.conn)
    assert (b"kumquat" in written) == bool(asked), "it is kept only while somebody is asked about it"
    assert integer(conn, "SELECT count(*) FROM inbound") == integer(conn, "SELECT count(*) FROM sessions") == 0
    assert people.users(conn) == []
    waiting = str(approvals.approvals(conn))
    assert (b"Zzyzx" in written) == ("Zzyzx" in waiting), "only a request, for a person to read, says their name"
    for one in asked:
        approvals.end(conn, one.id, ApprovalState.REJECTED, None, now=world.now)
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert b"kumquat" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    conn.close()


@pytest.mark.parametrize(("furnish", "reason"), [(strict, "unknown-sender"), (known_only, "sender-scope")])
def test_a_refusal_is_recorded_with_who_and_why(furnish: Callable[[World], None], reason: str) -> None:
    world = World()
    furnish(world)
    verdict = world.accept(said(1))
    assert isinstance(verdict, Ignored)
    assert (verdict.event, verdict.reason, verdict.lanes) == ("evt-1", reason, frozenset())
    [drop] = drops.recent(world.conn)
    assert (drop.key, drop.kind, drop.event_id, drop.reference) == ("event:evt-1:agt-nano", "event", "evt-1", "1")
    assert (drop.reason, drop.detail, drop.sender_id, drop.dropped_at) == (reason, verdict.detail, "test:ada", NOW)
    assert (drop.agent_group_id, drop.messaging_group_id) == ("agt-nano", "chat-test-room")
    assert approvals.approvals(world.conn) == []


def test_of_ordinary_talk_not_even_who_said_it_is_kept() -> None:
    world = World()
    world.wire(world.chat(policy=STRICT), world.agent(), mode=EngageMode.MENTION)
    world.accept(said(1, mention=False))
    [drop] = drops.recent(world.conn)
    assert (drop.reason, drop.sender_id, drop.agent_group_id) == ("not-engaged", None, None)
    assert b"test:ada" not in world.conn.serialize("main")


def test_a_stranger_where_a_person_is_to_be_asked_is_asked_about_once_for_each_agent() -> None:
    world = World()
    room = world.chat(policy=ASKING)
    for name in ("one", "two"):
        world.wire(room, world.agent(name))
    for number in (1, 2, 3):
        world.accept(said(number, text=f"secret {number}"))
    waiting = sorted(approvals.approvals(world.conn), key=lambda each: each.subject)
    assert [(each.kind, each.subject) for each in waiting] == [
        (ApprovalKind.SENDER, f"chat-test-room/agt-{name}/test:ada") for name in ("one", "two")
    ]
    assert waiting[0].payload == canonical(
        {"sender_id": "test:ada", "sender": "Ada", "chat": "chat-test-room", "agent_group": "agt-one"}
    )
    assert len(drops.recent(world.conn)) == 6


def test_one_agents_refusal_is_nothing_to_the_next() -> None:
    world = World()
    room = world.chat(policy=STRICT)
    closed, open_to_ada = world.agent("closed"), world.agent("open")
    world.wire(room, closed, priority=9)
    world.wire(room, open_to_ada)
    member = Member(user_id=world.user(), agent_group_id=open_to_ada.id, added_by=None, added_at=NOW)
    people.add_member(world.conn, member)
    verdict = world.accept(said(1))
    assert isinstance(verdict, Accepted)
    assert [row["id"] for row in fetch(world.conn, "SELECT id FROM inbound")] == ["evt-1:agt-open"]
    assert [(drop.agent_group_id, drop.reason) for drop in drops.recent(world.conn)] == [
        (closed.id, "unknown-sender"),
    ]


def test_a_denied_command_is_answered_once_by_the_host_and_wakes_nobody() -> None:
    world = World()
    room = world.chat()
    for name in ("one", "two"):
        world.wire(room, world.agent(name))
    verdict = world.accept(said(1, text="@nano /clear", thread="t"), threaded=True)
    assert isinstance(verdict, Ignored)
    assert verdict.reason == "command-denied"
    assert verdict.lanes == {Lane(CHANNEL, "room")}
    assert ledger_texts(world) == ["Permission denied: /clear requires admin access."]
    [row] = fetch(world.conn, "SELECT * FROM ledger")
    assert (row["session_id"], row["seq"], row["in_reply_to"], row["thread_id"]) == (None, None, "evt-1", "t")
    assert [drop.reason for drop in drops.recent(world.conn)] == ["command-denied"] * 2
    assert integer(world.conn, "SELECT count(*) FROM inbound") == 0
    before = everything(world.conn)
    assert verdict.event is not None
    assert world.accept(said(1, text="@nano /clear", thread="t"), threaded=True) == Duplicate(
        event=verdict.event, sessions=()
    )
    assert everything(world.conn) == before


def test_a_command_denied_as_talk_and_then_as_a_mention_is_still_answered_once() -> None:
    world = World()
    world.wire(world.chat(), world.agent())
    for mention in (False, True):
        world.accept(said(1, text="/clear", mention=mention))
    assert len(ledger_texts(world)) == 1
    assert len(drops.recent(world.conn)) == 1


def test_an_admins_command_reaches_every_agent_and_nobody_answers_for_them() -> None:
    world = World()
    world.wire(world.chat(), world.agent())
    admin(world, "ada")
    assert isinstance(world.accept(said(1, text="/clear")), Accepted)
    assert ledger_texts(world) == []


def test_who_manages_one_agent_commands_that_one_and_is_told_of_the_other() -> None:
    world = World()
    room = world.chat()
    mine, other = world.agent("mine"), world.agent("other")
    for agent in (mine, other):
        world.wire(room, agent)
    grant = Grant(
        id=RoleId("r"),
        user_id=world.user(),
        role=Role.ADMIN,
        agent_group_id=mine.id,
        granted_by=None,
        granted_at=NOW,
    )
    people.grant(world.conn, grant)
    verdict = world.accept(said(1, text="/clear"))
    assert isinstance(verdict, Accepted)
    assert verdict.lanes == {Lane(CHANNEL, "room")}
    assert [row["id"] for row in fetch(world.conn, "SELECT id FROM inbound")] == ["evt-1:agt-mine"]
    assert len(ledger_texts(world)) == 1


@pytest.mark.parametrize("text", ["/help", "/start@nano_bot", "<@U1> /config"])
def test_a_filtered_command_is_met_with_silence_also_an_owners(text: str) -> None:
    world = World()
    world.wire(world.chat(), world.agent())
    admin(world, "ada")
    verdict = world.accept(said(1, text=text))
    assert isinstance(verdict, Ignored)
    assert (verdict.reason, verdict.lanes) == ("filtered-command", frozenset())
    assert ledger_texts(world) == []
    assert [drop.reason for drop in drops.recent(world.conn)] == ["filtered-command"]


@pytest.mark.parametrize("text", ["/clear", "/help"])
def test_a_command_to_another_agent_is_no_ones_context(text: str) -> None:
    world = World()
    world.wire(world.chat(), world.agent(), mode=EngageMode.MENTION, ignored=KEEP)
    admin(world, "ada")
    assert isinstance(world.accept(said(1, text=text, mention=False)), Ignored)
    assert integer(world.conn, "SELECT count(*) FROM inbound") == 0
