"""What people say on Slack comes in: once, in order, with its place and who said it, also after trouble."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import trio

from nanoclaw.model.messages import InboundEvent, Revision, RevisionKind
from tests.channels.ear import soon
from tests.channels.slack.app import NAME, connected
from tests.support.channels import MarksInMemory
from tests.support.fake_http import Reply, reply
from tests.support.slack.server import BOT_USER, DIRECT, GENERAL, TEAM, open_slack

ADA = "U0000000001"


async def test_a_message_in_a_channel_begins_its_own_thread(tmp_path: Path) -> None:
    async with open_slack() as slack, connected(slack, tmp_path) as (_, ear):
        slack.names["U2"] = "Bob"
        said = await slack.said(f"<@{BOT_USER}> hello <@U2>, 1 &lt; 2 &amp;lt; <https://a.b|c> <!here>")
        (event,) = await ear.events(1)
    assert event == InboundEvent(
        channel=NAME,
        platform_message_id=f"{GENERAL}:{said['ts']}",
        platform_id=GENERAL,
        thread_id=said["ts"],
        starts_thread=True,
        mention=True,
        is_group=True,
        chat_name="general",
        sender_id=event.sender_id,
        sender="Ada",
        text="hello @Bob, 1 < 2 &lt; [c](https://a.b) @here",
    )
    assert event.sender_id == f"slack:{TEAM}-{ADA}"


async def test_a_message_in_a_thread_and_one_in_private_stand_where_they_do(tmp_path: Path) -> None:
    async with open_slack() as slack, connected(slack, tmp_path, engages=False) as (_, ear):
        await slack.said("chatter")
        await slack.said(f"<@{BOT_USER}>", thread="1700000000.000100")
        await slack.said("psst", channel=DIRECT)
        threaded, direct = await ear.events(2)
    assert (threaded.thread_id, threaded.starts_thread, threaded.mention) == ("1700000000.000100", False, True)
    assert (direct.thread_id, direct.is_group, direct.mention, direct.chat_name) == (None, False, True, "Ada")


async def test_a_mention_that_is_told_twice_is_heard_once(tmp_path: Path) -> None:
    async with open_slack() as slack, connected(slack, tmp_path) as (_, ear):
        said = await slack.said(f"<@{BOT_USER}> hello")
        mention = {key: said[key] for key in ("user", "team", "text", "ts", "channel")}
        await slack.tell({**mention, "type": "app_mention", "event_ts": said["ts"]})
        await slack.said("next")
        await ear.events(2)
        assert ear.calls == 2
        await slack.tell({**mention, "type": "app_mention", "text": "you there", "ts": slack.tick()})
        assert (await ear.events(3))[2].mention


async def test_programs_and_slack_itself_are_not_heard(tmp_path: Path) -> None:
    async with open_slack() as slack, connected(slack, tmp_path) as (_, ear):
        await slack.said("beep", bot_id="B1")
        await slack.said("beep", subtype="bot_message", user=None)
        await slack.said("Ada has joined", subtype="channel_join")
        await slack.said("ours", user=BOT_USER)
        await slack.said("at last", subtype="thread_broadcast", thread="1700000000.000100")
        assert [one.text for one in await ear.events(1)] == ["at last"]
        await soon(lambda: not slack.socket.unacknowledged)


async def test_changes_and_deletions_are_revisions(tmp_path: Path) -> None:
    async with open_slack() as slack, connected(slack, tmp_path) as (_, ear):
        said = await slack.said("helo")
        event: dict[str, Any] = {"type": "message", "hidden": True, "ts": "1", **slack.where(GENERAL)}
        changed = {**said, "text": "hello", "edited": {"user": ADA, "ts": "1700000099.000000"}}
        unfurled = {**said, "attachments": [{"title": "a page"}]}
        await slack.tell({**event, "subtype": "message_changed", "message": unfurled, "previous_message": said})
        await slack.tell({**event, "subtype": "message_changed", "message": changed, "previous_message": said})
        await slack.tell({**event, "subtype": "message_deleted", "deleted_ts": said["ts"], "previous_message": changed})
        await ear.until(lambda: len(ear.told) == 3)
    _, edit, deletion = ear.told
    assert isinstance(edit, Revision)
    assert isinstance(deletion, Revision)
    assert (edit.kind, edit.text, edit.revision) == (RevisionKind.EDIT, "hello", "1700000099.000000")
    assert deletion.kind is RevisionKind.DELETION
    assert {one.platform_message_id for one in (edit, deletion)} == {f"{GENERAL}:{said['ts']}"}
    assert {one.sender_id for one in (edit, deletion)} == {f"slack:{TEAM}-{ADA}"}


async def test_files_are_fetched_with_our_token_and_one_that_cannot_is_said_to_be_missing(tmp_path: Path) -> None:
    async with open_slack() as slack, connected(slack, tmp_path) as (_, ear):
        slack.http.fail("GET /files/.*/1$", Reply(status=404))
        await slack.said("see", files={"a.txt": b"abc", "b.txt": b"lost"})
        (event,) = await ear.events(1)
    (file,) = event.attachments
    assert (file.name, file.file.digest) == ("a.txt", hashlib.sha256(b"abc").hexdigest())
    assert event.text == "see\n[file 'b.txt' is not here: it could not be fetched]"


async def test_an_envelope_is_acknowledged_when_its_event_is_safe_and_not_before(tmp_path: Path) -> None:
    async with open_slack() as slack, connected(slack, tmp_path) as (_, ear):
        ear.gate = trio.Event()
        said = await slack.said("one")
        await ear.until(lambda: ear.calls == 1)
        assert not slack.socket.acknowledged
        await slack.socket.drop()
        ear.gate.set()
        await ear.events(1)
        await slack.socket.until(lambda: not slack.socket.unacknowledged)
        assert slack.envelopes[f"{GENERAL}:{said['ts']}"] in slack.socket.acknowledged
        assert slack.socket.connections == 2


async def test_what_was_said_while_nobody_listened_is_read_afterwards(tmp_path: Path) -> None:
    marks = MarksInMemory()
    async with open_slack() as slack:
        async with connected(slack, tmp_path) as (_, ear):
            first = await slack.said("one")
            await ear.events(1)
            await slack.socket.until(lambda: not slack.socket.unacknowledged)
        for number in range(5):
            await slack.said(f"gap {number}")
        await slack.said("in the thread", thread=first["ts"])
        places = (
            f'{{"{GENERAL}": "{first["ts"]}", "{GENERAL}/{first["ts"]}": "{first["ts"]}", "C404": "1.1", "D": "x"}}'
        )
        marks.kept["read"] = places
        async with connected(slack, tmp_path, marks=marks) as (_, ear):
            events = await ear.events(6)
            assert {one.text for one in events} == {*(f"gap {number}" for number in range(5)), "in the thread"}
            assert [one.text for one in events if one.starts_thread] == [f"gap {number}" for number in range(5)]


async def test_what_was_said_meanwhile_where_nothing_was_heard_before_is_read_afterwards(tmp_path: Path) -> None:
    marks = MarksInMemory()
    async with open_slack() as slack:
        slack.messages |= {"C0000000002": [], "D0000000002": []}
        await slack.said(f"<@{BOT_USER}> long ago", channel="C0000000002")
        slack._clock += 300
        marks.kept["read"] = json.dumps({"": slack.tick()})
        await slack.said("chatter", channel="C0000000002")
        begun = await slack.said(f"<@{BOT_USER}> you there", channel="C0000000002")
        await slack.said(f"<@{BOT_USER}> in its thread", channel="C0000000002", thread=begun["ts"])
        await slack.said("psst", channel="D0000000002")
        async with connected(slack, tmp_path, marks=marks, engages=False) as (_, ear):
            events = await ear.events(3)
            await slack.said("live", channel=DIRECT)
            await ear.events(4)
    assert [one.text for one in events[:3]] == ["psst", "you there", "in its thread"]
    assert (events[2].thread_id, events[2].starts_thread) == (begun["ts"], False)


async def test_what_was_said_before_the_first_connection_of_all_is_not_heard(tmp_path: Path) -> None:
    marks = MarksInMemory()
    async with open_slack() as slack:
        await slack.said("before", channel=DIRECT)
        async with connected(slack, tmp_path, marks=marks) as (_, ear):
            await slack.said("after", channel=DIRECT)
            assert [one.text for one in await ear.events(1)] == ["after"]
        slack.http.fail("GET .*/users.conversations", reply({"ok": False, "error": "missing_scope"}))
        async with connected(slack, tmp_path, marks=marks) as (_, ear):
            await slack.said("at last", channel=DIRECT)
            await ear.until(lambda: "at last" in [one.text for one in ear.told])
    assert "" in json.loads(marks.kept["read"])


async def test_slack_may_want_us_to_come_again(tmp_path: Path) -> None:
    async with open_slack() as slack, connected(slack, tmp_path) as (channel, ear):
        await slack.socket.disconnect("refresh_requested")
        await slack.socket.until(lambda: slack.socket.connections == 2)
        await slack.said("one")
        await ear.events(1)
        await slack.socket.disconnect("link_disabled")
        await soon(lambda: "socket mode is switched off" in channel.health().why)


async def test_what_does_not_fit_the_documentation_stops_nothing(tmp_path: Path) -> None:
    async with open_slack() as slack, connected(slack, tmp_path) as (_, ear):
        hostile: list[Any] = [{"type": 7}, {"type": "message", "ts": []}, {"type": "message", "user": "U1", "ts": "x"}]
        for broken in [*hostile, {"type": "message", "channel": GENERAL, "user": "U1", "ts": "../1", "text": "no"}]:
            await slack.socket.tell("events_api", {"event": broken})
        await slack.socket.tell("events_api", {"event": []})
        await slack.socket.tell("interactive", {"type": "block_actions"})
        await slack.socket.tell("slash_commands", {"command": "/x"})
        await slack.socket.say({"type": None})
        await slack.said("\ud83d all is well")
        assert [one.text for one in await ear.events(1)] == ["\ufffd all is well"]
        await soon(lambda: not slack.socket.unacknowledged)
