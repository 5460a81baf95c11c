"""What people say on Discord comes in: once, in order, with its place and who said it, also after trouble."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import trio

from nanoclaw.channels.discord.hearing import A_MINUTE
from nanoclaw.model.messages import InboundEvent, Revision, RevisionKind
from tests.channels.discord.bot import connected
from tests.channels.ear import soon
from tests.support.channels import MarksInMemory
from tests.support.discord.server import BOT, BOT_ROLE, DIRECT, EDITED, GENERAL, GUILD, open_discord
from tests.support.fake_http import Reply

ME = {"id": BOT, "username": "nano", "bot": True}


async def test_a_message_in_a_channel_begins_its_own_thread(tmp_path: Path) -> None:
    async with open_discord() as discord, connected(discord, tmp_path) as (_, ear):
        said = await discord.said(f"<@{BOT}> hello <@!201>", mentions=[ME, {"id": "201", "username": "bob"}])
        (event,) = await ear.events(1)
    assert event == InboundEvent(
        channel=event.channel,
        platform_message_id=said["id"],
        platform_id=GENERAL,
        thread_id=said["id"],
        starts_thread=True,
        mention=True,
        is_group=True,
        chat_name="general",
        sender_id=event.sender_id,
        sender="Ada",
        text="hello @bob",
    )
    assert event.sender_id == "discord:200"


async def test_a_message_in_a_thread_stands_in_its_channels_chat(tmp_path: Path) -> None:
    async with open_discord() as discord, connected(discord, tmp_path) as (_, ear):
        start = await discord.said("look at this")
        await discord.begin_thread(start["id"])
        await discord.said("and this", channel=start["id"])
        event = (await ear.events(2))[1]
    assert (event.platform_id, event.thread_id, event.starts_thread) == (GENERAL, start["id"], False)


async def test_a_thread_is_joined_when_an_agent_wants_to_hear_it_and_only_then(tmp_path: Path) -> None:
    async with open_discord() as discord, connected(discord, tmp_path) as (_, ear):
        threads = []
        for _ in range(2):
            threads.append((await discord.said("look at this"))["id"])
            await discord.begin_thread(threads[-1])
        await discord.said("among us", channel=threads[0])
        await ear.events(3)
        ear.subscribes = True
        await discord.said("no thread of this is there yet")
        discord.http.fail(r"PUT .*/thread-members/@me", Reply(status=500))
        for text in ("you there", "and you again", "still there"):
            await discord.said(text, channel=threads[1])
            await ear.until(lambda text=text: text in [one.text for one in ear.told])  # type: ignore[misc]  # its own
            await discord.http.until(lambda: discord.http.counted("PUT .*/thread-members/@me") >= 1)
        await soon(lambda: bool(discord.joined))
    assert discord.joined == [threads[1]]
    assert discord.http.counted("PUT .*/thread-members/@me") == 2, "the one that failed, and the one that did not"


async def test_a_direct_message_is_always_for_us(tmp_path: Path) -> None:
    async with open_discord() as discord, connected(discord, tmp_path, engages=False) as (_, ear):
        await discord.said("psst", channel=DIRECT)
        (event,) = await ear.events(1)
    assert (event.platform_id, event.thread_id, event.mention, event.is_group) == (DIRECT, None, True, False)


async def test_where_nobody_listens_only_what_is_for_us_is_told(tmp_path: Path) -> None:
    async with open_discord() as discord, connected(discord, tmp_path, engages=False) as (_, ear):
        await discord.said("chatter")
        await discord.said("by name", mentions=[ME])
        await discord.said("by role", mention_roles=[BOT_ROLE])
        await discord.said("an answer", type=19, referenced_message={"id": "1", "author": ME})
        events = await ear.events(3)
    assert [one.text for one in events] == ["by name", "by role", "an answer"]
    assert all(one.mention for one in events)


async def test_programs_and_discord_itself_are_not_heard(tmp_path: Path) -> None:
    async with open_discord() as discord, connected(discord, tmp_path) as (_, ear):
        await discord.said("beep", author={"id": "300", "username": "other", "bot": True})
        await discord.said("hook", webhook_id="301")
        await discord.said("mine", author=ME)
        await discord.said("", type=7)
        await discord.said("at last")
        assert [one.text for one in await ear.events(1)] == ["at last"]


async def test_changes_and_deletions_are_revisions(tmp_path: Path) -> None:
    async with open_discord() as discord, connected(discord, tmp_path) as (_, ear):
        said = await discord.said("helo")
        await discord.gateway.dispatch("MESSAGE_UPDATE", {**said, "embeds": [{"type": "link"}]})
        await discord.gateway.dispatch("MESSAGE_UPDATE", {**said, "content": "hello", "edited_timestamp": EDITED})
        await discord.gateway.dispatch("MESSAGE_DELETE_BULK", {"ids": [said["id"]], "channel_id": GENERAL})
        await ear.until(lambda: len(ear.told) == 3)
    _, edit, deletion = ear.told
    assert isinstance(edit, Revision)
    assert isinstance(deletion, Revision)
    assert (edit.kind, edit.text, edit.revision, edit.platform_message_id) == (
        *(RevisionKind.EDIT, "hello", EDITED),
        said["id"],
    )
    assert (deletion.kind, deletion.platform_message_id) == (RevisionKind.DELETION, said["id"])


async def test_files_come_into_the_spool_and_one_that_cannot_is_said_to_be_missing(tmp_path: Path) -> None:
    async with open_discord() as discord, connected(discord, tmp_path) as (_, ear):
        discord.http.fail("/files/.*/1$", Reply(status=404))
        strange = {"filename": "x", "size": 1, "url": "http://169.254.169.254/latest"}
        said = await discord.said("see", tell=False, files={"a.txt": b"abc", "../b\n.txt": b"lost"})
        await discord.gateway.dispatch("MESSAGE_CREATE", {**said, "attachments": [*said["attachments"], strange]})
        (event,) = await ear.events(1)
    (file,) = event.attachments
    assert (file.name, file.file.digest) == ("a.txt", hashlib.sha256(b"abc").hexdigest())
    assert event.text == (
        "see\n[file '../b .txt' is not here: it could not be fetched]"
        "\n[file 'x' is not here: it is not on the platform's own servers]"
    )


async def test_after_a_break_the_session_is_resumed_from_what_is_safe(tmp_path: Path) -> None:
    async with open_discord() as discord, connected(discord, tmp_path) as (_, ear):
        await discord.said("one")
        await ear.events(1)
        ear.gate = trio.Event()
        await discord.said("two")
        await ear.until(lambda: ear.calls == 2)
        await discord.gateway.drop()
        ear.gate.set()
        await discord.said("three")
        events = await ear.events(3)
        resumes = [one["d"]["seq"] for one in discord.gateway.said if one["op"] == 6]
    assert [one.text for one in events] == ["one", "two", "three"]
    assert resumes == [3]
    assert discord.gateway.sessions == 1


async def test_a_gap_that_cannot_be_resumed_is_read_afterwards(tmp_path: Path) -> None:
    marks = MarksInMemory()
    async with open_discord() as discord:
        async with connected(discord, tmp_path) as (_, ear):
            first = await discord.said("one")
            await ear.events(1)
            discord.gateway.remembers = False
            await discord.gateway.drop()
            await discord.said("two", tell=False)
            await discord.said("three", tell=False)
            await discord.gateway.until(lambda: discord.gateway.sessions == 2)
            await discord.said("four")
            assert [one.text for one in await ear.events(4)] == ["one", "two", "three", "four"]
        marks.kept["read"] = f'{{"{GENERAL}": "{first["id"]}", "{DIRECT}": "nonsense", "404": "1"}}'
        await discord.begin_thread(last := (await discord.said("five", tell=False))["id"])
        await discord.said("six", channel=last, tell=False)
        async with connected(discord, tmp_path, marks=marks) as (_, ear):
            assert [one.text for one in await ear.events(5)] == ["two", "three", "four", "five", "six"]


async def test_what_was_said_meanwhile_where_nothing_was_heard_before_is_read_afterwards(tmp_path: Path) -> None:
    marks, guild = MarksInMemory(), {"guild_id": GUILD, "name": "x"}
    async with open_discord() as discord:
        channels = discord.gateway.welcome[0][1]["channels"]
        for channel, kind in (("51", 0), ("52", 2), ("53", 0)):
            discord.channels[channel] = {"id": channel, "type": kind, **guild}
            channels.append(discord.channels[channel])
        last = await discord.said("long ago", channel="51", mentions=[ME], tell=False)
        discord.channels["53"]["last_message_id"] = last["id"]
        discord._ids += 10 * A_MINUTE
        marks.kept["read"] = json.dumps({"": discord.mint()})
        for channel in ("51", "52"):
            await discord.said("chatter", channel=channel, tell=False)
            await discord.said(f"you in {channel}", channel=channel, mentions=[ME], tell=False)
        async with connected(discord, tmp_path, marks=marks, engages=False) as (_, ear):
            assert [one.text for one in await ear.events(2)] == ["you in 51", "you in 52"]
            assert discord.http.counted("GET .*/channels/53/messages") == 0, "there is no news"


async def test_a_server_that_was_not_there_yet_is_looked_through_once_it_is_and_one_that_is_new_is_not(
    tmp_path: Path,
) -> None:
    marks = MarksInMemory()
    async with open_discord() as discord:
        for channel, guild in (("51", "8"), ("61", "9")):
            discord.channels[channel] = {"id": channel, "type": 0, "guild_id": guild, "name": "x"}
        late, new = (
            {"id": guild, "channels": [discord.channels[channel]]} for channel, guild in (("51", "8"), ("61", "9"))
        )
        discord.gateway.ready["guilds"].append({"id": late["id"], "unavailable": True})
        marks.kept["read"] = json.dumps({"": discord.mint()})
        for channel in ("51", "61"):
            await discord.said(f"you in {channel}", channel=channel, mentions=[ME], tell=False)
        discord._ids += 10 * A_MINUTE
        async with connected(discord, tmp_path, marks=marks, engages=False) as (_, ear):
            await discord.said("one", mentions=[ME])
            await ear.events(1)
            discord.gateway.remembers = False
            await discord.gateway.drop()
            await discord.gateway.until(lambda: discord.gateway.sessions == 2)
            await discord.gateway.dispatch("GUILD_CREATE", {**late, "channels": [], "unavailable": True})
            for there in (new, late):
                await discord.gateway.dispatch("GUILD_CREATE", there)
            assert [one.text for one in await ear.events(2)] == ["one", "you in 51"]
        assert discord.http.counted("GET .*/channels/61/messages") == 0, "nobody knew us there"


async def test_what_was_said_before_the_first_session_of_all_is_not_heard(tmp_path: Path) -> None:
    marks = MarksInMemory()
    async with open_discord() as discord:
        await discord.said("before", tell=False)
        async with connected(discord, tmp_path, marks=marks) as (_, ear):
            await discord.said("after")
            assert [one.text for one in await ear.events(1)] == ["after"]


async def test_what_does_not_fit_the_documentation_stops_nothing(tmp_path: Path) -> None:
    async with open_discord() as discord, connected(discord, tmp_path) as (_, ear):
        said = await discord.said("x", tell=False)
        hostile: list[Any] = [{}, {"id": 7}, {**said, "author": []}, {**said, "attachments": [{}]}, [], None, "x"]
        for broken in hostile:
            await discord.gateway.dispatch("MESSAGE_CREATE", broken)
        await discord.gateway.dispatch("SOMETHING_NEW", {"guild_id": 1})
        await discord.said("\ud83d all is well")
        assert [one.text for one in await ear.events(1)] == ["\ufffd all is well"]
