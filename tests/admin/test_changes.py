"""What the verbs change, and that it is so at once."""

from __future__ import annotations

import pytest

from nanoclaw.admin.dependants import FIRST, HISTORY
from nanoclaw.admin.verb import ConfirmationNeededError
from nanoclaw.errors import UsageError
from nanoclaw.model.entities import UnknownSenderPolicy
from nanoclaw.model.ids import AgentGroupId, EpochNumber
from nanoclaw.model.messages import Address
from nanoclaw.model.settings import ContainerSettings
from nanoclaw.store import direct_messages
from nanoclaw.store.dependants import FOUND_OUT, RECORDS, references
from nanoclaw.store.destinations import addresses
from nanoclaw.store.events import Accepted, Ignored
from nanoclaw.store.projection import changes
from nanoclaw.store.sessions import session_place
from nanoclaw.store.settings import set_settings
from tests.support.approvals import carry_out
from tests.support.central import CHANNEL, NOW, everything, said
from tests.support.desk import SLACK, Desk

NANO = AgentGroupId("agt-nano")


def test_a_group_chat_can_be_made_from_nothing() -> None:
    desk = Desk()
    assert desk.one("groups create", name="The Ops")["folder"] == "the-ops"
    desk.do("chats create", channel="test", platform_id="room", name="Home", group=True)
    wiring = desk.one("wirings create", chat="home", group="the-ops", engage_pattern="(?i)deploy", sender_scope="known")
    assert (wiring["engages"], wiring["sender_scope"]) == ("pattern (?i)deploy", "known")
    assert isinstance(desk.world.accept(said(1, text="Deploy")), Ignored)
    desk.do("users create", user="test:ada", name="Ada")
    desk.do("members add", user="ada", group="the-ops")
    assert isinstance(desk.world.accept(said(2, text="Deploy")), Accepted)
    (session,) = desk.do("sessions list", group="the").rows
    assert (session["group"], session["chat"], session["heard"], session["running"]) == ("The Ops", "Home", 1, False)
    assert desk.one("sessions get", session=session["id"]) == session
    assert desk.one("drops list", reason="unknown-sender", chat="home", group="the-ops")["sender"] == "test:ada"
    assert desk.do("drops list", reason="bad-pattern").said == "nothing was dropped"


def test_a_second_folder_of_the_same_name_is_numbered() -> None:
    desk = Desk()
    assert [desk.one("groups create", name="Ops")["folder"] for _ in range(3)] == ["ops", "ops-2", "ops-3"]


@pytest.mark.parametrize(
    ("channel", "group", "mode", "scope", "ignored"),
    [
        ("test", False, "pattern .", "all", "drop"),
        ("slack", False, "pattern .", "all", "drop"),
        ("test", True, "mention", "all", "drop"),
        ("slack", True, "mention-sticky", "known", "accumulate"),
        ("elsewhere", True, "mention", "all", "drop"),
    ],
)
def test_a_wiring_of_which_nothing_is_said_follows_from_the_kind_of_the_chat(
    channel: str, group: bool, mode: str, scope: str, ignored: str
) -> None:
    desk = Desk()
    desk.do("groups create", name="Ops")
    desk.do("chats create", channel=channel, platform_id="room", group=group)
    made = desk.one("wirings create", chat="room", group="ops")
    assert (made["engages"], made["sender_scope"], made["ignored_message_policy"]) == (mode, scope, ignored)


def test_a_wiring_is_changed_as_said_and_no_further() -> None:
    desk = Desk()
    desk.world.wire(desk.world.chat(), desk.world.agent())
    before = desk.one("wirings get", wiring="nano@room")
    after = desk.one("wirings update", wiring="nano@test/room", engage_mode="mention", priority=2)
    different = {key for key in after if after[key] != before[key]}
    assert different == {"engages", "engage_mode", "engage_pattern", "priority"}
    assert after["engage_pattern"] is None
    assert isinstance(desk.world.accept(said(1, mention=False)), Ignored)


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("groups delete", {"group": "idle"}),
        ("chats delete", {"chat": "empty"}),
        ("wirings delete", {"wiring": "nano@room"}),
        ("users delete", {"user": "eve"}),
        ("roles revoke", {"user": "ada", "role": "admin", "group": "nano"}),
        ("members remove", {"user": "ada", "group": "nano"}),
        ("destinations remove", {"group": "nano", "name": "room"}),
    ],
)
def test_what_is_taken_away_is_asked_for_first_and_then_gone(verb: str, arguments: dict[str, object]) -> None:
    desk = Desk()
    world = desk.world
    world.wire(world.chat(), world.agent())
    world.agent("idle")
    world.chat("empty")
    world.user("eve")
    world.user("ada")
    desk.do("roles grant", user="ada", role="admin", group="nano")
    desk.do("members add", user="ada", group="nano")
    before = everything(world.conn)
    with pytest.raises(ConfirmationNeededError, match=r"\?"):
        desk.ask(verb, arguments)
    assert everything(world.conn) == before
    assert desk.do(verb, **arguments).said
    assert everything(world.conn) != before
    assert world.conn.execute("PRAGMA foreign_key_check").fetchall() == []


def test_a_chat_that_only_records_name_can_be_deleted_and_they_name_it_no_longer() -> None:
    desk = Desk()
    desk.world.accept(said(1, room="lobby"))
    assert desk.one("approvals list")["state"] == "pending"
    desk.do("chats delete", chat="test/lobby")
    assert desk.one("approvals list")["state"] == "expired"
    assert desk.one("drops list")["chat"] is None


def test_an_agent_that_has_spoken_is_kept_with_what_was_said() -> None:
    desk = Desk()
    desk.world.wire(desk.world.chat(), desk.world.agent())
    desk.world.accept(said(1))
    desk.do("wirings delete", wiring="nano@room")
    with pytest.raises(UsageError, match="1 session: what was said there is kept"):
        desk.do("groups delete", group="nano")


def test_a_new_destination_is_shown_to_a_running_session_at_once() -> None:
    desk = Desk()
    world = desk.world
    place = session_place(world.conn, world.session())
    assert place is not None
    world.agent("helper")
    seen = changes(world.conn, place, EpochNumber(1), 0).tick
    desk.do("destinations add", group="nano", agent="helper")
    shown = changes(world.conn, place, EpochNumber(1), seen)
    assert shown.destinations is not None
    assert [one.name for one in shown.destinations] == ["helper", "room"]
    desk.do("chats create", channel="test", platform_id="den", name="Den")
    desk.do("destinations add", group="nano", chat="den", name="quiet-place")
    assert addresses(world.conn, NANO)["quiet-place"] == Address(channel=CHANNEL, platform_id="den")
    desk.do("destinations remove", group="nano", name="quiet-place")
    assert "quiet-place" not in addresses(world.conn, NANO)


def test_a_request_is_answered_by_doing_what_was_asked_for() -> None:
    desk = Desk()
    world = desk.world
    world.accept(said(1, room="lobby"))
    asked = desk.one("approvals list", state="pending", kind="chat")
    assert "--name NAME; no: nanoclaw approvals reject" in str(desk.do("approvals show", approval=asked["id"]).said)
    world.agent()
    desk.do("wirings create", chat="test/lobby", group="nano", engage_pattern=".")
    assert desk.one("approvals show", approval=asked["id"])["state"] == "executing"
    carry_out(world)
    assert desk.one("approvals show", approval=asked["id"])["state"] == "done"
    world.accept(said(2, room="lobby"))
    knocking = desk.one("approvals list", state="pending", kind="sender", chat="test/lobby")
    assert f"nanoclaw approvals approve {knocking['id']}" in str(
        desk.do("approvals show", approval=knocking["id"]).said
    )
    desk.do("users create", user="test:ada", name="Ada")
    desk.do("members add", user="ada", group="nano")
    carry_out(world)
    assert "is heard" in str(desk.one("approvals show", approval=knocking["id"])["result"])
    assert isinstance(world.accept(said(3, room="lobby")), Accepted)


def test_a_chat_that_is_denied_is_silent_until_it_is_wired() -> None:
    desk = Desk()
    world = desk.world
    world.accept(said(1, room="lobby"))
    assert desk.one("chats update", chat="test/lobby", denied=True)["denied"] is True
    assert desk.one("approvals list")["state"] == "rejected"
    refused = world.accept(said(2, room="lobby"))
    assert isinstance(refused, Ignored)
    assert refused.reason == "chat-denied"
    world.agent()
    desk.do("wirings create", chat="test/lobby", group="nano")
    assert desk.one("chats get", chat="test/lobby")["denied"] is False


def test_settings_of_an_agent_group_reach_its_next_sandbox_and_can_be_taken_back() -> None:
    desk = Desk()
    session = desk.world.session()
    before = desk.one("groups get", group="nano")
    assert (before["model"], before["admin_scope"], before["skills"]) == (None, "group", '"all"')
    desk.do("groups update", group="nano", model="small", max_messages_per_prompt=3, admin_scope="disabled")
    place = session_place(desk.world.conn, session)
    assert place is not None
    assert place.settings is not None
    assert (place.settings.model, place.settings.max_messages_per_prompt) == ("small", 3)
    got = desk.one("groups update", group="nano", model="", name="Nanette")
    assert (got["name"], got["model"], got["max_messages_per_prompt"], got["admin_scope"]) == (
        "Nanette",
        None,
        3,
        "disabled",
    )


def test_what_was_imported_for_an_agent_group_is_shown_and_stays_when_something_else_changes() -> None:
    desk = Desk()
    desk.world.agent()
    brought = ContainerSettings(
        agent_group_id=NANO,
        image_tag="nano:7",
        skills='["browser"]',
        mcp_servers='{"a": {}}',
        packages='{"apt": ["jq"]}',
        additional_mounts='["/srv"]',
        updated_at=NOW,
    )
    set_settings(desk.world.conn, brought)
    desk.do("groups update", group="nano", effort="high")
    got = desk.one("groups get", group="nano")
    assert (got["image_tag"], got["skills"], got["packages"]) == ("nano:7", '["browser"]', '{"apt": ["jq"]}')
    assert (got["mcp_servers"], got["additional_mounts"], got["effort"]) == ('{"a": {}}', '["/srv"]', "high")


@pytest.mark.parametrize(("verb", "arguments"), [("chats delete", {"chat": "den"}), ("users delete", {"user": "ada"})])
def test_where_somebody_can_be_written_to_keeps_nobody_from_being_forgotten(
    verb: str, arguments: dict[str, object]
) -> None:
    desk = Desk()
    ada, den = desk.world.user(), desk.world.chat("den")
    direct_messages.remember(desk.world.conn, ada, CHANNEL, den.id, resolved_at=NOW)
    desk.do(verb, **arguments)
    assert direct_messages.known(desk.world.conn) == frozenset()


@pytest.mark.parametrize("table", ["agent_groups", "messaging_groups", "users"])
def test_whatever_may_keep_something_from_being_deleted_has_a_word_for_people(table: str) -> None:
    found = {of for of, _ in references(Desk().world.conn, table)}
    assert found
    assert found <= {*FIRST, *HISTORY, *RECORDS, *FOUND_OUT}


def test_lists_say_how_to_go_on_when_they_are_empty_and_can_be_narrowed() -> None:
    desk = Desk()
    for verb in ("groups list", "chats list", "wirings list", "roles list", "members list", "destinations list"):
        assert "nanoclaw" in str(desk.do(verb).said)
    desk.world.chat()
    desk.world.chat("den", channel=SLACK, policy=UnknownSenderPolicy.STRICT)
    assert [row["name"] for row in desk.do("chats list", channel="slack").rows] == ["Den"]
    assert [row["id"] for row in desk.do("users list", channel="test").rows] == ["test:operator"]
    assert desk.do("users list", channel="slack").rows == ()
