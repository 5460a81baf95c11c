"""Taking in what customs let through: requests become ledger rows, claims and drops, in one transaction.

Nothing in a report is a fact. The session, the epoch, the order, the time and the address are the host's own; what
the runner says of its rows is checked against the truth before it changes anything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from attrs import frozen

from nanoclaw.actors import outgoing, requests
from nanoclaw.actors.saying import Post, Said, dropped, say
from nanoclaw.core import destinations
from nanoclaw.core.mcp_programs import Kept, Refused
from nanoclaw.core.notices import plain
from nanoclaw.link.outbox_files import Collected
from nanoclaw.link.report import AckRow, BadRow, Report, UsageRow
from nanoclaw.model.entities import SessionPlace
from nanoclaw.model.ids import EpochNumber, SessionId
from nanoclaw.model.messages import Drop, InboundRow
from nanoclaw.store import continuations, drops, epochs, inbound, notices, over, usage
from nanoclaw.store.ledger import Lane
from nanoclaw.store.over import Over
from nanoclaw.store.sessions import save_provider_state
from schema.payloads import SystemOut
from schema.rows import CONTINUATION, REACHED, AckStatus
from schema.sqlite import Connection

USUAL = Post()
MOST_STATE = 65_536
"""Characters of provider state that outlive an epoch."""
MOST_REACHED = 1_024
"""Characters of what is kept for each settled turn."""


@frozen
class Absorbed:
    """What a report came to."""

    lanes: frozenset[Lane]
    """Where there is something to send."""
    changed: bool
    """Is there something to show the runner in return?"""
    asked: bool = False
    """Did it ask something of the host that may be due?"""
    rights: bool = False
    """Has it changed what running sessions, also others, may know of their rights?"""
    woken: frozenset[SessionId] = frozenset()
    """Other agents' sessions that have something to do."""
    shown: frozenset[SessionId] = frozenset()
    """Other sessions that have something to know."""
    over: tuple[Over, ...] = ()
    """Messages that nobody is at any more."""


def absorb(
    conn: Connection,
    place: SessionPlace,
    epoch: EpochNumber,
    report: Report,
    *,
    files: Mapping[int, Collected] | None = None,
    programs: Mapping[int, Kept | Refused] | None = None,
    timezone: str = "UTC",
    folders: frozenset[str] = frozenset(),
    handlers: Mapping[str, requests.Handler] = requests.NONE,
    post: Post = USUAL,
    now: datetime,
) -> Absorbed:
    """Take in *report* of one epoch's outbox. Safe to repeat: what was absorbed before is known by its id.

    Args:
      place: Whose outbox it is.
      epoch: Which of its lives wrote it.
      report: What customs made of the file.
      files: What became of the files of its rows, by rowid.
      programs: What the MCP servers would be started with that its rows ask for, by rowid.
      timezone: What the agent's times are in where it does not say; an IANA name.
      folders: What is in the folder of all agents' folders; none of it becomes a new agent's.
      handlers: Of requests, besides those that there are in any case.
      post: How other agents are written to.
      now: The host's time, used for every row.
    """
    settling = frozenset(ack.message_id for ack in report.acks)
    said: list[Said] = []
    asked = rights = False
    for bad in report.bad:
        drops.record(conn, _bad_row(place, epoch, bad, now))
    for row in report.rows:
        if isinstance(row.payload, SystemOut):
            origin = destinations.origin_of(place, outgoing.message_answered(conn, place, row.in_reply_to))
            asker = requests.Asker(
                place=place,
                epoch=epoch,
                origin=origin,
                timezone=timezone,
                programs=(programs or {}).get(row.rowid),
                folders=folders,
            )
            handled = requests.handle(conn, asker, row.id, row.payload, row.digest, more=handlers, now=now)
            if handled.dropped is not None:
                drops.record(conn, dropped(place, epoch, row, handled.dropped, now))
            asked, rights = asked or handled.new, rights or handled.rights
        else:
            came = (files or {}).get(row.rowid, Collected())
            said.append(say(conn, place, epoch, row, came, settling=settling, post=post, now=now))
    ended, failed_lanes = _take_acks(conn, place, epoch, report.acks, now)
    state = {row.key: row.value for row in report.states if row.key.startswith(CONTINUATION)}
    text = json.dumps(state, sort_keys=True)
    if state and text != place.session.provider_state and len(text) <= MOST_STATE:
        save_provider_state(conn, place.session.id, text)
    if (reached := _reached(report)) is not None:
        continuations.keep(conn, [row.id for row in ended], reached)
    usage.add(conn, (_used(place, epoch, row, now) for row in report.usage))
    epochs.advance(conn, place.session.id, epoch, report.cursor)
    asked = asked or any(one.asked for one in said)
    return Absorbed(
        lanes=frozenset(failed_lanes | {one.lane for one in said if one.lane is not None}),
        changed=bool(ended) or asked or any(one.changed for one in said),
        # Who waits for what has failed may have been given something to do.
        asked=asked or any(ack.status is AckStatus.FAILED for ack in report.acks),
        rights=rights,
        woken=frozenset(one.woken for one in said if one.woken is not None),
        shown=frozenset(one.shown for one in said if one.shown is not None),
        over=tuple(over.of_events(conn, {row.event_id for row in ended if row.event_id is not None})),
    )


def _reached(report: Report) -> str | None:
    """What a sandbox that goes on from the last result is given, as JSON; None: it says nothing, or too much."""
    said = {row.key.removeprefix(REACHED): row.value for row in report.states if row.key.startswith(REACHED)}
    text = json.dumps({f"{CONTINUATION}{name}": value for name, value in sorted(said.items()) if value})
    return text if said and len(text) <= MOST_REACHED else None


def _used(place: SessionPlace, epoch: EpochNumber, row: UsageRow, now: datetime) -> usage.Usage:
    return usage.Usage(
        session_id=place.session.id,
        epoch=epoch,
        seq=row.seq,
        at=now,
        model=row.model,
        read=row.read,
        written=row.written,
        cached=row.cached,
        cost_usd=row.cost_usd,
    )


def _take_acks(
    conn: Connection, place: SessionPlace, epoch: EpochNumber, acks: tuple[AckRow, ...], now: datetime
) -> tuple[list[InboundRow], set[Lane]]:
    """Claims and settlements of this session's open rows, which are returned; acks for anything else say nothing."""
    said = {ack.message_id: ack for ack in acks}
    ended: list[InboundRow] = []
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
                ended.append(row)
            case AckStatus.FAILED:
                why = plain(ack.error or "the agent gave no reason")
                inbound.settle(conn, row.id, error=why, now=now)
                lanes |= notices.message_failed(conn, row, why, now=now)
                ended.append(row)
    return ended, lanes


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
