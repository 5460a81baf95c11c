"""Asks people about the requests that OneCLI holds, and tells it what they say no to. One for the whole host.

It asks OneCLI again and again, for ever. What was approved is told by the approvals' own actor, which does what was
approved; this one tells what was not. Everything but the approvals themselves is OneCLI's to remember: after a start
it lists all that it still holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Never

import structlog
import trio
from attrs import define, field

from nanoclaw.actors.credential_kind import Asked, Decisions, Taken, sweep, take
from nanoclaw.core import onecli
from nanoclaw.core.credential_requests import Deny, Leave
from nanoclaw.core.onecli import OneCliAwayError, OneCliRefusedError, Pending
from nanoclaw.kit.clock import Clock
from nanoclaw.kit.ids import jitter, mint
from nanoclaw.kit.tree import TreeNode
from nanoclaw.model.approvals import ApprovalState
from nanoclaw.store import credential_approvals
from nanoclaw.store.db import Store
from nanoclaw.store.ledger import Lane

log = structlog.get_logger()

LOOK_SECONDS = 1.0
"""Between two looks whether somebody has said no, while something waits; and the least between two polls in vain."""
UNREADABLE_FOR = timedelta(seconds=180)
"""How long a request that cannot be read is passed over: as long as OneCLI holds one."""
MOST_KNOWN = 500
"""Requests that OneCLI is told not to name again: their names have to fit into an address."""


@define
class _Held:
    """A request that OneCLI holds and that has been seen to."""

    taken: Taken
    until: datetime
    """It holds it no longer."""


@define(eq=False)
class CredentialRequests:
    """Hears of requests, and asks."""

    _decisions: Decisions
    _store: Store
    _clock: Clock
    _nudge: Callable[[Iterable[Lane]], None]
    _changed: Callable[[], None]
    """Told when somebody is to be asked."""
    _node: TreeNode
    _luck: Callable[[], float] = field(default=jitter, kw_only=True)
    _mint: Callable[[str], str] = field(default=mint, kw_only=True)
    _held: dict[str, _Held] = field(factory=dict[str, _Held], init=False)
    _news: trio.Event = field(factory=trio.Event, init=False)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled. A failure begins anew, as a start does: whatever was asked is closed and asked again.

        Cancellation: at once; OneCLI holds what it holds.
        """
        self._held.clear()
        self._nudge(await self._store.transact(sweep, now=self._clock.now()))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._hear)
            nursery.start_soon(self._answer)
            task_status.started()

    async def _hear(self) -> Never:
        """Poll, for ever."""
        failures = 0
        while True:
            began = trio.current_time()
            self._node.set(doing=f"{len(self._held)} held")
            try:
                found = await self._decisions.pending(list(self._held)[:MOST_KNOWN])
            except (OneCliAwayError, OneCliRefusedError) as exc:
                failures += 1
                pause = onecli.pause(failures, self._luck())
                self._node.set(doing=f"cannot ask: {exc}")
                log.warning("onecli_poll_failed", why=str(exc), again_in=round(pause, 1))
                await trio.sleep(pause)
                continue
            failures = 0
            if not await self._take(found) and trio.current_time() - began < LOOK_SECONDS:
                await trio.sleep(LOOK_SECONDS)

    async def _take(self, found: Pending) -> bool:
        """See to what is new; says whether anything was."""
        now = self._clock.now()
        new = [one for one in found.requests if one.id not in self._held]
        for one in new:
            taken = await self._store.transact(take, one, mint=self._mint, now=self._clock.now())
            self._held[one.id] = _Held(taken, one.expires_at)
            log.info("credential_request", request=one.id, agent=one.agent.external_id, taken=type(taken).__name__)
        for name, why in found.unfit.items():
            if name not in self._held:
                log.warning("credential_request_unreadable", request=name, why=why)
                self._held[name] = _Held(Leave(f"it cannot be read: {why}"), now + UNREADABLE_FOR)
        if new or found.unfit:
            self._news.set()
            self._changed()
        return bool(new)

    async def _answer(self) -> Never:
        """Tell OneCLI of what was not approved; forget what it no longer holds."""
        while True:
            if not self._held:
                self._news = trio.Event()
                await self._news.wait()
            asked = [one.taken.approval for one in self._held.values() if isinstance(one.taken, Asked)]
            found = await self._store.read(credential_approvals.states, asked)
            now = self._clock.now()
            for name, held in list(self._held.items()):
                match held.taken:
                    case Asked(approval):
                        state = found.get(approval)
                        if state is ApprovalState.DONE:
                            del self._held[name]
                        elif state not in {ApprovalState.PENDING, ApprovalState.EXECUTING}:
                            await self._refuse(name, held, now)
                    case Deny():
                        await self._refuse(name, held, now)
                    case Leave():
                        if held.until <= now:
                            del self._held[name]
            await trio.sleep(LOOK_SECONDS)

    async def _refuse(self, name: str, held: _Held, now: datetime) -> None:
        """Say no. What cannot be said is said by OneCLI itself, when the request's time is over."""
        try:
            await self._decisions.decide(name, approve=False)
        except OneCliAwayError as exc:
            if held.until > now:
                log.warning("credential_refusal_waits", request=name, why=str(exc))
                return
        except OneCliRefusedError as exc:
            log.warning("credential_refusal_not_taken", request=name, why=str(exc))
            held.taken = Leave("OneCLI does not take a decision about it")
            return
        del self._held[name]
