"""What becomes of a message that its sender changes or takes back? Pure.

While nobody has claimed it, it changes itself; afterwards, the agent gets a note. A change passes the same gates as a
new message: who may no longer speak, or not command, does not do so by editing.
"""

from __future__ import annotations

from typing import TypeAlias

from attrs import frozen

from nanoclaw.core import access, commands
from nanoclaw.model.entities import MessagingGroup, Wiring
from nanoclaw.model.messages import InboundRow, Revision, RevisionKind
from nanoclaw.model.rights import Rights, Standing
from schema.rows import InStatus

MOST_CHANGES = 100
"""Of one message. Nobody reads more; each is kept, and a note for each agent that has seen the message."""
CHANGES_FULL = "changes-full"
NOT_ITS_AUTHOR = "not-its-author"
"""The reasons of what is only counted."""


def why_not_taken(revision: Revision, *, author: str | None, changes: int) -> str | None:
    """Why one more change of a message of *author*'s is not taken up, which had so many; None: it is.

    That it was taken back always is.
    """
    if revision.claimed and revision.sender_id != author:
        return NOT_ITS_AUTHOR
    return CHANGES_FULL if revision.kind is RevisionKind.EDIT and changes >= MOST_CHANGES else None


@frozen
class Rewrite:
    """The row says the new text; no agent has seen the old one."""

    text: str


@frozen
class Withdraw:
    """The row is settled and says nothing any more; no agent will see it."""


@frozen
class Tell:
    """The agent has seen the message, or is looking at it: it is told of the change, with its next turn."""


@frozen
class Refuse:
    """The message stays as it is."""

    reason: str
    detail: str


Fate: TypeAlias = Rewrite | Withdraw | Tell | Refuse


def fate(revision: Revision, row: InboundRow, *, chat: MessagingGroup, wiring: Wiring | None, rights: Rights) -> Fate:
    """Judge *revision* for one row of the message that it changes.

    Args:
      revision: The change.
      row: One session's row of the message.
      chat: Where the message stands.
      wiring: How the row's agent group hears that chat; None if it does no longer.
      rights: Those of who made the change.
    """
    untouched = row.status is InStatus.PENDING and row.claimed_epoch is None
    if revision.kind is RevisionKind.DELETION:
        return Withdraw() if untouched else Tell()
    if wiring is None:
        return Refuse("not-wired", "the agent does not hear this chat any more")
    sender = access.standing(rights, wiring.agent_group_id)
    for verdict in (
        access.access(chat.unknown_sender_policy, sender),
        access.scope(wiring.sender_scope, sender),
    ):
        if isinstance(verdict, access.Refused):
            return Refuse(verdict.reason, verdict.detail)
    # What was only kept was given to no agent, so its sender has no standing to command by it.
    judged = commands.judge(revision.text, sender if row.trigger else Standing.STRANGER)
    if not isinstance(judged, commands.Pass):
        return Refuse("command-by-edit", f"{judged.command} is not given by changing another message")
    return Rewrite(revision.text) if untouched else Tell()
