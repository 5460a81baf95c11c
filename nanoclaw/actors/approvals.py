"""The approvals actor: sends cards to those who may decide, and does what was approved. One for the whole host.

It finds what to do in the truth, so a start in any state goes on where the last life ended: what waits without a card
gets one, and what was approved and is not done is done. What ends for want of time is the sweep's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Never

import structlog
import trio
from attrs import define, field

from nanoclaw.actors.approving import Kind, Means, SlowKind, finish, payload_of
from nanoclaw.channels.base import Channel, OpensDirectMessages
from nanoclaw.core import approvals as rules
from nanoclaw.errors import DeliveryError, NanoclawError, NobodyThereError, StoreError
from nanoclaw.kit.clock import Clock
from nanoclaw.kit.failures import one_line
from nanoclaw.kit.ids import mint, token
from nanoclaw.kit.mailbox import Mailbox
from nanoclaw.kit.pool import Pool
from nanoclaw.kit.supervisor import Service
from nanoclaw.kit.threads import WORKER_THREADS, Threads
from nanoclaw.kit.tree import TreeNode
from nanoclaw.model.approvals import Approval, ApprovalKind, ApprovalState
from nanoclaw.model.ids import ApprovalId, ChannelName, UserId
from nanoclaw.model.messages import Address
from nanoclaw.store import approval_cards, approvals, reaching
from nanoclaw.store.db import Store
from nanoclaw.store.ledger import Lane, lanes
from schema.sqlite import Connection

log = structlog.get_logger()

OPEN_SECONDS = 30.0
"""How long a platform has to open a conversation with somebody."""
MOST_AT_ONCE = 50
"""Approvals that are read at a time."""


@define(eq=False)
class _Look:
    """What is known after a part of a look through all that wait."""

    asked: set[ApprovalId] = field(factory=set[ApprovalId])
    """Those whose turn it was: one that nobody can be asked about holds up none that came later."""
    not_opened: set[UserId] = field(factory=set[UserId])
    """With whom no conversation could be opened: trying it again for each approval would hold up all others."""


@define(eq=False)
class Approvals:
    """Asks people, and does what they allow."""

    _store: Store
    _clock: Clock
    _channels: Mapping[ChannelName, Channel]
    _kinds: Mapping[ApprovalKind, Kind]
    _nudge: Callable[[Iterable[Lane]], None]
    _changed: Callable[[], None]
    """Told when something was done: sessions may have news, and something may be due."""
    _node: TreeNode
    _longest_sleep: float = field(kw_only=True)
    _mint: Callable[[str], str] = field(default=mint, kw_only=True)
    _token: Callable[[], str] = field(default=token, kw_only=True)
    _folders: Callable[[], frozenset[str]] | None = field(default=None, kw_only=True)
    """What is in the folder of all agents' folders; blocks. None: there is none."""
    _threads: Threads = field(default=WORKER_THREADS, kw_only=True)
    _mail: Mailbox[str] = field(factory=Mailbox[str], init=False)
    _doing: Pool[ApprovalId] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._doing = Pool(self._do, node=self._node)

    def look(self) -> None:
        """Somebody asked, somebody decided, or somebody can be reached. Never blocks, never fails, may be repeated."""
        self._mail.post("look")

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled.

        Cancellation: what is being done is done, or begun again by the next life.
        """
        async with trio.open_nursery() as nursery:
            await nursery.start(self._doing.run)
            task_status.started()
            await self._serve()

    async def _serve(self) -> Never:
        while True:
            self._mail.read_nowait()
            look, left = _Look(), True
            while left:
                left = await self._look_on(look)
            with trio.move_on_after(await self._pause()):
                await self._mail.read()

    async def _look_on(self, look: _Look) -> bool:
        """Have done what was approved, and ask about what has had no turn in this look; is any of it left?"""
        for approval in await self._store.read(approvals.executing):
            self._doing.ensure(approval)
        wanting = await self._store.read(
            approval_cards.wanting, now=self._clock.now(), most=MOST_AT_ONCE, without=look.asked
        )
        with self._node.busy(f"{len(wanting)} without a card"):
            for asked in wanting:
                look.asked.add(asked.id)
                await self._ask(asked, look)
        return len(wanting) == MOST_AT_ONCE

    async def _pause(self) -> float:
        """Seconds until somebody else may have to be asked."""
        now = self._clock.now()
        late = await self._store.read(approval_cards.next_late, now=now)
        return self._longest_sleep if late is None else min(self._longest_sleep, (late - now).total_seconds())

    async def _ask(self, approval: Approval, look: _Look) -> None:
        """Send a card to the best of those who may decide and can be reached; tell who asks if there is nobody.

        So too where one is on its way for too long, as to a platform that is down: it stays good if it arrives.
        """
        for user in await self._store.read(reaching.candidates, approval, now=self._clock.now()):
            if await self._store.read(approval_cards.open_of, user) >= rules.MOST_CARDS:
                return  # What is more waits.
            place = await self._store.read(reaching.known_place, user)
            if place is None and user not in look.not_opened:
                place = await self._open(user)
            if place is None:
                look.not_opened.add(user)
                continue
            sent = await self._store.transact(
                reaching.send_card, approval.id, user, place, token=self._token, now=self._clock.now()
            )
            self._nudge(sent)
            return
        if await self._store.transact(reaching.nobody, approval.id, now=self._clock.now()):
            log.warning("approval_reaches_nobody", approval=approval.id)
            self._changed()

    async def _open(self, user: UserId) -> Address | None:
        """Have the channel of *user* find out where they can be written to."""
        channel: object = self._channels.get(ChannelName(user.partition(":")[0]))
        if not isinstance(channel, OpensDirectMessages):
            await trio.lowlevel.checkpoint()
            return None
        try:
            with trio.fail_after(OPEN_SECONDS):
                platform_id = await channel.open_direct_messages(user)
        except (DeliveryError, NobodyThereError, trio.TooSlowError) as exc:
            log.warning("direct_messages_not_opened", user=user, why=str(exc))
            return None
        if platform_id is None:
            return None
        return await self._store.transact(
            reaching.remember, user, channel.name, platform_id, mint=self._mint, now=self._clock.now()
        )

    def _do(self, approval: ApprovalId) -> Service:
        async def serve(*, task_status: trio.TaskStatus[None]) -> None:
            task_status.started()
            found = await self._store.read(approvals.get, approval)
            if found is None or found.state is not ApprovalState.EXECUTING:
                return
            why = await self._try(found)
            if why is not None:
                log.warning("approval_failed", approval=approval, why=why)
                await self._store.transact(approvals.end, approval, ApprovalState.FAILED, why, now=self._clock.now())
            self._nudge(await self._store.read(lanes))
            self._changed()

        return serve

    async def _try(self, approval: Approval) -> str | None:
        """Do it to its end; why it failed, if it did."""
        kind = self._kinds.get(approval.kind)
        if kind is None:
            await trio.lowlevel.checkpoint()
            return "this host does not know how to do it"
        try:
            payload_of(approval)
            if isinstance(kind, SlowKind):
                self._nudge(await self._store.transact(_under_way, approval, now=self._clock.now()))
                await kind.work(approval)
            threaded = {name: channel.threaded for name, channel in self._channels.items()}
            folders = frozenset[str]() if self._folders is None else await self._threads.run(self._folders)
            means = Means(now=self._clock.now(), mint=self._mint, threaded=threaded, folders=folders)
            await self._store.transact(finish, kind, approval.id, means)
        except StoreError:
            raise  # nothing of it happened: it is tried again
        except NanoclawError as exc:
            return str(exc)
        except Exception as exc:
            log.exception("approval_broke", approval=approval.id)
            return f"a defect: {one_line(exc)}"
        return None


def _under_way(conn: Connection, approval: Approval, *, now: datetime) -> frozenset[Lane]:
    words = rules.outcome(approval, approvals.decider(conn, approval))
    return approval_cards.say(conn, approval, approvals.shown_of(approval), words, last=False, now=now)
