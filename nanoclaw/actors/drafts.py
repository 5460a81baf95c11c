"""Replies that are being written, shown where a channel can: the latest of each, as well as it goes, unrecorded.

A draft is a courtesy. What is said for good is a message of the ledger and takes delivery's way; nothing here may hold
that up, fail it, or be missed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Never

import structlog
import trio
from attrs import define, evolve, field, frozen

from nanoclaw.actors import outgoing
from nanoclaw.channels.base import Channel, Draft
from nanoclaw.core import destinations
from nanoclaw.core.labels import Label
from nanoclaw.core.speech import Ability
from nanoclaw.kit.mailbox import Mailbox
from nanoclaw.link.report import DraftRow
from nanoclaw.model.entities import SessionPlace
from nanoclaw.model.ids import ChannelName, SessionId
from nanoclaw.store import destinations as stored_destinations
from nanoclaw.store.db import Store
from nanoclaw.store.labels import label_at
from schema.sqlite import Connection

log = structlog.get_logger()

SHOW_SECONDS = 5.0
"""A channel that has not shown a draft by then is left to the next one."""


@frozen
class _Offer:
    place: SessionPlace
    rows: tuple[DraftRow, ...]


@define(eq=False)
class Drafts:
    """Shows drafts of all sessions, one after the other."""

    _store: Store
    _channels: Mapping[ChannelName, Channel]
    _latest: dict[SessionId, _Offer] = field(factory=dict[SessionId, _Offer], init=False)
    _mail: Mailbox[SessionId] = field(factory=Mailbox[SessionId], init=False)

    def offer(self, place: SessionPlace, rows: tuple[DraftRow, ...]) -> None:
        """These are all the replies that a session's agent is writing now. Never blocks, and costs nothing where no
        channel shows drafts.
        """
        if not rows or not any(Ability.DRAFT in channel.abilities for channel in self._channels.values()):
            return
        self._latest[place.session.id] = _Offer(place, rows)
        self._mail.post(place.session.id)

    async def run(self) -> Never:
        """Show what is offered until cancelled.

        Cancellation: what is being shown may be shown or not.
        """
        while True:
            for session in await self._mail.read_all():
                offered = self._latest.pop(session, None)
                if offered is None:
                    continue  # it was shown while others were, and the letter came after that
                for draft, label in await self._store.read(drafts_of, offered.place, offered.rows):
                    await self._show(draft, label)

    async def _show(self, draft: Draft, label: str | None) -> None:
        channel = self._channels.get(draft.to.channel)
        if channel is None or Ability.DRAFT not in channel.abilities:
            await trio.lowlevel.checkpoint()
            return
        try:
            with trio.move_on_after(SHOW_SECONDS):
                if label is not None and Ability.SPEAKER not in channel.abilities and draft.text.strip():
                    draft = evolve(draft, text=Label(label).on(draft.text))
                await channel.show_draft(draft)
        except Exception as exc:
            log.info("draft_not_shown", channel=draft.to.channel, why=repr(exc))


def drafts_of(conn: Connection, place: SessionPlace, rows: tuple[DraftRow, ...]) -> list[tuple[Draft, str | None]]:
    """Those of *rows* that are written to where their agent may write, the oldest first, each with its label."""
    agent = place.agent_group
    known = stored_destinations.addresses(conn, place.agent_group.id)
    found = []
    for row in rows:
        origin = destinations.origin_of(place, outgoing.message_answered(conn, place, row.in_reply_to))
        to = destinations.resolve(row.destination, origin=origin, known=known)
        if not isinstance(to, destinations.Refused):
            label = label_at(conn, agent.id, agent.name, to.channel, to.platform_id)
            draft = Draft(reply=row.reply, to=to, text=row.text, tool=row.tool, speaker=agent.name)
            found.append((draft, label))
    return found
