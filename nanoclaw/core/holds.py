"""What is a session at, or what holds it up, and what mends that? Asked once for every view of the house.

Pure: what is known is gathered elsewhere (`model/overview.py`). Of several reasons the one counts that is most in the
way: what failed before what waits, what is nearer to the agent before what is behind it, and a message that was given
up only where nothing else is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from shlex import quote

from attrs import frozen

from nanoclaw.core.holds_outward import lane_hold
from nanoclaw.core.holds_words import Hold, Reason, ago, at, bad, good, waits
from nanoclaw.core.session_acts import parked_words
from nanoclaw.core.signals import Idle, Mute, Offered, Paused, Signals, Waiting, Working, detail_of
from nanoclaw.core.why_hops import Mark
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import EpochEnding
from nanoclaw.model.overview import ActorView, ChannelView, Parking, SessionRecord
from schema.rows import Phase

A_MOMENT = timedelta(seconds=1)
QUIET = timedelta(seconds=15)
"""A runner that took a message shows life at once: one that has shown none for so long is worth a look."""
SILENT = timedelta(minutes=5)
"""And so is one that has shown none for so long in mid-turn, unless its tool has asked for more."""
STARTING = 30.0
"""Seconds that a start may take before it is one that hangs."""
FULL = ("no space left", "disk is full", "disk quota")
"""What the errors of a disk that is full have in them, in small letters."""


@frozen(kw_only=True)
class SessionSeen:
    """All that is known of one session now."""

    record: SessionRecord
    actor: ActorView | None
    """None: it has none."""
    signals: Signals | None
    """None: it has no sandbox that is up."""
    channels: Mapping[ChannelName, ChannelView]
    now: datetime


def session_hold(seen: SessionSeen) -> Hold:
    """The reason that is most in the way of *seen*, or what it is at."""
    if (parking := seen.record.parking) is not None:
        return _set_aside(parking, seen)
    found = list(_now(seen))
    for mark in (Mark.BAD, Mark.WAITS):
        for hold in found:
            if hold.mark is mark:
                return hold
        if mark is Mark.BAD and (dead := _dead(seen)) is not None and not _at_work(seen):
            return dead
    return found[0] if found else good(Reason.RESTS, "nothing is asked of it")


def _set_aside(parking: Parking, seen: SessionSeen) -> Hold:
    """A person decided so, and nothing else that can be said of it is in its way more."""
    waiting = seen.record.due + len(seen.record.claims)
    words = f"{parked_words(parking.who, parking.because)}; since {ago(_since(parking.parked_at, seen))}"
    if waiting:
        words += f"; {'1 message waits' if waiting == 1 else f'{waiting} messages wait'}"
    if seen.signals is not None:
        words += "; its sandbox is being ended"
    return waits(Reason.PARKED, words, f"nanoclaw sessions unpark {seen.record.id}")


def _now(seen: SessionSeen) -> Iterator[Hold]:
    """Whatever can be said of it, the nearest to its agent first."""
    yield from _budget(seen)
    yield from _actor(seen)
    yield from _sandbox(seen)
    yield from _inbox(seen)
    yield from _people(seen)
    record = seen.record
    if record.lane is not None:
        yield lane_hold(record.lane, seen.channels, reply=record.reply, now=seen.now)


def _at_work(seen: SessionSeen) -> bool:
    return bool(seen.record.claims) or (seen.actor is not None and bool(seen.record.due))


def _budget(seen: SessionSeen) -> Iterator[Hold]:
    record = seen.record
    if record.used_up is not None and (record.claims or record.due):
        yield bad(Reason.BUDGET, record.used_up, f"nanoclaw budgets list; nanoclaw budgets set {quote(record.agent)}")


def _actor(seen: SessionSeen) -> Iterator[Hold]:
    actor, session = seen.actor, seen.record.id
    if actor is None:
        if seen.record.due:
            yield bad(Reason.NO_ACTOR, "messages wait, and nobody works on them", "nanoclaw verify; nanoclaw logs")
        return
    why = actor.last_error or "the log says how"
    if any(word in why.casefold() for word in FULL) and actor.state in {"parked", "restarting"}:
        yield bad(Reason.DISK_FULL, f"the disk is full: {why}", "make space; it is tried again by itself")
    elif actor.state == "parked":
        left = "" if actor.left is None else f" for another {ago(actor.left)}"
        yield bad(Reason.PARKED, f"it keeps failing and is parked{left}: {why}", _mend_failing(why, session))
    elif actor.state == "restarting":
        yield bad(Reason.FAILED, f"it failed and is tried again in a moment: {why}", _mend_start(why, session))
    elif seen.signals is None:
        yield from _without_sandbox(actor, seen)


def _without_sandbox(actor: ActorView, seen: SessionSeen) -> Iterator[Hold]:
    doing, record = actor.doing, seen.record
    if doing.startswith("waiting for one of"):
        yield waits(Reason.NO_PLACE, doing, "nanoclaw status; [sandbox] most_running says how many there may be")
        return
    if record.epoch is None:
        return
    age = _since(record.epoch_at, seen)
    words = f"{doing or f'epoch {record.epoch}: starting'}, for {ago(age)}"
    if age < STARTING:
        yield waits(Reason.STARTING, words)
    else:
        yield bad(Reason.STARTING, f"{words}: its engine does not answer", "nanoclaw doctor")


def _sandbox(seen: SessionSeen) -> Iterator[Hold]:
    if seen.signals is None:
        return
    signals, session = seen.signals, seen.record.id
    progress, look = signals.progress, f"nanoclaw logs {session}"
    match progress:
        case Idle():
            if isinstance(signals.process, Paused):
                yield good(Reason.RESTS, "its sandbox is paused until somebody writes")
            return
        case Offered(age=age):
            words = f"its sandbox does not take a message up: {detail_of(progress)}"
            yield bad(Reason.NOT_TAKEN, words, look) if age >= QUIET else waits(Reason.AT_WORK, words)
        case Waiting(phase=Phase.WAITING_RATE_LIMIT):
            mend = "less work at a time, or another plan at its provider"
            yield waits(Reason.RATE_LIMIT, f"its provider wants it to wait: {detail_of(progress)}", mend)
        case Waiting():
            yield waits(Reason.QUESTION, f"it waits for an answer: {detail_of(progress)}", "answer in its chat")
        case Working():
            yield _working(progress, look)
        case _:
            words = f"it is stuck, and its sandbox is being ended: {detail_of(progress)}"
            yield bad(Reason.STUCK, words, look)
    if isinstance(signals.loop, Mute):
        yield bad(Reason.MUTE, f"its runner does not answer, {detail_of(signals.loop)}", look)


def _working(progress: Working, look: str) -> Hold:
    words = f"it works {detail_of(progress)}"
    silence = progress.turn if progress.silence is None else progress.silence
    # What it said as it took the message is no sign of what it did then.
    patience = QUIET if silence + A_MOMENT >= progress.turn else SILENT
    if silence >= max(patience, progress.declared):
        words = f"it took a message and shows no life: {detail_of(progress)}"
        return bad(Reason.QUIET, words, look) if progress.left <= silence else waits(Reason.QUIET, words, look)
    if progress.declared:
        return waits(Reason.TOOL, words)
    return good(Reason.AT_WORK, words)


def _inbox(seen: SessionSeen) -> Iterator[Hold]:
    record = seen.record
    if record.due and seen.signals is None and record.last_ending is EpochEnding.NOT_STARTED:
        why = record.last_detail or "nobody said why"
        yield bad(Reason.FAILED, f"it has no sandbox: {why}", _mend_start(why, record.id))
    if record.next_at is not None and not record.due and not record.claims:
        ended = f", as {record.tries} sandboxes ended while at it" if record.tries else ""
        how = _ending(record)
        words = f"a message waits until {at(record.next_at)}{ended}{how if record.tries else ''}"
        yield waits(Reason.LATER, words, f"nanoclaw logs {record.id}" if record.tries else "")
    if record.paused:
        yield waits(Reason.ON_HOLD, f"{record.paused} messages are not to be taken up yet: they are paused")


def _people(seen: SessionSeen) -> Iterator[Hold]:
    record = seen.record
    if record.approval is not None:
        words = f"it waits for a decision: {record.approval_title}"
        yield waits(Reason.APPROVAL, words, f"nanoclaw approvals show {record.approval}")
    if record.question is not None:
        words = f"it has asked something, {ago(_since(record.question_at, seen))} ago"
        yield waits(Reason.QUESTION, words, "answer in its chat")


def _dead(seen: SessionSeen) -> Hold | None:
    dead = seen.record.dead
    if dead is None:
        return None
    why = dead.error or "nobody said why"
    retry = f"nanoclaw dead retry {dead.id}, or nanoclaw dead drop {dead.id}"
    match dead.state:
        case "failed":
            return bad(Reason.GAVE_UP, f"a message was given up: {why}", retry)
        case "unknown":
            return bad(Reason.IN_DOUBT, f"a reply may have arrived or not: {why}", f"look there; then {retry}")
        case "rejected":
            return bad(Reason.DEAD, f"a reply was rejected after it was sent: {why}", f"mend that, then {retry}")
        case _:
            return bad(Reason.DEAD, f"a reply did not arrive: {why}", f"mend that, then {retry}")


def _ending(record: SessionRecord) -> str:
    if record.last_ending is None:
        return ""
    return f" ({record.last_ending.value}{f': {record.last_detail}' if record.last_detail else ''})"


def _mend_start(why: str, session: str) -> str:
    return "nanoclaw image build" if "image" in why.casefold() else f"nanoclaw doctor; nanoclaw logs {session}"


def _mend_failing(why: str, session: str) -> str:
    return f"{_mend_start(why, session)}; then nanoclaw sessions wake {session}"


def _since(moment: datetime | None, seen: SessionSeen) -> float:
    return 0.0 if moment is None else max(0.0, (seen.now - moment).total_seconds())
