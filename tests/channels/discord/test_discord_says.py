"""What we say on Discord stands there once, in its place, and calls nobody."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from nanoclaw.channels.base import OutgoingFile
from nanoclaw.core.speech import ShowEdit, ShowQuestion, ShowReaction
from nanoclaw.errors import DeliveryError, NobodyThereError
from nanoclaw.model.ids import QuestionId, UserId
from nanoclaw.model.messages import Choice, InboundEvent
from schema.payloads import Option
from tests.channels.contract.rig import Trouble
from tests.channels.discord.bot import connected, outgoing
from tests.channels.discord.rig import FAULTS, POST, DiscordRig
from tests.support.discord.server import DIRECT, GENERAL, open_discord
from tests.support.fake_http import Reply, reply

QUESTION = ShowQuestion(
    question=QuestionId("q-1"),
    title="Deploy?",
    text="To *where*",
    options=tuple(Option(label=f"place {number}", value=f"v{number}") for number in range(1, 8)),
)
APPROVAL = ShowQuestion(
    question=QuestionId("approval:card1/code"),
    title="May it?",
    text="It wants *this*",
    options=(Option(label="Approve", value="token-yes"), Option(label="Deny", value="token-no")),
)


async def test_a_reply_goes_to_the_thread_of_what_it_answers_which_is_begun_once(tmp_path: Path) -> None:
    async with open_discord() as discord, connected(discord, tmp_path) as (channel, _):
        said = await discord.said("hello")
        for number in range(2):
            await channel.deliver(outgoing(thread=said["id"], answers=said["id"], key=f"out-{number}"))
        first, second = discord.bodies
        assert len(discord.ours(said["id"])) == 2
        assert discord.http.counted("/threads$") == 1
    assert first["allowed_mentions"] == {"parse": [], "replied_user": False}
    assert first["flags"] == 4
    assert first["enforce_nonce"]
    assert first["nonce"] != second["nonce"]
    assert "message_reference" not in first


async def test_where_no_thread_can_be_begun_a_reply_stands_in_the_channel_and_says_what_it_answers(
    tmp_path: Path,
) -> None:
    async with open_discord() as discord, connected(discord, tmp_path) as (channel, _):
        discord.threads_allowed = False
        said = await discord.said("hello")
        shown = await channel.deliver(outgoing(thread=said["id"], answers=said["id"]))
        (posted,) = discord.ours(GENERAL)
        assert posted["message_reference"] == {"message_id": said["id"], "fail_if_not_exists": False}
        edit = outgoing("hey", thread=said["id"], native=ShowEdit(platform_message_id=shown or ""))
        assert await channel.deliver(edit) == shown
        assert posted["content"] == "hey"


async def test_reactions_find_the_message_in_the_thread_or_where_the_thread_begins(tmp_path: Path) -> None:
    async with open_discord() as discord, connected(discord, tmp_path) as (channel, _):
        start = await discord.said("hello")
        await discord.begin_thread(start["id"])
        inside = await discord.said("more", channel=start["id"])
        for about in (start["id"], inside["id"]):
            native = ShowReaction(platform_message_id=about, emoji="👍", quoted="")
            await channel.deliver(outgoing("👍", thread=start["id"], native=native))
        assert discord.reactions == [(start["id"], "👍"), (inside["id"], "👍")]


@pytest.mark.parametrize("trouble", [Trouble.LOST, Trouble.CUT])
async def test_what_was_posted_without_our_hearing_so_is_found_and_not_posted_again(
    tmp_path: Path, trouble: Trouble
) -> None:
    async with open_discord() as discord, connected(discord, tmp_path) as (channel, _):
        said = await discord.said("hello", channel=DIRECT)
        discord.http.fail(POST, FAULTS[trouble], FAULTS[trouble])
        message = {"chat": DIRECT, "answers": said["id"]}
        for key in ("out-1", "out-2"):
            with pytest.raises(DeliveryError) as caught:
                await channel.deliver(outgoing(**message, key=key))
            assert (caught.value.retryable, caught.value.reached) == (True, True)
        one, two = discord.ours(DIRECT)
        assert await channel.deliver(outgoing(**message, again=True)) == one["id"]
        # Minutes later, in another life of the host: neither nonce is known any more, but the words are.
        discord.forget_nonces()
        async with connected(discord, tmp_path) as (later, _):
            assert await later.deliver(outgoing(**message, again=True)) == one["id"]
            assert await later.deliver(outgoing("other", **message, key="out-3")) not in (one["id"], two["id"])
        assert len(discord.ours(DIRECT)) == 3


async def test_the_nonce_holds_for_what_is_tried_again_soon(tmp_path: Path) -> None:
    async with open_discord() as discord, connected(discord, tmp_path) as (channel, _):
        ids = {await channel.deliver(outgoing(key="out-01kb2yqm2tgv8d1k3m5n7p9qrs/3")) for _ in range(3)}
    assert len(ids) == 1


async def test_limits_are_kept_for_the_route_or_for_everything(tmp_path: Path) -> None:
    async with open_discord() as discord, connected(discord, tmp_path) as (channel, _):
        discord.http.fail(POST, FAULTS[Trouble.BUSY])
        with pytest.raises(DeliveryError) as caught:
            await channel.deliver(outgoing())
        assert (caught.value.retry_after, caught.value.reached) == (0.2, False)
        await channel.deliver(outgoing(chat=DIRECT))
        await trio.sleep(0.2)
        discord.http.fail(POST, Reply(body=b'{"id": "1", "channel_id": "2"}', headers={
            "x-ratelimit-remaining": "0", "x-ratelimit-reset-after": "60"}))  # fmt: skip
        await channel.deliver(outgoing())
        with pytest.raises(DeliveryError, match="asked us to wait"):
            await channel.deliver(outgoing())
        discord.http.fail(POST, reply({"message": "slow", "retry_after": 60.5, "global": True}, 429))
        for chat in (DIRECT, GENERAL):
            with pytest.raises(DeliveryError) as caught:
                await channel.deliver(outgoing(chat=chat))
        assert discord.http.counted(POST) == 4


async def test_files_go_with_the_text(tmp_path: Path) -> None:
    async with open_discord() as discord, connected(discord, tmp_path) as (channel, _):
        files = []
        for name in ("a.txt", 'b".bin'):
            (tmp_path / name).write_bytes(name.encode() * 1000)
            files.append(OutgoingFile(name=name, size=len(name) * 1000, path=tmp_path / name))
        await channel.deliver(outgoing("see", files=tuple(files)))
        (shown,) = DiscordRig(discord).shown(GENERAL)
    assert shown.text == "see"
    assert shown.files == {name: name.encode() * 1000 for name in ("a.txt", 'b".bin')}


async def test_a_question_has_buttons_and_whoever_presses_one_answers(tmp_path: Path) -> None:
    async with open_discord() as discord, connected(discord, tmp_path) as (channel, ear):
        shown = await channel.deliver(outgoing(native=QUESTION))
        (posted,) = discord.ours()
        assert [len(row["components"]) for row in posted["components"]] == [5, 2]
        assert posted["content"] == "**Deploy?**\nTo *where*"
        pressed = await discord.press(posted, "place 6", who="201", name="telegram:owner")
        (event,) = await ear.events(1)
        await discord.http.until(lambda: pressed in discord.pressed)
        assert discord.pressed[pressed] == {"type": 6}
        await channel.deliver(outgoing("place 6", native=ShowEdit(platform_message_id=shown or "")))
        assert posted["components"] == []
    assert isinstance(event, InboundEvent)
    assert event.choice == Choice(question=QuestionId("q-1"), said="v6")
    assert (event.sender_id, event.platform_id, event.platform_message_id) == ("discord:201", GENERAL, pressed)


async def test_an_approval_says_the_token_of_what_was_pressed_and_a_refusal_is_told_to_them_alone(
    tmp_path: Path,
) -> None:
    async with open_discord() as discord, connected(discord, tmp_path) as (channel, ear):
        await channel.deliver(outgoing(native=APPROVAL, speaker=None, chat=DIRECT))
        (posted,) = discord.ours(DIRECT)
        assert posted["content"] == "**May it?**\nIt wants \\*this\\*"
        ear.refuses = "you may not"
        pressed = await discord.press(posted, "Deny")
        await discord.http.until(lambda: pressed in discord.pressed)
        (event,) = await ear.events(1)
        assert discord.pressed[pressed]["type"] == 4
        assert discord.pressed[pressed]["data"]["flags"] == 64
        assert discord.pressed[pressed]["data"]["content"] == "you may not"
    assert event.choice == Choice(question=QuestionId("approval:card1/code"), said="token-no")
    assert not event.is_group


async def test_people_can_be_written_to_and_typing_is_shown(tmp_path: Path) -> None:
    async with open_discord() as discord, connected(discord, tmp_path) as (channel, _):
        assert await channel.open_direct_messages(UserId("discord:200")) == DIRECT
        assert await channel.open_direct_messages(UserId("discord:ada")) is None
        await channel.show_typing(outgoing(thread="123").to)
        assert discord.typing == [GENERAL]
        assert channel.health().heard is not None
        assert channel.health().why == ""
    with pytest.raises(NobodyThereError):
        await channel.deliver(outgoing())
