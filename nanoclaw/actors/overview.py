"""The house at a glance: every session, claim, lane and channel with what it is at, for all that show it.

Gathers what the truth and the running parts know, has `core/holds.py` say what that means, and makes rows of it that
JSON can say. Looks, never touches; and of the loop it takes no more than to gather what runs on it, a few sessions at a
time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TypeAlias
from zoneinfo import ZoneInfo

import trio
from attrs import define, field, frozen

from nanoclaw.actors.admission import Admission
from nanoclaw.actors.sessions import Sessions
from nanoclaw.core.holds import SessionSeen, session_hold
from nanoclaw.core.holds_outward import channel_hold, lane_hold
from nanoclaw.core.holds_tree import cells_of
from nanoclaw.core.holds_words import Hold
from nanoclaw.core.signals import Idle, Offered, Signals, Waiting, Working, told
from nanoclaw.kit.clock import Clock
from nanoclaw.kit.threads import WORKER_THREADS, Threads
from nanoclaw.kit.turns import in_turns
from nanoclaw.model.ids import ChannelName, SessionId
from nanoclaw.model.overview import ActorView, ChannelView, ClaimRecord, LaneRecord, Record, SessionRecord
from nanoclaw.store import overview
from nanoclaw.store.db import Store

Row: TypeAlias = dict[str, object]


@define(eq=False)
class Overview:
    """Looks at one house."""

    _store: Store
    _clock: Clock
    _sessions: Sessions
    _admission: Admission
    _zone: ZoneInfo
    """The home's: what a day is."""
    _channels: Callable[[], Awaitable[Sequence[ChannelView]]]
    _house: Callable[[], Row]
    """What is to be said of the house itself."""
    _threads: Threads = field(default=WORKER_THREADS, kw_only=True)

    async def rows(self) -> dict[str, object]:
        """All of it, now.

        Raises:
          StoreError: the truth cannot be read.
        """
        actors, signals = await self._actors(), await self._signals()
        channels = await self._channels()
        house = {
            **self._house(),
            "sandboxes": self._admission.taken,
            "places": self._admission.most,
            "waiting": self._admission.waiting,
        }
        now = self._clock.now()
        known = await self._store.read(overview.record, list(actors), now=now, local=now.astimezone(self._zone))
        by_name = {channel.name: channel for channel in channels}
        running = _Running(house=house, actors=actors, signals=signals, channels=by_name)
        return await self._threads.run(partial(_rows, known, running, now))

    async def _actors(self) -> dict[SessionId, ActorView]:
        found, parked = {}, self._sessions.parked()
        async for node in in_turns(self._sessions.nodes):
            session, now = SessionId(node.name), trio.current_time()
            found[session] = ActorView(
                state=node.state,
                age=now - node.since,
                doing=node.doing,
                restarts=node.restarts,
                last_error=node.last_error,
                left=None if session not in parked else parked[session] - now,
            )
        return found

    async def _signals(self) -> dict[SessionId, Signals]:
        sessions = in_turns(self._sessions.owned())
        return {session: seen async for session in sessions if (seen := self._sessions.seen(session)) is not None}


@frozen(kw_only=True)
class _Running:
    """What the running parts know."""

    house: Row
    actors: Mapping[SessionId, ActorView]
    signals: Mapping[SessionId, Signals]
    channels: Mapping[ChannelName, ChannelView]


def _rows(known: Record, running: _Running, now: datetime) -> Row:
    """All of it as JSON can say it. Takes long, if much is open."""

    def session(record: SessionRecord) -> Row:
        seen = SessionSeen(
            record=record,
            actor=running.actors.get(record.id),
            signals=running.signals.get(record.id),
            channels=running.channels,
            now=now,
        )
        return session_row(seen)

    claims = [claim for record in known.sessions for claim in record.claims]
    return {
        "at": now.isoformat(),
        "house": {**running.house, "resting": known.resting, "not_shown": known.not_shown},
        "sessions": [session(record) for record in known.sessions],
        "claims": [_claim(claim, running.signals.get(claim.session_id), now) for claim in claims],
        "lanes": [_lane(lane, running.channels, now) for lane in known.lanes],
        "channels": [_channel(channel) for channel in running.channels.values()],
        "approvals": [
            {
                "approval": one.id,
                "kind": one.kind,
                "title": one.title,
                "session": one.session_id,
                "age": _age(one.requested_at, now),
            }
            for one in known.approvals
        ],
    }


def session_row(seen: SessionSeen) -> Row:
    """One session, as views show it."""
    record, actor = seen.record, seen.actor
    left = None if seen.signals is None else _left(seen.signals)
    return {
        "session": record.id,
        "agent": record.agent,
        "chat": record.chat or "",
        **hold_cells(session_hold(seen)),
        "actor": "" if actor is None else actor.state,
        "doing": "" if actor is None else actor.doing,
        "restarts": 0 if actor is None else actor.restarts,
        "error": (actor.last_error if actor is not None else None) or "",
        "epoch": record.epoch,
        "age": None if record.epoch_at is None else _age(record.epoch_at, seen.now),
        "waiting": record.due,
        "claimed": len(record.claims),
        "unsent": record.undelivered,
        "left": left,
        "signals": None if seen.signals is None else told(seen.signals),
    }


def hold_cells(hold: Hold) -> Row:
    """A hold as cells of a row."""
    return cells_of(hold)


def _left(signals: Signals) -> float | None:
    match signals.progress:
        case Offered(left=left) | Working(left=left) | Waiting(left=left):
            return left.total_seconds()
        case Idle():
            return None
        case _:
            return 0.0


def _claim(claim: ClaimRecord, signals: Signals | None, now: datetime) -> Row:
    return {
        "session": claim.session_id,
        "message": claim.id,
        "kind": claim.kind.value,
        "epoch": claim.epoch,
        "age": _age(claim.claimed_at, now),
        "tries": claim.tries,
        "left": None if signals is None else _left(signals),
    }


def _lane(lane: LaneRecord, channels: Mapping[ChannelName, ChannelView], now: datetime) -> Row:
    return {
        "lane": f"{lane.channel} {lane.platform_id}",
        "session": lane.session_id,
        **hold_cells(lane_hold(lane, channels, reply=None, now=now)),
        "waiting": lane.waiting,
        "age": _age(lane.since, now),
        "head": lane.head,
        "attempts": lane.attempts,
        "next": None if lane.not_before is None else max(0.0, (lane.not_before - now).total_seconds()),
        "error": lane.error or "",
    }


def _channel(channel: ChannelView) -> Row:
    return {
        "channel": channel.name,
        "kind": channel.kind,
        "state": channel.state,
        **hold_cells(channel_hold(channel)),
        "heard": channel.heard,
    }


def _age(moment: datetime, now: datetime) -> float:
    return max(0.0, (now - moment).total_seconds())
