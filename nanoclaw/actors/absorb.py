"""Taking in what customs let through: requests become ledger rows, claims and drops, in one transaction.

Nothing in a report is a fact. The session, the epoch, the order, the time and the address are the host's own; what
the runner says of its rows is checked against the truth before it changes anything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from attrs import frozen

from nanoclaw.actors import requests
from nanoclaw.core import destinations, outgoing_files
from nanoclaw.core.notices import plain
from nanoclaw.link.outbox_files import Collected
from nanoclaw.link.report import AckRow, BadRow, OutRow, Report
from nanoclaw.model.entities import SessionPlace
from nanoclaw.model.ids import ChannelName, EpochNumber, InboundId, OutboundId, RunnerMessageId
from nanoclaw.model.messages import Address, Drop, InboundRow, NewLedgerRow
from nanoclaw.store import destinations as stored_destinations
from nanoclaw.store import drops, epochs, inbound, ledger, notices
from nanoclaw.store.ledger import Lane
from nanoclaw.store.sessions import save_provider_state
from nanoclaw.store.ticks import highest_seq
from schema.payloads import ChatOut, SystemOut
from schema.rows import AckStatus
from schema.seq import is_runners
from schema.sqlite import Connection

CONTINUATION = "continuation:"
MOST_AHEAD = 100_000
"""How far a runner's number may be above the highest the host knows in the session."""
MOST_STATE = 65_536
"""Characters of provider state that outlive an epoch."""


@frozen
class Absorbed:
    """What a report came to."""

    lanes: frozenset[Lane]
    """Where there is something to send."""
    changed: bool
    """Is there something to show the runner in return?"""
    asked: bool = False
    """Did it ask something of the host that may be due?"""


def absorb(
    conn: Connection,
    place: SessionPlace,
    epoch: EpochNumber,
    report: Report,
    *,
    files: Mapping[int, Collected] | None = None,
    timezone: str = "UTC",
    now: datetime,
) -> Absorbed:
    """Take in *report* of one epoch's outbox. Safe to repeat: what was absorbed before is known by its id.

    Args:
      place: Whose outbox it is.
      epoch: Which of its lives wrote it.
      report: What customs made of the file.
      files: What became of the files of its rows, by rowid.
      timezone: What the agent's times are in where it does not say; an IANA name.
      now: The host's time, used for every row.
    """
    lanes: set[Lane] = set()
    asked = False
    for bad in report.bad:
        drops.record(conn, _bad_row(place, epoch, bad, now))
    for row in report.rows:
        if isinstance(row.payload, SystemOut) and row.payload.action in requests.HANDLERS:
            question = _question(conn, place, row.in_reply_to)
            origin = _address(question) or _home(place)
            asker = requests.Asker(place=place, epoch=epoch, origin=origin, timezone=timezone)
            asked = requests.handle(conn, asker, row.id, row.payload, row.digest, now=now) or asked
            continue
        came = (files or {}).get(row.rowid, Collected())
        taken = _judge(conn, place, epoch, row, came)
        if isinstance(taken, NewLedgerRow | _NothingLeft):
            _tell_unsent(conn, place, epoch, row, came, isinstance(taken, _NothingLeft), now)
        if isinstance(taken, NewLedgerRow):
            ledger.add(conn, taken, session=place.session.id, now=now)
            lanes.add(Lane(taken.to.channel, taken.to.platform_id))
        elif isinstance(taken, destinations.Refused):
            drops.record(conn, _dropped(place, epoch, row, taken, now))
    settled, failed_lanes = _take_acks(conn, place, epoch, report.acks, now)
    state = {row.key: row.value for row in report.states if row.key.startswith(CONTINUATION)}
    text = json.dumps(state, sort_keys=True)
    if state and text != place.session.provider_state and len(text) <= MOST_STATE:
        save_provider_state(conn, place.session.id, text)
    epochs.advance(conn, place.session.id, epoch, report.cursor)
    return Absorbed(frozenset(lanes | failed_lanes), changed=settled or asked, asked=asked)


@frozen
class _NothingLeft:
    """A message of files alone, none of which can be sent."""


def _judge(
    conn: Connection, place: SessionPlace, epoch: EpochNumber, row: OutRow, came: Collected
) -> NewLedgerRow | destinations.Refused | _NothingLeft | None:
    """Decide about one row: the ledger's new row, a refusal, or None for one that was absorbed before."""
    session = place.session.id
    runner_id = RunnerMessageId(row.id)
    known = ledger.digest_of(conn, session, epoch, runner_id)
    if known is not None:
        return None if known == row.digest else destinations.Refused("rewritten", "a row changed after it was read")
    # A number far ahead would leave none for the honest rows of later epochs.
    in_reach = is_runners(row.seq) and row.seq <= highest_seq(conn, session) + MOST_AHEAD
    if not in_reach or not ledger.seq_is_free(conn, session, row.seq):
        return destinations.Refused("bad-seq", f"{row.seq} is not a free number of a runner")
    if not isinstance(row.payload, ChatOut):
        return destinations.Refused("not-carried", f"messages of kind {row.kind.value} are not carried yet")
    question = _question(conn, place, row.in_reply_to)
    names = stored_destinations.addresses(conn, place.agent_group.id)
    to = destinations.resolve(row.destination, origin=_address(question) or _home(place), known=names)
    if isinstance(to, destinations.Refused):
        return to
    if not row.payload.text and not came.files:
        return _NothingLeft()
    return NewLedgerRow(
        id=OutboundId(f"{session}/{epoch}/{runner_id}"),
        epoch=epoch,
        runner_id=runner_id,
        digest=row.digest,
        seq=row.seq,
        in_reply_to=None if question is None else question.id,
        to=to,
        kind=row.kind.value,
        content=row.content,
        not_before=row.deliver_after,
        files=came.files,
    )


def _tell_unsent(
    conn: Connection,
    place: SessionPlace,
    epoch: EpochNumber,
    row: OutRow,
    came: Collected,
    nothing_left: bool,
    now: datetime,
) -> None:
    """Record which files of *row* are not sent, and tell its agent."""
    if not came.unsent:
        return
    for number, file in enumerate(came.unsent):
        refused = destinations.Refused("file-refused", f"{file.name}: {file.why}")
        drops.record(conn, _dropped(place, epoch, row, refused, now, mark=f"/{number}"))
    notices.tell_agent(
        conn,
        place.session.id,
        key=f"files:{place.session.id}/{epoch}/{row.id}",
        action="files_not_sent",
        text=outgoing_files.notice(row.seq, came.unsent, nothing_left=nothing_left),
        now=now,
    )


def _question(conn: Connection, place: SessionPlace, claimed_id: str | None) -> InboundRow | None:
    """The row that a runner says it answers, if it is one of this session's."""
    row = None if claimed_id is None else inbound.get(conn, InboundId(claimed_id))
    return row if row is not None and row.session_id == place.session.id else None


def _home(place: SessionPlace) -> Address | None:
    """Where the session itself is, if it is in one place."""
    chat = place.messaging_group
    if chat is None:
        return None
    return Address(channel=chat.channel, platform_id=chat.platform_id, thread_id=place.session.thread_id)


def _address(row: InboundRow | None) -> Address | None:
    if row is None or row.channel is None or row.platform_id is None:
        return None
    return Address(channel=ChannelName(row.channel), platform_id=row.platform_id, thread_id=row.thread_id)


def _take_acks(
    conn: Connection, place: SessionPlace, epoch: EpochNumber, acks: tuple[AckRow, ...], now: datetime
) -> tuple[bool, set[Lane]]:
    """Claims and settlements of this session's open rows; acks for anything else say nothing."""
    said = {ack.message_id: ack for ack in acks}
    settled = False
    lanes: set[Lane] = set()
    for row in inbound.open_rows(conn, place.session.id) if said else ():
        ack = said.get(row.id)
        if ack is None:
            continue
        match ack.status:
            case AckStatus.PROCESSING:
                inbound.claim(conn, row.id, epoch, now=now)
            case AckStatus.COMPLETED:
                note = None if ack.error is None else plain(ack.error)
                inbound.settle(conn, row.id, error=None, note=note, now=now)
                settled = True
            case AckStatus.FAILED:
                why = plain(ack.error or "the agent gave no reason")
                inbound.settle(conn, row.id, error=why, now=now)
                lanes |= notices.message_failed(conn, row, why, now=now)
                settled = True
    return settled, lanes


def _dropped(
    place: SessionPlace,
    epoch: EpochNumber,
    row: OutRow,
    refused: destinations.Refused,
    now: datetime,
    *,
    mark: str = "",
) -> Drop:
    return Drop(
        key=f"outbound:{place.session.id}/{epoch}/{row.rowid}/{row.digest[:16]}{mark}",
        kind="outbound",
        session_id=place.session.id,
        epoch=epoch,
        reference=row.id,
        reason=refused.reason,
        detail=refused.detail,
        digest=row.digest,
        dropped_at=now,
    )


def _bad_row(place: SessionPlace, epoch: EpochNumber, bad: BadRow, now: datetime) -> Drop:
    return Drop(
        key=f"outbound:{place.session.id}/{epoch}/{bad.table}/{bad.rowid}/{bad.digest[:16]}",
        kind="outbound",
        session_id=place.session.id,
        epoch=epoch,
        reference=bad.id or f"{bad.table} row {bad.rowid}",
        reason="unreadable",
        detail=bad.reason,
        digest=bad.digest,
        dropped_at=now,
    )
