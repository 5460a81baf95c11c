"""Messages for platforms that show only so much at once: how each is cut, and what of it is to be sent next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from attrs import evolve, frozen

from nanoclaw.channels.base import Channel, HasLimits, Outgoing, OutgoingFile
from nanoclaw.core import outgoing_files
from nanoclaw.core.labels import Label, labelled
from nanoclaw.core.parts import Cut, File, Whole, plan
from nanoclaw.core.speech import Ability, Say, ShowEdit, Spoken, Target, speak
from nanoclaw.core.splitting import split
from nanoclaw.kit.threads import Threads
from nanoclaw.model.ids import OutboundId
from nanoclaw.model.messages import Address, LedgerRow, LedgerState
from nanoclaw.store import ledger, notices, parts, targets
from nanoclaw.store.db import Store
from nanoclaw.store.ledger import Head, Lane
from schema.payloads import read_out
from schema.rows import OutKind
from schema.sqlite import Connection

AT_ONCE = 1024
"""Characters of a text that is measured on the loop; more go to a thread, as measuring renders."""


@frozen(kw_only=True)
class Plan:
    """How one message goes out."""

    row: OutboundId
    how: Whole | Cut


async def words_for(head: Head, channel: Channel, store: Store) -> Spoken:
    """How the message at the head of a lane is said on *channel*, under its label if it has one. A checkpoint."""
    say, _ = await _words(head.row, channel, store)
    label = _label(head, channel)
    return labelled(say, label) if label is not None and isinstance(say, Say) else say


async def _words(row: LedgerRow, channel: Channel, store: Store) -> tuple[Spoken, Target | None]:
    target = await store.read(targets.target_of, row) if row.kind in targets.KINDS else None
    return speak(read_out(OutKind(row.kind), row.content), target, channel.abilities), target


def _label(head: Head, channel: Channel) -> Label | None:
    if head.label is None or Ability.SPEAKER in channel.abilities:
        return None
    return Label(head.label, literal=head.speaker is None)


async def plan_for(head: Head, channel: Channel, store: Store, threads: Threads) -> Plan:
    """How the message at the head of a lane goes out on *channel*, which has limits. A checkpoint."""
    assert isinstance(channel, HasLimits)
    say, target = await _words(head.row, channel, store)
    if not isinstance(say, Say):
        return Plan(row=head.row.id, how=Whole())
    label = _label(head, channel)
    cut = partial(split, most=channel.limits.text, measure=channel.measure, literal=head.speaker is None)
    judge = partial(
        plan,
        say if label is None else labelled(say, label),
        () if target is None else target.stands,
        [File(name=file.name, size=file.size) for file in head.files],
        channel.limits,
        measure=channel.measure,
        split=cut if label is None else partial(cut_labelled, say.text, label, cut, channel.measure),
    )
    return Plan(row=head.row.id, how=judge() if len(say.text) <= AT_ONCE else await threads.run(judge))


def cut_labelled(
    text: str, label: Label, cut: Callable[..., Sequence[str]], measure: Callable[[str], int], _: str
) -> Sequence[str]:
    """*text* in pieces that fit with the label above each, so that none can be taken for somebody else's."""
    return [label.on(piece) for piece in cut(text, measure=lambda piece: measure(label.on(piece)))]


def take(conn: Connection, lane: Lane, *, limited: bool, planned: Plan | None, now: datetime) -> Head | datetime | None:
    """What a lane has to do, as `ledger.take` says; on a *limited* channel a message is only taken with its plan.

    One that needs a plan and has none is returned as it is, still `pending`, for whoever asks to plan it.
    """
    if limited:
        found = ledger.head(conn, lane, now=now)
        if not isinstance(found, Head) or needs_plan(found, now):
            if not isinstance(found, Head) or planned is None or planned.row != found.row.id:
                return found
            _decide(conn, found.row, planned.how, now)
    return ledger.take(conn, lane, now=now)


def needs_plan(head: Head, now: datetime) -> bool:
    """Is it to be sent now, and nobody has decided how?"""
    return head.row.parts is None and ledger.is_due(head.row, now)


def _decide(conn: Connection, row: LedgerRow, how: Whole | Cut, now: datetime) -> None:
    parts.decide(conn, row.id, how.parts if isinstance(how, Cut) else ())
    if isinstance(how, Cut) and how.refused and how.parts and row.session_id is not None and row.seq is not None:
        notices.tell_agent(
            conn,
            row.session_id,
            key=f"files-refused:{row.id}",
            action="files_not_sent",
            text=outgoing_files.notice(row.seq, how.refused, nothing_left=False),
            now=now,
        )


def nothing_left(how: Whole | Cut) -> str | None:
    """Why there is nothing to send of it, if there is not."""
    if isinstance(how, Whole) or how.parts:
        return None
    return "; ".join(f"{one.name}: {one.why}" for one in how.refused) or "it has nothing to show"


def to_send(head: Head, say: Say, files: Sequence[OutgoingFile]) -> list[Outgoing]:
    """What of the message at the head of a lane has not arrived yet, in order; its *files* are all that it has."""
    row = head.row
    whole = Outgoing(
        key=row.id,
        to=Address(channel=row.channel, platform_id=row.platform_id, thread_id=row.thread_id),
        text=say.text,
        native=say.native,
        files=tuple(files),
        answers=head.answers,
        speaker=head.speaker,
        more=head.more,
        again=row.doubt,
    )
    if not head.parts:
        return [whole]
    last = len(head.parts) - 1
    out = [
        evolve(
            whole,
            key=f"{row.id}/{one.number}" if last else row.id,
            text=one.part.text,
            native=None if one.part.changes is None else ShowEdit(platform_message_id=one.part.changes),
            files=tuple(files[place] for place in one.part.files),
            answers=head.answers if one.number == 0 else None,
            more=head.more or one.number < last,
            part=one.number,
            parts=last + 1,
            again=False,
        )
        for one in head.parts
        if not one.arrived
    ]
    return [evolve(out[0], again=row.doubt), *out[1:]] if out else []


def arrived(conn: Connection, head: Head, message: Outgoing, platform_id: str | None, *, now: datetime) -> None:
    """*message* is on its platform; with its last part all of it is delivered, under the platform's id of the first."""
    row = head.row
    if head.parts:
        parts.arrived(conn, row.id, message.part, platform_id, now=now)
    if message.part == message.parts - 1:
        first = platform_id if message.parts == 1 else parts.of_message(conn, row.id)[0].platform_message_id
        ledger.settle(conn, row.id, LedgerState.DELIVERED, platform_message_id=first, now=now)
