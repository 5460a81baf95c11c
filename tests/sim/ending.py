"""What is true when a simulated run is over, as its checker wants to know it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen

from nanoclaw.model.approvals import Approval
from nanoclaw.model.ids import EventId
from nanoclaw.model.messages import EpochEnding, InboundRow, LedgerRow
from nanoclaw.model.questions import Question
from nanoclaw.model.tasks import Occurrence
from nanoclaw.store.approvals import approvals
from schema.rows import select
from schema.sqlite import Connection, fetch
from tests.sim.town import TOWN, Town


@frozen(kw_only=True)
class Truth:
    """What the database says when all is over."""

    messages: Mapping[str, InboundRow]
    ledger: Mapping[str, LedgerRow]
    events: Mapping[str, EventId]
    """Their ids, by channel and platform id."""
    void: frozenset[tuple[str, int]]
    """The epochs whose outbox was destroyed by their own sandbox: what they said last may be lost."""
    occurrences: tuple[Occurrence, ...]
    approvals: tuple[Approval, ...]
    questions: tuple[Question, ...]
    problems: tuple[str, ...]
    """What `nanoclaw verify` finds."""
    town: Town
    """Where it was."""


def read_truth(conn: Connection, problems: Sequence[str], town: Town = TOWN) -> Truth:
    """All that the checker wants to know of a database, which is that of *town*."""
    events = fetch(conn, "SELECT id, channel || ' ' || platform_message_id AS name FROM events")
    void = fetch(
        conn,
        "SELECT session_id AS session, number FROM epochs WHERE ending = ?",
        (EpochEnding.QUARANTINED.value,),
    )
    return Truth(
        messages={row.id: row for row in select(conn, InboundRow, "SELECT * FROM inbound ORDER BY session_id, seq")},
        ledger={row.id: row for row in select(conn, LedgerRow, "SELECT * FROM ledger ORDER BY position")},
        events={str(row["name"]): EventId(str(row["id"])) for row in events},
        void=frozenset((str(row["session"]), int(str(row["number"]))) for row in void),
        occurrences=tuple(select(conn, Occurrence, "SELECT * FROM occurrences ORDER BY task_id, due_at")),
        approvals=tuple(approvals(conn)),
        questions=tuple(select(conn, Question, "SELECT * FROM questions ORDER BY id")),
        problems=tuple(problems),
        town=town,
    )
