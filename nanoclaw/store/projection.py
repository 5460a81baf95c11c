"""What a session's link should show, read from the truth in one look."""

from __future__ import annotations

from attrs import frozen

from nanoclaw.model.entities import SessionPlace
from nanoclaw.model.files import Attachment
from nanoclaw.model.ids import EpochNumber, EventId
from nanoclaw.model.messages import InboundRow, LedgerRow, LedgerState
from nanoclaw.store import destinations, files, inbound, ledger
from nanoclaw.store.ticks import highest_seq
from schema.rows import (
    Delivered,
    DeliveredStatus,
    Destination,
    MessageIn,
    Meta,
    Routing,
)
from schema.sqlite import Connection, integer, scalar

STATUS = {
    LedgerState.DELIVERED: DeliveredStatus.DELIVERED,
    LedgerState.UNKNOWN: DeliveredStatus.UNKNOWN,
    LedgerState.DEAD: DeliveredStatus.FAILED,
    LedgerState.REJECTED: DeliveredStatus.FAILED,
}


@frozen(kw_only=True)
class Changes:
    """What is new for a link since a tick."""

    tick: int
    """Everything up to this tick is in here or was before."""
    messages: tuple[MessageIn, ...]
    delivered: tuple[Delivered, ...]
    destinations: tuple[Destination, ...] | None = None
    """All of them, if they have changed."""
    files: tuple[Attachment, ...] = ()
    """What came with the messages."""
    withdrawn: tuple[EventId, ...] = ()
    """What came with these is no longer to be seen."""

    @property
    def empty(self) -> bool:
        """Is there nothing to write?"""
        return not self.messages and not self.delivered and self.destinations is None


@frozen(kw_only=True)
class Whole:
    """All that a new link holds."""

    changes: Changes
    meta: Meta
    routing: Routing


def whole(conn: Connection, place: SessionPlace, epoch: EpochNumber, *, timezone: str) -> Whole:
    """Everything that the runner of *epoch* may know."""
    session = place.session.id
    chat = place.messaging_group
    rows = inbound.shown(conn, session, epoch)
    return Whole(
        changes=Changes(
            tick=_tick(conn),
            messages=tuple(map(_message_in, rows)),
            files=_files(conn, rows),
            withdrawn=tuple(inbound.withdrawn_events(conn, session, rows)),
            delivered=tuple(map(_delivered, ledger.settled_since(conn, session, 0, most=inbound.SHOWN_SETTLED))),
            destinations=destinations.shown(conn, place.agent_group.id),
        ),
        meta=Meta(
            epoch=epoch,
            seq_floor=highest_seq(conn, session),
            provider_state=place.session.provider_state,
            timezone=timezone,
        ),
        routing=Routing()
        if chat is None
        else Routing(channel_type=chat.channel, platform_id=chat.platform_id, thread_id=place.session.thread_id),
    )


def changes(conn: Connection, place: SessionPlace, epoch: EpochNumber, since: int) -> Changes:
    """What the link of *epoch* lacks if it was written at tick *since*."""
    session, agent = place.session.id, place.agent_group.id
    changed = scalar(conn, "SELECT 1 FROM agent_groups WHERE id = ? AND shown > ?", (agent, since))
    rows = inbound.changed_since(conn, session, epoch, since)
    return Changes(
        tick=_tick(conn),
        messages=tuple(map(_message_in, rows)),
        files=_files(conn, rows),
        withdrawn=tuple(inbound.withdrawn_events(conn, session, rows)),
        delivered=tuple(map(_delivered, ledger.settled_since(conn, session, since))),
        destinations=None if changed is None else destinations.shown(conn, agent),
    )


def _tick(conn: Connection) -> int:
    return integer(conn, "SELECT last FROM ticks")


def _files(conn: Connection, rows: list[InboundRow]) -> tuple[Attachment, ...]:
    events = {row.event_id: None for row in rows if row.event_id is not None and row.error != inbound.WITHDRAWN}
    return tuple(files.of_events(conn, list(events)))


def _message_in(row: InboundRow) -> MessageIn:
    return MessageIn(
        id=row.id,
        seq=row.seq,
        kind=row.kind,
        timestamp=row.timestamp,
        status=row.status,
        process_after=row.process_after,
        recurrence=row.recurrence,
        series_id=row.series_id,
        tries=row.tries,
        trigger=row.trigger,
        platform_id=row.platform_id,
        channel_type=row.channel,
        thread_id=row.thread_id,
        content=row.content,
        on_wake=row.from_epoch is not None,
    )


def _delivered(row: LedgerRow) -> Delivered:
    assert row.settled_at is not None
    assert row.seq is not None
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
