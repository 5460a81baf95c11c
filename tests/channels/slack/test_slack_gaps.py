"""After a gap Slack lets us ask only so often: whoever speaks elsewhere is heard all the same, and nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nanoclaw.core import gaps
from nanoclaw.model.messages import InboundEvent
from tests.channels.ear import Ear, soon
from tests.channels.slack.app import connected
from tests.support.channels import MarksInMemory
from tests.support.fake_http import Reply
from tests.support.slack.server import DIRECT, GENERAL, FakeSlack, open_slack

HISTORY = "GET .*/conversations.history"


def put_off(seconds: float) -> Reply:
    return Reply(status=429, headers={"retry-after": f"{seconds}"})


async def left_off(slack: FakeSlack) -> tuple[MarksInMemory, str]:
    """Something was read in private and in a thread, and then something was said that nobody heard; the thread."""
    thread = (await slack.said("a thread"))["ts"]
    read = {DIRECT: slack.tick(), f"{GENERAL}/{thread}": slack.tick(), "": slack.tick()}
    await slack.said("missed in private", channel=DIRECT)
    await slack.said("missed in the thread", thread=thread)
    return MarksInMemory({"read": json.dumps(read)}), thread


async def test_while_a_place_may_not_be_asked_for_others_are_heard_and_it_is_read_by_the_next_life(
    tmp_path: Path,
) -> None:
    async with open_slack() as slack:
        marks, thread = await left_off(slack)
        slack.http.fail(HISTORY, put_off(600))
        async with connected(slack, tmp_path, marks=marks) as (_, ear):
            waits = await slack.said("live in private", channel=DIRECT)
            await slack.said("live in the thread", thread=thread)
            assert [one.text for one in await ear.events(2)] == ["missed in the thread", "live in the thread"]
            assert slack.envelopes[f"{DIRECT}:{waits['ts']}"] in slack.socket.unacknowledged
            await slack.socket.drop()
            await slack.socket.until(lambda: slack.socket.connections == 2)
            await slack.said("more in the thread", thread=thread)
            assert (await ear.events(3))[2].text == "more in the thread"
            assert DIRECT in json.loads(marks.kept["gaps"])
        slack.socket.unacknowledged.clear()
        async with connected(slack, tmp_path, marks=marks) as (_, ear):
            await ear.until(lambda: len(_texts(ear, DIRECT)) == 2)
            assert _texts(ear, DIRECT) == ["missed in private", "live in private"]
            await soon(lambda: marks.kept["gaps"] == "{}")


async def test_what_is_live_in_a_place_comes_after_what_was_missed_there(tmp_path: Path) -> None:
    async with open_slack() as slack:
        slack.messages["D0000000002"] = []
        marks, _ = await left_off(slack)
        slack.http.fail(HISTORY, put_off(0.3))
        slack.http.fail("GET .*/users.conversations", put_off(0.2))
        await slack.said("missed where nobody was heard", channel="D0000000002")
        async with connected(slack, tmp_path, marks=marks) as (_, ear):
            for number in range(3):
                for channel in (DIRECT, "D0000000002"):
                    await slack.said(f"live {number}", channel=channel)
            await ear.events(9)
            await slack.socket.until(lambda: not slack.socket.unacknowledged)
        live = [f"live {number}" for number in range(3)]
        assert _texts(ear, DIRECT) == ["missed in private", *live]
        assert _texts(ear, "D0000000002") == ["missed where nobody was heard", *live]


async def test_while_conversations_cannot_be_listed_what_was_missed_is_read_where_somebody_speaks_at_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gaps, "LONGEST_WAIT", 0.1)
    async with open_slack() as slack:
        slack.messages["D0000000002"] = []
        marks, _ = await left_off(slack)
        slack.http.fail("GET .*/users.conversations", put_off(600))
        await slack.said("missed where nobody was heard", channel="D0000000002")
        async with connected(slack, tmp_path, marks=marks) as (_, ear):
            await slack.said("live", channel="D0000000002")
            # In whichever order: it was given up, and a platform that is asked again may tell the same twice.
            await ear.until(lambda: {*_texts(ear, "D0000000002")} == {"missed where nobody was heard", "live"})


def _texts(ear: Ear, place: str) -> list[str]:
    return [one.text for one in ear.told if isinstance(one, InboundEvent) and one.platform_id == place]
