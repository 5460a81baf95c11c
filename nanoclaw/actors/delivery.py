"""Delivery: one lane per conversation on a channel, in order, until every message is decided."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

import structlog
import trio
from attrs import define, field

from nanoclaw.actors.cutting import Plan, arrived, nothing_left, plan_for, take, to_send, words_for
from nanoclaw.actors.drafts import Drafts
from nanoclaw.actors.meters import Hop, Meters
from nanoclaw.actors.nets import Nets
from nanoclaw.actors.spooled import keeps_files, lost, remove
from nanoclaw.channels.base import Channel, HasLimits, HearsEnds, Outgoing, OutgoingFile
from nanoclaw.core.delivery import (
    DeliveryPolicy,
    Failure,
    GiveUp,
    Park,
    SendLater,
    SendNow,
    after_crash,
    after_failure,
)
from nanoclaw.core.speech import CannotSay, OnlyRecord, ShowEdit, ShowReaction, is_repeatable
from nanoclaw.errors import DeliveryError, NobodyThereError
from nanoclaw.kit.clock import Clock
from nanoclaw.kit.every import every
from nanoclaw.kit.ids import jitter
from nanoclaw.kit.mailbox import Mailbox
from nanoclaw.kit.pool import Pool
from nanoclaw.kit.spool import Spool
from nanoclaw.kit.supervisor import Service
from nanoclaw.kit.threads import WORKER_THREADS, Threads
from nanoclaw.kit.tree import TreeNode
from nanoclaw.model.ids import ChannelName, SessionId
from nanoclaw.model.messages import LedgerRow, LedgerState
from nanoclaw.store import approval_cards, ledger, notices, over, questions
from nanoclaw.store.db import Store
from nanoclaw.store.ledger import Head, Lane
from nanoclaw.store.over import Over
from schema.rows import OutKind
from schema.sqlite import Connection

log = structlog.get_logger()

SEND_SECONDS = 30.0
"""A platform that has not answered by then may have taken the message or not."""
SLOWEST = 256 << 10
"""Bytes of files a second: what has files has so much longer."""


@define(eq=False)
class Delivery:
    """Sends what the ledger holds. The only caller of `Channel.deliver`."""

    _store: Store
    _clock: Clock
    _spool: Spool
    _channels: Mapping[ChannelName, Channel]
    _settled: Callable[[SessionId], None]
    """Told that a session's message was decided, so that its agent may know."""
    _node: TreeNode
    policy: DeliveryPolicy = field(factory=DeliveryPolicy, kw_only=True)
    nets: Nets = field(factory=Nets, kw_only=True)
    _luck: Callable[[], float] = field(default=jitter, kw_only=True)
    """A share of a pause, in [0, 1)."""
    _lost: Callable[[], None] = field(default=lambda: None, kw_only=True)
    """Told that something which asks people a question is dead, so that somebody else may be asked."""
    _threads: Threads = field(default=WORKER_THREADS, kw_only=True)
    _meters: Meters = field(factory=Meters, kw_only=True)
    drafts: Drafts = field(init=False)
    """Where replies that are being written are shown."""
    _lanes: Pool[Lane] = field(init=False)
    _mail: dict[Lane, Mailbox[str]] = field(factory=dict[Lane, Mailbox[str]], init=False)

    def __attrs_post_init__(self) -> None:
        self._lanes = Pool(self._lane, node=self._node)
        self.drafts = Drafts(self._store, self._channels)

    def nudge(self, lanes: Iterable[Lane]) -> None:
        """There may be something to send on these lanes. Never blocks."""
        for lane in lanes:
            if lane in self._mail:
                self._mail[lane].post("look")
            self._lanes.ensure(lane)

    def ready(self, channel: ChannelName) -> None:
        """Somebody is there again on *channel*. Never blocks."""
        for lane in list(self._mail):
            if lane.channel == channel:
                self._mail[lane].post("look")

    def over(self, messages: Iterable[Over]) -> None:
        """Tell the channels that want to know that these are over. Never blocks."""
        for message in messages:
            channel: object = self._channels.get(message.channel)
            if isinstance(channel, HearsEnds):
                channel.over(message.message)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Deliver until cancelled, beginning with what an earlier life left undecided.

        Cancellation: a message that is being sent stays `sending`; the next life decides about it.
        """
        await self._look()
        async with trio.open_nursery() as nursery:
            await nursery.start(self._lanes.run)
            nursery.start_soon(self.drafts.run)
            nursery.start_soon(every, self.nets.lanes, self._look)
            task_status.started()

    async def _look(self) -> None:
        """Nudge every lane that has something to send, in case a nudge was lost."""
        self.nudge(lane for lane in await self._store.read(ledger.lanes) if lane.channel in self._channels)

    def _lane(self, lane: Lane) -> Service:
        async def serve(*, task_status: trio.TaskStatus[None]) -> None:
            mail = self._mail[lane] = Mailbox()
            self._lanes.node_of(lane).mailbox = mail.unread
            task_status.started()
            try:
                await self._drain(lane, mail)
            finally:
                del self._mail[lane]

        return serve

    async def _drain(self, lane: Lane, mail: Mailbox[str]) -> None:
        """Decide message after message; return when the lane is empty, or has no channel in this life of the host."""
        planned: Plan | None = None
        while True:
            channel = self._channels.get(lane.channel)
            if channel is None:
                log.warning("lane_without_channel", lane=str(lane))
                await trio.lowlevel.checkpoint()
                return
            now = self._clock.now()
            limited = isinstance(channel, HasLimits)
            head = await self._store.transact(take, lane, limited=limited, planned=planned, now=now)
            planned = None
            if head is None:
                return
            if isinstance(head, datetime):
                await _wait(mail, head - now)
            elif head.row.state is LedgerState.SENDING:
                await self._decide_interrupted(channel, head)
            elif not ledger.is_due(head.row, now):
                assert head.row.not_before is not None
                await _wait(mail, head.row.not_before - now)
            elif limited and head.row.parts is None:
                planned = await self._plan(channel, head)
            elif not await self._send(channel, head):
                await _wait(mail, timedelta(seconds=self.nets.lanes))

    async def _plan(self, channel: Channel, head: Head) -> Plan | None:
        """How a message goes out that nobody has decided about; None: there is nothing of it that could."""
        planned = await plan_for(head, channel, self._store, self._threads)
        if (why := nothing_left(planned.how)) is not None:
            await self._end(head, LedgerState.DEAD, why)
            return None
        return planned

    async def _decide_interrupted(self, channel: Channel, head: Head) -> None:
        row = head.row
        match after_crash(
            row.attempts, keyed=_may_repeat(channel, head), in_doubt=channel.in_doubt, policy=self.policy
        ):
            case SendNow():
                await self._store.transact(ledger.put_back, row.id, not_before=None, error=None, doubt=True)
            case Park(why):
                await self._end(head, LedgerState.UNKNOWN, why)
            case GiveUp(why):
                await self._end(head, LedgerState.DEAD, why)

    async def _send(self, channel: Channel, head: Head) -> bool:
        """Make one attempt with a message that is `sending` now. False: there is nobody to send to."""
        say = await words_for(head, channel, self._store)
        if isinstance(say, CannotSay):
            await self._end(head, LedgerState.DEAD, say.why)
            return True
        if isinstance(say, OnlyRecord):
            await self._store.transact(
                ledger.settle, head.row.id, LedgerState.DELIVERED, error=say.why, now=self._clock.now()
            )
            await self._delivered(head)
            return True
        files = [
            OutgoingFile(name=file.name, size=file.size, path=self._spool.path(file.spool_id)) for file in head.files
        ]
        if files and (gone := await self._threads.run(lost, files)):
            await self._end(head, LedgerState.DEAD, f"its file {gone} is no longer there")
            return True
        attempts = head.row.attempts + 1
        for message in to_send(head, say, files):
            patience = SEND_SECONDS + sum(file.size for file in message.files) / SLOWEST
            try:
                with trio.fail_after(patience):
                    platform_id = await channel.deliver(message)
            except NobodyThereError:
                await self._store.transact(ledger.put_back, head.row.id, not_before=None, error=None, refund=True)
                return False
            except DeliveryError as exc:
                failure = Failure(
                    retryable=exc.retryable, reached=exc.reached, retry_after=exc.retry_after, why=str(exc)
                )
            except trio.TooSlowError:
                why = f"{channel.name}: no answer within {patience:g} s"
                failure = Failure(retryable=True, reached=True, retry_after=None, why=why)
            else:
                await self._store.transact(arrived, head, message, platform_id, now=self._clock.now())
                attempts = 1
                continue
            await self._after_failure(channel, head, message, failure, attempts)
            return True
        await self._delivered(head)
        return True

    async def _delivered(self, head: Head) -> None:
        """It has arrived, or all is done that its channel can do."""
        row = head.row
        self._meters.reply(row.channel, LedgerState.DELIVERED.value)
        self._meters.took(Hop.LEDGER_TO_SENT, (self._clock.now() - row.created_at).total_seconds())
        # A page shows what was delivered, and its files can be fetched.
        if head.files and not keeps_files(self._channels.get(row.channel)):
            await remove([file.spool_id for file in head.files], self._spool, self._threads)
        if row.session_id is not None:
            self._settled(row.session_id)
        if head.more and row.in_reply_to is not None:
            # Its channel was told to wait for more, of which there may be none after all.
            self.over(await self._store.read(over.of_answer, row.in_reply_to))

    async def _after_failure(
        self, channel: Channel, head: Head, message: Outgoing, failure: Failure, attempts: int
    ) -> None:
        verdict = after_failure(
            failure,
            attempts,
            keyed=channel.keyed or isinstance(message.native, ShowEdit | ShowReaction),
            in_doubt=channel.in_doubt,
            policy=self.policy,
            asks=head.row.kind == OutKind.ASK_QUESTION.value,
            age=(self._clock.now() - head.row.created_at).total_seconds(),
            luck=self._luck(),
        )
        row, which = head.row, f"part {message.part + 1} of {message.parts}: " if message.parts > 1 else ""
        match verdict:
            case SendLater(pause, refund):
                self._meters.reply(row.channel, "retry")
                log.warning("delivery_retry", session=row.session_id, row=message.key, pause=pause, why=failure.why)
                await self._store.transact(
                    ledger.put_back,
                    row.id,
                    not_before=self._clock.now() + timedelta(seconds=pause),
                    error=which + failure.why,
                    refund=refund,
                    doubt=failure.reached,
                )
            case Park(why):
                await self._end(head, LedgerState.UNKNOWN, which + why)
            case GiveUp(why):
                await self._end(head, LedgerState.DEAD, which + why)

    async def _end(self, head: Head, state: LedgerState, why: str) -> None:
        row = head.row
        self._meters.reply(row.channel, state.value)
        log.error("delivery_ended", session=row.session_id, row=row.id, state=state.value, why=why)
        await self._store.transact(_give_up, row, state, why, now=self._clock.now())
        if row.kind == OutKind.ASK_QUESTION.value:
            self._lost()
        # Its files stay: a person may have it sent again. The sweep of the spool takes the oldest.
        if row.session_id is not None:
            self._settled(row.session_id)


def _may_repeat(channel: Channel, head: Head) -> bool:
    """Does it leave nothing twice to send again what is next of this message?"""
    if channel.keyed:
        return True
    then = next((one.part for one in head.parts if not one.arrived), None)
    return is_repeatable(head.row.kind, channel.abilities) and (then is None or then.changes is not None)


def _give_up(conn: Connection, row: LedgerRow, state: LedgerState, why: str, *, now: datetime) -> None:
    """Decide a message that did not arrive for certain, and leave word of it for its agent."""
    ledger.settle(conn, row.id, state, error=why, now=now)
    notices.delivery_failed(conn, row, state.value, why, now=now)
    if state is LedgerState.DEAD and row.kind == OutKind.ASK_QUESTION.value:
        questions.undelivered(conn, row.id, why, now=now)
        approval_cards.lost(conn, row.id)


async def _wait(mail: Mailbox[str], pause: timedelta) -> None:
    """Until *pause* is over or there is mail."""
    with trio.move_on_after(max(0.0, pause.total_seconds())):
        await mail.read_all()
