"""What a connection to Discord's gateway does next. Pure: no clock, no socket, no luck.

As discord.com/developers/docs/events/gateway has it: hello, identify or resume, heartbeats that are acknowledged, and
ends of which some can be resumed, some need a new session, and some only a person can mend. What was told is
resumed from the last event before which all are safe with us, so whatever was told and not stored is told again.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, TypeAlias

from attrs import evolve, field, frozen

INTENTS = 1 << 0 | 1 << 9 | 1 << 12 | 1 << 15
"""Guilds, messages in guilds, direct messages, and what messages say."""
RESUMABLE_CODE = 4000
"""What we close with: after 1000 or 1001 there would be nothing to resume."""
FATAL: Mapping[int, str] = {
    4004: "the token is refused: take a new one from the developer portal (Bot, Reset Token)",
    4010: "it refuses our shard",
    4011: "the bot is in too many servers for one connection",
    4012: "it speaks another version of the gateway",
    4013: "it does not know what we want to hear",
    4014: "the bot may not read messages: switch on Message Content Intent in the developer portal (Bot)",
}
ANEW = frozenset({4003, 4007, 4009})
"""Ends after which the session is gone."""


class Op(IntEnum):
    """What a message of the gateway is."""

    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    RESUME = 6
    RECONNECT = 7
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


@frozen(kw_only=True)
class Session:
    """What can be resumed."""

    id: str = field(repr=False)
    resume_url: str = field(repr=False)


@frozen(kw_only=True)
class Gateway:
    """One connection, and the session that outlives it."""

    token: str = field(repr=False)
    session: Session | None = None
    acknowledged: int | None = None
    """The number of the last event that is safe with us, and all before it."""
    told: tuple[int, ...] = ()
    """The numbers of those that are not yet, in their order."""
    last: int | None = None
    """The number of the last one that came."""
    interval: float | None = None
    """Seconds between heartbeats; None: it has not said hello."""
    awaits_ack: bool = False


@frozen
class Say:
    """Send this."""

    payload: Mapping[str, Any] = field(repr=False)


@frozen
class Beat:
    """Beat the heart for the first time after a random share of this pause, and then after each: seconds."""

    interval: float


@frozen
class Tell:
    """Something has happened; to be acknowledged by its number when it is safe."""

    kind: str
    data: Any = field(repr=False)
    sequence: int


@frozen
class Hang:
    """End the connection and come again, with what the state then has."""

    why: str
    failed: bool
    """Is something wrong, or were we asked to?"""


Effect: TypeAlias = Say | Beat | Tell | Hang
Step: TypeAlias = tuple[Gateway, tuple[Effect, ...]]


def connected(state: Gateway) -> Gateway:
    """A new connection for the same session: what was told and is not safe will be told again."""
    return evolve(state, told=(), last=state.acknowledged, interval=None, awaits_ack=False)


def heard(state: Gateway, message: Mapping[str, Any]) -> Step:
    """The gateway said *message*. What makes no sense ends the connection."""
    op, data = message.get("op"), message.get("d")
    match op:
        case Op.HELLO:
            return _hello(state, data)
        case Op.DISPATCH:
            return _dispatch(state, message)
        case Op.HEARTBEAT:
            return state, (_beat(state),)
        case Op.HEARTBEAT_ACK:
            return evolve(state, awaits_ack=False), ()
        case Op.RECONNECT:
            return state, (Hang("it asks us to come again", failed=False),)
        case Op.INVALID_SESSION:
            kept = state if data is True else _without_session(state)
            return kept, (Hang("the session is not valid", failed=True),)
        case _:
            return state, ()


def beat_due(state: Gateway) -> Step:
    """It is time for a heartbeat. Where the last one was never acknowledged, nobody is there any more."""
    if state.awaits_ack:
        return state, (Hang("it does not answer our heartbeats", failed=True),)
    return evolve(state, awaits_ack=True), (_beat(state),)


def safe(state: Gateway, sequence: int) -> Gateway:
    """The event of that number is stored."""
    told = tuple(one for one in state.told if one != sequence)
    acknowledged = told[0] - 1 if told else state.last
    if acknowledged is None or (state.acknowledged is not None and acknowledged < state.acknowledged):
        return evolve(state, told=told)
    return evolve(state, told=told, acknowledged=acknowledged)


@frozen
class Again:
    """Connect again."""

    why: str


@frozen
class Refused:
    """Only a person can mend it."""

    why: str


def closed(state: Gateway, code: int | None) -> tuple[Gateway, Again | Refused]:
    """The gateway closed the connection with *code*; None: it broke."""
    if code is not None and code in FATAL:
        return _without_session(state), Refused(FATAL[code])
    kept = _without_session(state) if code in ANEW else state
    return kept, Again(f"it closed the connection ({code})" if code is not None else "the connection broke")


def _hello(state: Gateway, data: object) -> Step:
    interval = data.get("heartbeat_interval") if isinstance(data, Mapping) else None
    if isinstance(interval, bool) or not isinstance(interval, int | float) or not 0 < interval < 1e7:
        return state, (Hang("its hello makes no sense", failed=True),)
    seconds = interval / 1000
    return evolve(state, interval=seconds, awaits_ack=False), (Beat(seconds), Say(_introduction(state)))


def _introduction(state: Gateway) -> Mapping[str, Any]:
    if state.session is not None and state.acknowledged is not None:
        return {
            "op": Op.RESUME,
            "d": {"token": state.token, "session_id": state.session.id, "seq": state.acknowledged},
        }
    properties = {"os": "linux", "browser": "nanoclaw", "device": "nanoclaw"}
    return {"op": Op.IDENTIFY, "d": {"token": state.token, "intents": INTENTS, "properties": properties}}


def _dispatch(state: Gateway, message: Mapping[str, Any]) -> Step:
    kind, data, sequence = message.get("t"), message.get("d"), message.get("s")
    if not isinstance(kind, str) or isinstance(sequence, bool) or not isinstance(sequence, int):
        return state, (Hang("an event without a name or a number", failed=True),)
    if kind == "READY":
        session = _session(data)
        if session is None:
            return state, (Hang("its ready makes no sense", failed=True),)
        # Numbers begin anew with a session.
        state = evolve(state, session=session, acknowledged=None, told=(), last=None)
    elif state.last is not None and sequence <= state.last:
        return state, ()
    return evolve(state, told=(*state.told, sequence), last=sequence), (Tell(kind, data, sequence),)


def _session(data: object) -> Session | None:
    if not isinstance(data, Mapping):
        return None
    name, url = data.get("session_id"), data.get("resume_gateway_url")
    return Session(id=name, resume_url=url) if isinstance(name, str) and isinstance(url, str) else None


def _beat(state: Gateway) -> Say:
    return Say({"op": Op.HEARTBEAT, "d": state.acknowledged})


def _without_session(state: Gateway) -> Gateway:
    return evolve(state, session=None, acknowledged=None, told=(), last=None)
