"""Cards on their way to people: buttons where there are any, words with a code where not, changed where they stand."""

from __future__ import annotations

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from nanoclaw.core.approvals import PREFIX
from nanoclaw.core.speech import Ability, ShowEdit, ShowQuestion
from nanoclaw.errors import DeliveryError, UsageError
from nanoclaw.kit.ids import token
from nanoclaw.model.approvals import ApprovalState
from nanoclaw.model.ids import ApprovalId, QuestionId, RoleId, UserId
from nanoclaw.model.messages import Address, Choice, InboundEvent
from nanoclaw.model.rights import Grant, Role
from nanoclaw.store import approvals, dead, direct_messages, people, reaching
from nanoclaw.store.events import Decided, accept
from nanoclaw.store.people import note_user
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


def press(w: World, number: int = 3) -> InboundEvent:
    """Ada presses the first button of the card."""
    row = fetch(w.store.conn, "SELECT card_id, token FROM approval_tokens WHERE value = 'approve'")[0]
    event = said(number, room=CONVERSATION, channel=CHANNEL, sender="ada", is_group=False, text="")
    return evolve(event, choice=Choice(question=QuestionId(f"{PREFIX}{row['card_id']!s}/x"), said=str(row["token"])))


async def test_a_card_that_was_taken_for_lost_and_is_there_all_the_same_says_what_became_of_it(
    autojump_clock: MockClock,
) -> None:
    refused = DeliveryError(channel=CHANNEL, why="blocked", retryable=False)
    async with world(able(refused)) as w:
        await send(w)
        await w.store.transact(an_owner)
        pressed = await w.store.transact(accept, press(w), threaded=False, mint=lambda _: "evt-3", now=START)
        assert isinstance(pressed, Decided), pressed
        await end(w)
        [(_, told)] = w.channel.sent
        assert told.startswith("(correction of “May they?”)"), "nobody knows where it stands"
        assert "done: it is so" in told
        found = fetch(
            w.store.conn, "SELECT l.state AS sent, c.state FROM approval_cards c JOIN ledger l ON l.id = ledger_id"
        )
        assert found == [{"sent": "delivered", "state": "over"}]


async def test_a_lost_card_that_is_sent_again_works_and_is_changed_and_none_is_sent_of_what_is_over(
    autojump_clock: MockClock,
) -> None:
    refused = DeliveryError(channel=CHANNEL, why="blocked", retryable=False)
    async with world(able(refused)) as w:
        await send(w)
        (letter,) = await w.store.read(dead.dead_letters, 10)
        await w.store.transact(dead.retry, letter, now=START)
        w.delivery.nudge([LANE])
        await trio.sleep(1)
        assert scalar(w.store.conn, "SELECT state FROM approval_cards") == "open"
        await end(w)
        assert [type(native) for native in w.channel.natives] == [ShowQuestion, ShowEdit]
        w.store.conn.execute("UPDATE ledger SET state = 'dead' WHERE kind = 'ask_question'").fetchall()
        with pytest.raises(UsageError, match="a request that is over"):
            await w.store.transact(dead.retry, letter, now=START)
        assert len(w.channel.sent) == 2


def an_owner(conn: Connection) -> None:
    """Ada may decide."""
    note_user(conn, ADA, "Ada", now=START)
    given = Grant(id=RoleId("r"), user_id=ADA, role=Role.OWNER, agent_group_id=None, granted_by=None, granted_at=START)
    people.grant(conn, given)
