"""A session with one claimed message, and reports to absorb in it."""

from __future__ import annotations

import hashlib

from attrs import define

from nanoclaw.actors.absorb import Absorbed, absorb
from nanoclaw.link.report import OutRow, Report
from nanoclaw.model.entities import SessionPlace
from nanoclaw.model.ids import EpochNumber, InboundId
from nanoclaw.store import drops
from nanoclaw.store.ledger import Lane
from nanoclaw.store.sessions import session_place
from schema import payloads
from schema.payloads import ChatOut, OutPayload
from schema.rows import OutKind
from schema.sqlite import fetch, transaction
from tests.support.central import CHANNEL, NOW, World

ROOM_LANE = Lane(CHANNEL, "room")


@define
class Case:
    """A session with one claimed message, and another session that must never notice."""

    world: World
    place: SessionPlace
    epoch: EpochNumber
    question: InboundId
    foreign: InboundId

    def absorb(self, **words: object) -> Absorbed:
        """Take in a report that says just *words*."""
        with transaction(self.world.conn):
            return absorb(self.world.conn, self.place, self.epoch, report(**words), now=NOW)

    def ledger(self) -> list[dict[str, object]]:
        """What is to be sent, by session, place and text."""
        return [dict(row) for row in fetch(self.world.conn, "SELECT * FROM ledger ORDER BY position")]

    def reasons(self) -> list[str]:
        """Why things were dropped."""
        return [drop.reason for drop in drops.recent(self.world.conn)]


def a_case() -> Case:
    """One in the chat `room`; the other session is in `elsewhere`."""
    world = World()
    session = world.session("nano", room="room")
    other = world.session("other", room="elsewhere")
    question, epoch = world.claimed(session, "question")
    foreign, _ = world.claimed(other, "foreign")
    place = session_place(world.conn, session)
    assert place is not None
    return Case(world, place, epoch, question, foreign)


def report(**words: object) -> Report:
    """A report that says just *words*."""
    said: dict[str, object] = {
        "rows": (),
        "bad": (),
        "acks": (),
        "states": (),
        "tool": None,
        "cursor": 1,
        "more": False,
    }
    return Report(**(said | words))  # type: ignore[arg-type]  # any field, by its name


def a_row(number: int = 1, **words: object) -> OutRow:
    """An honest row that answers the message, some of it as *words* have it."""
    payload: OutPayload = ChatOut(text=f"text {number}")
    said: dict[str, object] = {
        "rowid": number,
        "id": f"out-{number}",
        "seq": 2 * number + 1,
        "in_reply_to": "question",
        "timestamp": NOW,
        "deliver_after": None,
        "kind": OutKind.CHAT,
        "destination": None,
        "payload": payload,
    } | words
    content = payloads.write(said["payload"])
    digest = hashlib.sha256(repr(sorted(said.items(), key=str)).encode()).hexdigest()
    return OutRow(content=content, digest=digest, **said)  # type: ignore[arg-type]  # any field, by its name
