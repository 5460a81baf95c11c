"""An event comes in: store it with its whole fan-out, wake whom it concerns, then say that we have it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext

import structlog
import trio
from attrs import define, field
from structlog.contextvars import bound_contextvars

from nanoclaw.actors.listeners import Listeners
from nanoclaw.actors.meters import Hop, Meters
from nanoclaw.actors.pairing import Pairing
from nanoclaw.actors.spooled import keeping, remove_unneeded
from nanoclaw.channels.base import NotHeard, Receipt, Stored
from nanoclaw.core.rejections import Leave
from nanoclaw.kit.clock import Clock
from nanoclaw.kit.ids import mint
from nanoclaw.kit.spool import Spool
from nanoclaw.kit.threads import WORKER_THREADS, Threads
from nanoclaw.model.ids import ChannelName, SessionId, SpoolId
from nanoclaw.model.messages import InboundEvent, Rejection, Revision, RevisionKind, Told
from nanoclaw.store import files
from nanoclaw.store.db import Store
from nanoclaw.store.events import Accepted, Decided, Duplicate, Ignored, Verdict, accept
from nanoclaw.store.ledger import Lane
from nanoclaw.store.rejections import reject
from nanoclaw.store.revisions import revise

log = structlog.get_logger()


@define(eq=False)
class Ingress:
    """Where all channels bring what their platforms tell."""

    _store: Store
    _clock: Clock
    _spool: Spool
    _threaded: Mapping[ChannelName, bool]
    """Which channels have threads."""
    _wake: Callable[[SessionId], None]
    _show: Callable[[SessionId], None]
    _nudge: Callable[[Iterable[Lane]], None]
    _asked: Callable[[], None] = field(default=lambda: None, kw_only=True)
    """Told when a person is to be asked something, or has decided."""
    _pairing: Pairing | None = field(default=None, kw_only=True)
    """Hears the codes by which people become owners, before anybody else does."""
    _listeners: Listeners | None = field(default=None, kw_only=True)
    """What channels ask before they tell of plain messages; kept fresh by those that come."""
    _mint: Callable[[str], str] = field(default=mint, kw_only=True)
    _threads: Threads = field(default=WORKER_THREADS, kw_only=True)
    _meters: Meters = field(factory=Meters, kw_only=True)

    async def receive(self, told: Told) -> Receipt:
        """Store *told*. When this returns, it survives power loss; the same again is no second one.

        Files that came with it are kept if an agent hears it, and removed from the spool if none does.

        Raises:
          StoreError: it is not stored; its platform must not be told that it is.

        Cancellation: leaves open whether it was stored; its platform will send it again.
        """
        with bound_contextvars(channel=told.channel, platform_message_id=told.platform_message_id):
            return await self._receive(told)

    async def _receive(self, told: Told) -> Receipt:
        if isinstance(told, Revision):
            return await self._revise(told)
        if isinstance(told, Rejection):
            return await self._reject(told)
        if self._pairing is not None and self._pairing.waits(told):
            paired = await self._pairing.take(told)
            if paired is not None:
                return paired
        if self._listeners is not None and self._listeners.is_stale(told.channel, told.platform_id):
            await self._listeners.look(self._store, told.channel, told.platform_id)
        began = trio.current_time()
        verdict = await self._accept(told)
        self._meters.took(Hop.EVENT_TO_ROW, trio.current_time() - began)
        self._meters.event(told.channel, type(verdict).__name__.lower())
        return self._tell(told, verdict)

    def _tell(self, told: InboundEvent, verdict: Verdict) -> Receipt:
        """Wake and nudge whom it concerns. Never blocks."""
        if verdict.asked:
            self._asked()
        match verdict:
            case Accepted():
                log.debug("event_stored", channel=told.channel, id=verdict.event, woken=len(verdict.woken))
                for session in verdict.woken:
                    self._wake(session)
                for session in verdict.kept:
                    self._show(session)
                self._nudge(verdict.lanes)
                return Stored(subscribe=verdict.subscribe, answers_for=verdict.answers_for)
            case Decided():
                log.info("approval_decided", channel=told.channel, id=verdict.event)
                self._nudge(verdict.lanes)
                return Stored()
            case Duplicate():
                log.debug("event_known", channel=told.channel, id=verdict.event)
                for session in verdict.sessions:
                    self._wake(session)
                return Stored(answers_for=verdict.answers_for)
            case Ignored():
                # What is only counted would fill the log instead.
                tell = log.debug if verdict.event is None else log.info
                tell("event_dropped", channel=told.channel, id=verdict.event, reason=verdict.reason)
                self._nudge(verdict.lanes)
                # Whoever is answered by the host itself was heard by it.
                return Stored() if verdict.lanes else NotHeard(verdict.reason, verdict.detail)

    async def _accept(self, told: InboundEvent) -> Verdict:
        came = [one.file.id for one in told.attachments]
        async with keeping(came, self._store, self._spool, self._threads) if came else nullcontext():
            return await self._store.transact(
                accept, told, threaded=self._threaded.get(told.channel, False), mint=self._mint, now=self._clock.now()
            )

    async def _revise(self, told: Revision) -> Receipt:
        came: Sequence[SpoolId] = ()
        if told.kind is RevisionKind.DELETION:
            came = await self._store.read(files.of_platform_message, told.channel, told.platform_message_id)
        changed = await self._store.transact(revise, told, now=self._clock.now())
        if came:
            await remove_unneeded(came, self._store, self._spool, self._threads)
        log.debug("message_revised", channel=told.channel, kind=told.kind.value, sessions=len(changed))
        for session in changed:
            self._show(session)
        return Stored() if changed else NotHeard("not-heard", "nobody had heard the message that was changed")

    async def _reject(self, told: Rejection) -> Receipt:
        became = await self._store.transact(reject, told, now=self._clock.now())
        if isinstance(became, Leave):
            log.info("rejection_left", channel=told.channel, reason=became.reason, detail=became.detail)
            return NotHeard(became.reason, became.detail)
        log.error("message_rejected", channel=told.channel, why=told.why)
        if became.session is not None:
            self._show(became.session)
        if became.asked:
            self._asked()
        return Stored()
