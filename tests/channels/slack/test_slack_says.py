"""What we say on Slack stands there once, in its place, and calls nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from nanoclaw.channels.base import OutgoingFile
from nanoclaw.channels.registry import load
from nanoclaw.channels.slack.kind import KIND
from nanoclaw.channels.slack.saying import reaction_name
from nanoclaw.core.speech import ShowEdit, ShowQuestion, ShowReaction
from nanoclaw.errors import DeliveryError, NobodyThereError, UsageError
from nanoclaw.model.ids import QuestionId, UserId
from nanoclaw.model.messages import Choice
from schema.payloads import Option
from tests.channels.contract.rig import Trouble
from tests.channels.ear import soon
from tests.channels.slack.app import NAME, connected, outgoing
from tests.channels.slack.rig import FAULTS, POST, SlackRig
from tests.support.channels import means
from tests.support.fake_http import Fault, Half, Reset, reply
from tests.support.slack.server import DIRECT, GENERAL, TEAM, open_slack, settings_for

QUESTION = ShowQuestion(
    question=QuestionId("q-1"),
    title="Deploy?",
    text="To **where**",
    options=(Option(label="here", value="v1"), Option(label="there", value="v2")),
)
APPROVAL = ShowQuestion(
    question=QuestionId("approval:card1/code"),
    title="May it?",
    text="It wants *this* <!channel>",
    options=(Option(label="Approve", value="token-yes"), Option(label="Deny", value="token-no")),
)


async def test_a_reply_stands_in_its_thread_and_calls_nobody(tmp_path: Path) -> None:
    async with open_slack() as slack, connected(slack, tmp_path) as (channel, _):
        said = await slack.said("hello")
        shown = await channel.deliver(outgoing("**hi** <!channel> @here", thread=said["ts"]))
        (body,), (posted,) = slack.bodies, slack.ours()
    assert shown == f"{GENERAL}:{posted['ts']}"
    assert body["thread_ts"] == said["ts"]
    assert body["text"].startswith("*hi* &lt;!channel&gt;")
    assert (body["unfurl_links"], body["unfurl_media"], body["link_names"], body["parse"]) == (*[False] * 3, "none")
    assert not SlackRig(slack).shown(GENERAL)[0].pings


@pytest.mark.parametrize("trouble", [Trouble.LOST, Trouble.CUT])
@pytest.mark.parametrize("threaded", [True, False])
async def test_what_was_posted_without_our_hearing_so_is_found_and_not_posted_again(
    tmp_path: Path, trouble: Trouble, threaded: bool
) -> None:
    async with open_slack() as slack, connected(slack, tmp_path) as (channel, _):
        said = await slack.said("hello")
        place = {"thread": said["ts"]} if threaded else {"answers": f"{GENERAL}:{said['ts']}"}
        await channel.deliver(outgoing(key="out-0", **place))
        slack.http.fail(POST, FAULTS[trouble])
        with pytest.raises(DeliveryError) as caught:
            await channel.deliver(outgoing(**place))
        assert (caught.value.retryable, caught.value.reached) == (True, True)
        for number in range(5):
            await slack.said(f"more {number}", thread=said["ts"] if threaded else None)
        found = await channel.deliver(outgoing(again=True, **place))
        assert found == f"{GENERAL}:{slack.ours()[1]['ts']}"
        assert await channel.deliver(outgoing(again=True, key="out-2", **place)) != found
        assert len(slack.ours()) == 3


@pytest.mark.parametrize(
    ("said", "retryable", "reached", "wait"),
    [
        (reply({"ok": False, "error": "ratelimited"}), True, False, 1.0),
        (reply({}, 429, retry_after="30"), True, False, 30.0),
        (reply({"ok": False, "error": "fatal_error"}), True, True, None),
        (reply({"ok": False, "error": "is_archived"}), False, False, None),
        (reply({"ok": False, "error": ["?"]}), False, False, None),
        (reply([]), True, True, None),
        (reply({"ok": True}), True, True, None),
        (Reset(), True, True, None),
    ],
)
async def test_each_answer_of_slacks_says_whether_trying_again_can_help(
    tmp_path: Path, said: Fault, retryable: bool, reached: bool, wait: float | None
) -> None:
    async with open_slack() as slack, connected(slack, tmp_path) as (channel, _):
        slack.http.fail(POST, said)
        with pytest.raises(DeliveryError) as caught:
            await channel.deliver(outgoing())
        failure = caught.value
        assert (failure.retryable, failure.reached, failure.retry_after) == (retryable, reached, wait)
        await channel.deliver(outgoing(chat=DIRECT))


async def test_files_are_shared_together_and_not_again_where_they_are(tmp_path: Path) -> None:
    async with open_slack() as slack, connected(slack, tmp_path) as (channel, _):
        said = await slack.said("hello")
        files = []
        for name in ("a.txt", "b.bin"):
            (tmp_path / name).write_bytes(name.encode() * 1000)
            files.append(OutgoingFile(name=name, size=len(name) * 1000, path=tmp_path / name))
        message = outgoing("", thread=said["ts"], files=tuple(files))
        slack.http.fail("completeUpload", Half())
        with pytest.raises(DeliveryError):
            await channel.deliver(message)
        again = outgoing("", thread=said["ts"], files=tuple(files), again=True)
        await channel.deliver(again)
        (shown,) = SlackRig(slack).shown(GENERAL)
        assert shown.files == {name: name.encode() * 1000 for name in ("a.txt", "b.bin")}
        assert shown.thread == said["ts"]
        await channel.deliver(outgoing("", thread=said["ts"], files=tuple(files), key="out-2"))
        assert len(slack.ours()) == 2


async def test_a_question_has_buttons_and_whoever_presses_one_answers(tmp_path: Path) -> None:
    async with open_slack() as slack, connected(slack, tmp_path) as (channel, ear):
        shown = await channel.deliver(outgoing("words", native=QUESTION, thread="1700000000.000100"))
        (posted,) = slack.ours()
        assert [one["text"]["text"] for one in posted["blocks"][:-1]] == ["Deploy?", "To *where*"]
        pressed = await slack.press({**posted, "channel": GENERAL}, "there", who="U7", name="slack:owner")
        (event,) = await ear.events(1)
        await soon(lambda: pressed in slack.socket.acknowledged)
        await channel.deliver(outgoing("there", native=ShowEdit(platform_message_id=shown or "")))
        assert (posted["blocks"], posted["text"]) == ([], "there")
        reaction = ShowReaction(platform_message_id=shown or "", emoji="👍", quoted="")
        for _ in range(2):
            await channel.deliver(outgoing("👍", native=reaction))
        assert slack.reactions[0] == (posted["ts"], "+1")
    assert event.choice == Choice(question=QuestionId("q-1"), said="v2")
    assert (event.sender_id, event.thread_id) == (f"slack:{TEAM}-U7", "1700000000.000100")


async def test_an_approval_is_shown_sign_for_sign_and_a_refusal_is_told_to_them_alone(tmp_path: Path) -> None:
    async with open_slack() as slack, connected(slack, tmp_path) as (channel, ear):
        await channel.deliver(outgoing("words", native=APPROVAL, speaker=None, chat=DIRECT))
        (posted,) = slack.ours(DIRECT)
        assert [one["text"]["type"] for one in posted["blocks"][:-1]] == ["plain_text"] * 2
        ear.refuses = "you may not"
        await slack.press({**posted, "channel": DIRECT}, "Deny")
        (event,) = await ear.events(1)
        await soon(lambda: bool(slack.alone))
        assert (slack.alone[0]["user"], slack.alone[0]["text"]) == ("U0000000001", "you may not")
    assert event.choice == Choice(question=QuestionId("approval:card1/code"), said="token-no")


async def test_blocks_that_slack_does_not_take_are_said_in_words(tmp_path: Path) -> None:
    async with open_slack() as slack, connected(slack, tmp_path) as (channel, _):
        slack.http.fail(POST, reply({"ok": False, "error": "invalid_blocks"}))
        await channel.deliver(outgoing("1. here\n2. there", native=QUESTION))
        (posted,) = slack.ours()
        assert posted["text"] == "1. here\n2. there"


async def test_a_message_that_is_none_is_not_edited(tmp_path: Path) -> None:
    async with open_slack() as slack, connected(slack, tmp_path) as (channel, _):
        for about in ("nonsense", f"{GENERAL}:1700000000.999999"):
            with pytest.raises(DeliveryError) as caught:
                await channel.deliver(outgoing(native=ShowEdit(platform_message_id=about)))
            assert not caught.value.retryable
        assert await channel.open_direct_messages(UserId("slack:T1-U1")) == DIRECT
        assert await channel.open_direct_messages(UserId("slack:ada")) is None
        assert channel.health().why == ""
    with pytest.raises(NobodyThereError):
        await channel.deliver(outgoing())
    assert (reaction_name("👍"), reaction_name(":tada:"), reaction_name("❤")) == ("+1", "tada", "heart")


async def test_tokens_that_are_good_say_who_they_are_and_others_are_refused_without_being_repeated(
    tmp_path: Path,
) -> None:
    assert load("slack") is KIND
    async with open_slack() as slack:
        settings = settings_for(slack)
        checked = await KIND.check(means(NAME, settings, tmp_path))
        assert checked.account == "nano in home"
        for name, wrong in (("app_token", "xapp-wrong"), ("bot_token", "xoxb-wrong")):
            with pytest.raises(UsageError, match="invalid_auth") as caught:
                await KIND.check(means(NAME, settings | {name: wrong}, tmp_path))
            assert "wrong" not in str(caught.value)
            with pytest.raises(UsageError, match="begins with"):
                KIND.make(means(NAME, settings | {name: "secret"}, tmp_path))
    with pytest.raises(DeliveryError):
        await KIND.check(means(NAME, settings, tmp_path))
