"""Having a session's sandbox end, so that the next one begins with the settings and the image of then."""

from __future__ import annotations

from datetime import datetime

from nanoclaw.model.ids import EpochNumber, InboundId, SessionId
from nanoclaw.store import epochs, inbound
from schema import payloads
from schema.rows import InKind
from schema.sqlite import Connection

RESTARTED = "restarted"
"""The action of the note that tells a new sandbox why there is one."""


def begin_anew(
    conn: Connection, session: SessionId, *, why: str, tells: tuple[InboundId, str] | None, now: datetime
) -> EpochNumber | None:
    """Have the sandbox of *session* end, if one runs, and a new one take up what is left.

    Args:
      conn: In a transaction.
      session: Whose.
      why: It ends, in a few words for people.
      tells: The id of a note and what it says: it wakes the new sandbox, and the old one does not see it.
      now: The time.

    Returns the life that ends; None if there is none, and then nothing is told.
    """
    epoch = epochs.tell_to_end(conn, session, why)
    if epoch is not None and tells is not None:
        note = inbound.NewInbound(
            id=tells[0],
            kind=InKind.SYSTEM,
            content=payloads.write(payloads.SystemIn(action=RESTARTED, text=tells[1])),
            from_epoch=EpochNumber(epoch + 1),
        )
        inbound.add(conn, note, session=session, now=now)
    return epoch
