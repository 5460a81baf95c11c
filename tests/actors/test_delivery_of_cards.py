"""Cards on their way to people: buttons where there are any, words with a code where not, changed where they stand."""

from __future__ import annotations

import trio
from trio.testing import MockClock

from nanoclaw.core.approvals import PREFIX
from nanoclaw.core.speech import Ability, ShowEdit, ShowQuestion
from nanoclaw.errors import DeliveryError
from nanoclaw.kit.ids import token
from nanoclaw.model.approvals import ApprovalState
from nanoclaw.model.ids import ApprovalId, UserId
from nanoclaw.model.messages import Address
from nanoclaw.store import approvals, direct_messages, reaching
from nanoclaw.store.events import accept
from schema.sqlite import Connection, fetch, scalar
from tests.actors.test_delivery import LANE, START, World, a_channel, world
from tests.support.approvals import an_approval
from tests.support.central import said
from tests.support.platform_channel import CHANNEL, CONVERSATION
from tests.support.scripted_channel import ScriptedChannel

WHICH = ApprovalId("apr-1")
ADA = UserId(f"{CHANNEL}:ada")


def able(*script: Exception | None, but: frozenset[Ability] = frozenset()) -> ScriptedChannel:
    channel = a_channel(*script)
    channel.abilities = frozenset(Ability) - but
    return channel


async def send(w: World) -> None:
    """Ask Ada, who writes to us alone and so can be reached."""

    def write(conn: Connection) -> None:
        alone = said(2, room=CONVERSATION, channel=CHANNEL, is_group=False)
        accept(conn, alone, threaded=False, mint=lambda prefix: f"{prefix}-alone", now=START)
        chat = direct_messages.reached(conn, ADA, CHANNEL)
        assert chat is not None
        approvals.request(conn, an_approval(chat, WHICH, requested_at=START, expires_at=None))
        place = reaching.known_place(conn, ADA)
        assert place == Address(channel=CHANNEL, platform_id=CONVERSATION)
        reaching.send_card(conn, WHICH, ADA, place, token=token, now=START)

    await w.store.transact(write)
    w.delivery.nudge([LANE])
    await trio.sleep(1)


async def end(w: World) -> None:
    await w.store.transact(approvals.end, WHICH, ApprovalState.DONE, "it is so", now=START)
    w.delivery.nudge([LANE])
    await trio.sleep(1)


async def test_a_channel_with_buttons_shows_them_and_the_card_is_changed_where_it_stands(
    autojump_clock: MockClock,
) -> None:
    async with world(able()) as w:
        await send(w)
        await end(w)
        shown, changed = w.channel.natives
        assert isinstance(shown, ShowQuestion)
        assert shown.question.startswith(PREFIX)
        assert [option.label for option in shown.options] == ["Approve", "Reject"]
        secrets = {str(row["token"]) for row in fetch(w.store.conn, "SELECT token FROM approval_tokens")}
        assert {option.value for option in shown.options} == secrets
        assert changed == ShowEdit(platform_message_id="platform-1")
        assert w.channel.sent[1][1].endswith("— Approved by somebody, and done: it is so.")


async def test_a_channel_without_buttons_says_what_to_type_also_where_it_numbers_questions(
    autojump_clock: MockClock,
) -> None:
    async with world(able(but=frozenset({Ability.APPROVAL, Ability.EDIT}))) as w:
        await send(w)
        await end(w)
        code = str(scalar(w.store.conn, "SELECT code FROM approval_cards"))
        assert w.channel.natives == [None, None]
        assert w.channel.sent[0][1].endswith(f"type one of these lines:\n    Approve {code}\n    Reject {code}")
        assert "1." not in w.channel.sent[0][1]
        assert w.channel.sent[1][1].startswith("(correction of “May they?”)")


async def test_a_card_that_cannot_be_delivered_is_lost_and_whoever_asks_people_hears_of_it(
    autojump_clock: MockClock,
) -> None:
    refused = DeliveryError(channel=CHANNEL, why="blocked", retryable=False)
    async with world(able(refused)) as w:
        await send(w)
        assert scalar(w.store.conn, "SELECT state FROM approval_cards") == "lost"
        assert w.lost == ["lost"]
        await end(w)
        assert w.channel.sent == [], "nothing is said about a card that nobody has seen"
