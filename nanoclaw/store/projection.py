"""What a session's link should show, read from the truth in one look."""

from __future__ import annotations

from attrs import frozen

from nanoclaw.core.destinations import name_of
from nanoclaw.model.entities import SessionPlace
from nanoclaw.model.ids import EpochNumber, SessionId
from nanoclaw.model.messages import InboundRow, LedgerRow, LedgerState
from nanoclaw.store import inbound, ledger
from nanoclaw.store.ticks import highest_seq
from schema.rows import (
    Delivered,
    DeliveredStatus,
    Destination,
    DestinationType,
    MessageIn,
    Meta,
    Routing,
)
from schema.sqlite import Connection, integer

STATUS = {
    LedgerState.DELIVERED: DeliveredStatus.DELIVERED,
    LedgerState.UNKNOWN: DeliveredStatus.UNKNOWN,
    LedgerState.DEAD: DeliveredStatus.FAILED,
}


@frozen(kw_only=True)
class Changes:
    """What is new for a link since a tick."""

    tick: int
    """Everything up to this tick is in here or was before."""
    messages: tuple[MessageIn, ...]
    delivered: tuple[Delivered, ...]

    @property
    def empty(self) -> bool:
        """Is there nothing to write?"""
        return not self.messages and not self.delivered


@frozen(kw_only=True)
class Whole:
    """All that a new link holds."""

    changes: Changes
    meta: Meta
    routing: Routing
    destinations: tuple[Destination, ...]


def whole(conn: Connection, place: SessionPlace, epoch: EpochNumber, *, timezone: str) -> Whole:
    """Everything that the runner of *epoch* may know."""
    session = place.session.id
    chat = place.messaging_group
    return Whole(
        changes=Changes(
            tick=_tick(conn),
            messages=tuple(map(_message_in, inbound.shown(conn, session))),
            delivered=tuple(map(_delivered, ledger.settled_since(conn, session, 0, most=inbound.SHOWN_SETTLED))),
        ),
        meta=Meta(
            epoch=epoch,
            seq_floor=highest_seq(conn, session),
            provider_state=place.session.provider_state,
            timezone=timezone,
        ),
        routing=Routing(channel_type=chat.channel, platform_id=chat.platform_id),
        destinations=(
            Destination(
                name=name_of(chat.name),
                display_name=chat.name,
                type=DestinationType.CHANNEL,
                channel_type=chat.channel,
                platform_id=chat.platform_id,
            ),
        ),
    )


def changes(conn: Connection, session: SessionId, since: int) -> Changes:
    """What a link that was written at tick *since* lacks."""
    return Changes(
        tick=_tick(conn),
        messages=tuple(map(_message_in, inbound.changed_since(conn, session, since))),
        delivered=tuple(map(_delivered, ledger.settled_since(conn, session, since))),
    )


def _tick(conn: Connection) -> int:
    return integer(conn, "SELECT last FROM ticks")


def _message_in(row: InboundRow) -> MessageIn:
    return MessageIn(
        id=row.id,
        seq=row.seq,
        kind=row.kind,
        timestamp=row.timestamp,
        status=row.status,
        process_after=row.process_after,
        tries=row.tries,
        trigger=row.trigger,
        platform_id=row.platform_id,
        channel_type=row.channel,
        thread_id=row.thread_id,
        content=row.content,
    )


def _delivered(row: LedgerRow) -> Delivered:
    assert row.settled_at is not None
    return Delivered(
        message_out_id=row.runner_id or row.id,
        seq=row.seq,
        platform_message_id=row.platform_message_id,
        status=STATUS[row.state],
        delivered_at=row.settled_at,
        channel_type=row.channel,
        platform_id=row.platform_id,
        thread_id=row.thread_id,
    )
