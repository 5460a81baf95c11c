"""Reaching those who may decide: who they are, where each can be written to, and a card for the first of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from nanoclaw.core import approvals as rules
from nanoclaw.core.notices import plain
from nanoclaw.model.approvals import Approval, ApprovalState
from nanoclaw.model.entities import MessagingGroup
from nanoclaw.model.ids import ApprovalId, ChannelName, MessagingGroupId, UserId
from nanoclaw.model.messages import Address
from nanoclaw.store import approval_cards, approvals, direct_messages, people
from nanoclaw.store.entities import Mint, add_messaging_group, messaging_group, messaging_group_of
from nanoclaw.store.ledger import Lane
from schema.sqlite import Connection, scalar

NOBODY = "nobody who may decide could be reached; it waits until somebody decides at the command line"
LATE = (
    "nobody who may decide can be reached now: what they were sent has not arrived yet; it waits until it does,"
    " or until somebody decides at the command line"
)
ELSEWHERE = "whoever was asked first could not be reached yet, so somebody else was asked too; it waits for a decision"


def candidates(conn: Connection, approval: Approval, *, now: datetime) -> Sequence[UserId]:
    """Whom to ask, the best first, without those who were asked; see `next_asked`."""
    where = None
    if approval.messaging_group_id is not None:
        where = scalar(conn, "SELECT channel FROM messaging_groups WHERE id = ?", (approval.messaging_group_id,))
    channel = None if where is None else ChannelName(str(where))
    return rules.next_asked(
        rules.candidates(people.grants(conn), approval.agent_group_id, approval.needs, channel),
        asked=approval_cards.asked(conn, approval.id),
        unreached=approval_cards.unreached(conn, now=now),
    )


def known_place(conn: Connection, user: UserId) -> Address | None:
    """Where *user* was found before, on their own channel."""
    channel = ChannelName(user.partition(":")[0])
    chat = direct_messages.reached(conn, user, channel)
    found = messaging_group_of(conn, chat)
    return None if found is None else Address(channel=found.channel, platform_id=found.platform_id)


def remember(
    conn: Connection, user: UserId, channel: ChannelName, platform_id: str, *, mint: Mint, now: datetime
) -> Address:
    """*user* can be written to there; the chat is known from now on, and no stranger is heard in it."""
    chat = messaging_group(conn, channel, platform_id)
    if chat is None:
        name = scalar(conn, "SELECT display_name FROM users WHERE id = ?", (user,))
        chat = MessagingGroup(
            id=MessagingGroupId(mint("chat")),
            channel=channel,
            platform_id=platform_id,
            name=plain(str(name or user), 80),
            is_group=False,
            created_at=now,
        )
        add_messaging_group(conn, chat)
    direct_messages.remember(conn, user, channel, chat.id, resolved_at=now)
    return Address(channel=channel, platform_id=platform_id)


def send_card(
    conn: Connection, which: ApprovalId, user: UserId, place: Address, *, token: Callable[[], str], now: datetime
) -> frozenset[Lane]:
    """Send *user* a card, if it still waits, and if they have not too many to decide already.

    Not if somebody has one that arrived, or that may soon; where one is on its way for too long, whoever asks is told.
    """
    approval = approvals.get(conn, which)
    if approval is None or approval.state is not ApprovalState.PENDING or rules.is_late(approval, now):
        return frozenset()
    waited_for = approval_cards.waited_for(conn, which, now=now)
    if (
        waited_for
        or user in approval_cards.asked(conn, which)
        or approval_cards.open_of(conn, user) >= rules.MOST_CARDS
    ):
        return frozenset()
    shown, options = approvals.shown_of(approval), approvals.options_of(approval)
    approval_cards.send(conn, approval, shown, options, to=place, approver=user, token=token, now=now)
    if waited_for is False and approval.session_id is not None:
        approvals.tell_asker(conn, approval, ELSEWHERE, key="elsewhere", wake=False, now=now)
    return frozenset([Lane(place.channel, place.platform_id)])


def nobody(conn: Connection, which: ApprovalId, *, now: datetime) -> bool:
    """Nobody can be reached, or nobody else: whoever asks is told, once, and it waits. Says if that was news."""
    approval = approvals.get(conn, which)
    if approval is None or approval.state is not ApprovalState.PENDING or approval.session_id is None:
        return False
    waited_for = approval_cards.waited_for(conn, which, now=now)
    if waited_for:
        return False
    key, words = ("nobody", NOBODY) if waited_for is None else ("late", LATE)
    note = f"note:approval:{which}:{key}"
    if scalar(conn, "SELECT 1 FROM inbound WHERE id = ?", (note,)) is not None:
        return False
    approvals.tell_asker(conn, approval, words, key=key, now=now)
    return True
