"""Drafts: the latest of each reply, where a channel shows them, and never at the expense of a message."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
from trio.testing import MockClock

from nanoclaw.channels.base import Draft
from nanoclaw.core.speech import Ability
from nanoclaw.link.report import DraftRow
from nanoclaw.model.entities import SessionPlace
from nanoclaw.model.messages import Address
from nanoclaw.store.sessions import session_place
from tests.actors.test_delivery import World, a_channel, world
from tests.support.platform_channel import CHANNEL, CONVERSATION

HERE = Address(channel=CHANNEL, platform_id=CONVERSATION)


def a_draft(text: str, *, to: str | None = None, reply: str = "r1") -> DraftRow:
    return DraftRow(reply=reply, destination=to, in_reply_to=None, text=text, tool=None)


@asynccontextmanager
async def drafting(*, able: bool = True) -> AsyncIterator[tuple[World, SessionPlace]]:
    channel = a_channel()
    channel.abilities = frozenset({Ability.DRAFT}) if able else frozenset()
    async with world(channel) as w:
        place = session_place(w.store.conn, w.session)
        assert place is not None
        yield w, place


async def test_a_draft_is_shown_where_the_reply_will_be(autojump_clock: MockClock) -> None:
    async with drafting() as (w, place):
        w.delivery.drafts.offer(place, (a_draft("Once"), a_draft("upon", reply="r2")))
        await trio.sleep(1)
        assert w.channel.drafts == [
            Draft(reply="r1", to=HERE, text="Once", tool=None, speaker="Nano"),
            Draft(reply="r2", to=HERE, text="upon", tool=None, speaker="Nano"),
        ]


async def test_of_drafts_that_came_while_one_was_shown_the_latest_is(autojump_clock: MockClock) -> None:
    async with drafting() as (w, place):
        w.channel.seconds = 1.0
        w.delivery.drafts.offer(place, (a_draft("Once"),))
        await trio.sleep(0.5)
        for text in ("Once upon", "Once upon a", "Once upon a time"):
            w.delivery.drafts.offer(place, (a_draft(text),))
        await trio.sleep(10)
        assert [draft.text for draft in w.channel.drafts] == ["Once", "Once upon a time"]


async def test_a_draft_to_where_its_agent_may_not_write_is_shown_nowhere(autojump_clock: MockClock) -> None:
    async with drafting() as (w, place):
        w.delivery.drafts.offer(place, (a_draft("psst", to="elsewhere"),))
        await trio.sleep(1)
        assert w.channel.drafts == []


async def test_a_channel_without_drafts_is_not_asked(autojump_clock: MockClock) -> None:
    async with drafting(able=False) as (w, place):
        w.delivery.drafts.offer(place, (a_draft("Once"),))
        await trio.sleep(1)
        assert w.channel.drafts == []


async def test_a_channel_that_hangs_on_a_draft_holds_up_no_message_and_no_later_draft(
    autojump_clock: MockClock,
) -> None:
    async with drafting() as (w, place):
        w.channel.seconds = 1e9
        w.delivery.drafts.offer(place, (a_draft("Once"),))
        await trio.sleep(1)
        w.channel.seconds = 0.0
        await w.say("whole")
        await trio.sleep(1)
        assert [text for _, text in w.channel.sent] == ["whole"]
        w.delivery.drafts.offer(place, (a_draft("Twice"),))
        await trio.sleep(10)
        assert [draft.text for draft in w.channel.drafts] == ["Twice"]
