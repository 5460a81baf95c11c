"""Why was a message not answered? Its way through the house, hop by hop, with the first that failed and what mends it.

Pure: what is known is gathered elsewhere (`model/stories.py`), and this file says what it means.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from nanoclaw.core.session_acts import CANCELLED, parked_words
from nanoclaw.core.why_delivery import UP, reply_hop
from nanoclaw.core.why_hops import Hop, Mark, span
from nanoclaw.core.why_mends import mend_context, mend_drop
from nanoclaw.model.messages import Drop, EpochEnding
from nanoclaw.model.stories import Story, Turn
from schema.rows import InKind, InStatus


def tell(story: Story) -> tuple[Hop, ...]:
    """Every hop of *story*, in the order of its way."""
    return tuple(_hops(story))


def first_fault(hops: Iterable[Hop]) -> Hop | None:
    """The first hop that failed, or else the first at which it waits; None: all is well."""
    found = list(hops)
    for mark in (Mark.BAD, Mark.WAITS):
        for hop in found:
            if hop.mark is mark:
                return hop
    return None


def _hops(story: Story) -> Iterator[Hop]:
    yield _arrival(story)
    yield from _plan(story)
    for turn in story.turns:
        if turn.row.trigger:
            yield _turn(story, turn)
            yield from _said(story, turn)


def _arrival(story: Story) -> Hop:
    came = story.arrival
    if came is None:
        row = story.turns[0].row if story.turns else None
        kinds = {InKind.TASK: "a task whose time had come", InKind.SYSTEM: "the host's own word to its agent"}
        words = "no platform" if row is None else kinds.get(row.kind, "another agent, or the host")
        return Hop(name="arrival", mark=Mark.GOOD, at=None if row is None else row.timestamp, words=f"from {words}")
    where = story.chat_name or f"{came.channel}/{came.platform_id}"
    thread = f", thread {came.thread_id}" if came.thread_id else ""
    who = f" from {came.sender_id}" if came.sender_id else ""
    said = ", said to us" if came.mention else ""
    words = f"{came.platform_message_id} in {where}{thread}{who}{said}; kept as {came.event}"
    return Hop(name="arrival", mark=Mark.GOOD, at=came.received_at, words=words)


def _plan(story: Story) -> Iterator[Hop]:
    """Who heard it. That somebody did not is the fault only where nobody else did."""
    woken = any(turn.row.trigger for turn in story.turns)
    for drop in story.drops:
        name = "" if drop.agent_group_id is None else f"{story.agent_names.get(drop.agent_group_id, 'an agent')}: "
        yield Hop(
            name="plan",
            mark=Mark.NOTE if woken else Mark.BAD,
            at=drop.dropped_at,
            words=f"{name}{_readable(drop, story)}",
            mend="" if woken else mend_drop(drop, story),
        )
    for turn in story.turns:
        if turn.row.trigger:
            yield Hop(name="plan", mark=Mark.GOOD, at=turn.row.timestamp, words=f"{turn.agent_name} takes it up")
            continue
        yield Hop(
            name="plan",
            mark=Mark.NOTE if woken else Mark.BAD,
            at=turn.row.timestamp,
            words=f"{turn.agent_name} keeps it as context: it was not addressed",
            mend="" if woken else mend_context(turn, story),
        )
    if not story.drops and not story.turns:
        yield Hop(
            name="plan",
            mark=Mark.BAD,
            at=None,
            words="nobody heard it, and what there was to say of that is forgotten",
            mend="nanoclaw explain CHAT TEXT says what would become of another",
        )


def _readable(drop: Drop, story: Story) -> str:
    words = f"{drop.reason}: {drop.detail}" if drop.detail else drop.reason
    for group, name in story.agent_names.items():
        words = words.replace(group, name)
    return words


def _turn(story: Story, turn: Turn) -> Hop:
    row = turn.row
    match row.status:
        case InStatus.COMPLETED:
            took = span(row.timestamp, row.settled_at)
            if row.error is not None and row.error.startswith(CANCELLED):
                return Hop(
                    name="turn",
                    mark=Mark.NOTE,
                    at=row.settled_at,
                    words=f"{turn.agent_name} let go of it {took}after it came: {row.error}",
                    mend="say it again, if it is wanted after all",
                )
            cost = "" if turn.tokens is None else _cost(turn)
            note = f"; without the agent: {row.error}" if row.error else ""
            words = f"{turn.agent_name} settled it {took}after it came{cost}{note}"
            return Hop(name="turn", mark=Mark.GOOD, at=row.settled_at, words=words)
        case InStatus.FAILED:
            return Hop(
                name="turn",
                mark=Mark.BAD,
                at=row.settled_at,
                words=f"{turn.agent_name} failed: {row.error or 'nobody said why'}",
                mend=f"nanoclaw logs {row.session_id} says what its sandbox said; nanoclaw dead retry {row.id}",
            )
        case InStatus.PAUSED:
            words = f"{turn.agent_name} is not to take it up yet: it is paused"
            return Hop(name="turn", mark=Mark.WAITS, at=None, words=words)
        case InStatus.PENDING:
            return _claimed(story, turn) if row.claimed_epoch is not None else _unclaimed(story, turn)


def _cost(turn: Turn) -> str:
    tokens = turn.tokens
    assert tokens is not None
    money = "" if tokens.cost_usd is None else f", ${tokens.cost_usd:.4f}"
    return f" ({tokens.read:,} tokens read, {tokens.written:,} written{money})"


def _claimed(story: Story, turn: Turn) -> Hop:
    row, who = turn.row, turn.agent_name
    if story.live is None:
        words = f"{who} was at it when its host ended"
        return Hop(name="turn", mark=Mark.BAD, at=row.claimed_at, words=words, mend=UP)
    seen = story.live.progress.get(row.session_id, "")
    since = span(row.claimed_at, story.now).rstrip() or "a moment"
    life = f" in epoch {row.claimed_epoch}"
    if row.session_id in story.live.stuck:
        return Hop(
            name="turn",
            mark=Mark.BAD,
            at=row.claimed_at,
            words=f"{who} has been at it for {since}{life}, and is stuck: {seen}",
            mend=f"the host ends its sandbox by itself; nanoclaw logs {row.session_id} says what it was at",
        )
    if story.live.way_out:
        words = f"{who} has been at it for {since}{life}, and {story.live.way_out}"
        return Hop(name="turn", mark=Mark.WAITS, at=row.claimed_at, words=words, mend="nanoclaw doctor")
    words = f"{who} has been at it for {since}{life}{f': {seen}' if seen else ''}"
    return Hop(name="turn", mark=Mark.WAITS, at=row.claimed_at, words=words)


def _unclaimed(story: Story, turn: Turn) -> Hop:
    """It waits. What for is said by whatever is most in its way."""
    row, who, live, parking = turn.row, turn.agent_name, story.live, turn.parking

    def hop(mark: Mark, words: str, mend: str = "", at: datetime | None = None) -> Hop:
        return Hop(name="turn", mark=mark, at=at, words=words, mend=mend)

    if parking is not None:
        words = f"{who}'s session is {parked_words(parking.who, parking.because)}"
        return hop(Mark.WAITS, words, f"nanoclaw sessions unpark {row.session_id}")
    if live is None:
        return hop(Mark.BAD, f"{who} has not taken it up, and no host runs", UP)
    if (why := live.parked.get(row.session_id)) is not None:
        mend = (
            f"nanoclaw doctor; nanoclaw logs {row.session_id}; it is tried again by itself,"
            f" or at once: nanoclaw sessions wake {row.session_id}"
        )
        return hop(Mark.BAD, f"{who}'s session keeps failing and is parked: {why}", mend)
    last = turn.last_epoch
    if row.process_after is not None and row.process_after > story.now:
        tries = f", after {row.tries} tries" if row.tries else ""
        return hop(Mark.WAITS, f"{who} gets it{tries} at {row.process_after:%H:%M:%S} UTC", at=row.process_after)
    if last is not None and last.ending is EpochEnding.NOT_STARTED:
        return hop(Mark.BAD, f"{who} has no sandbox: {last.detail or 'it could not be started'}", "nanoclaw doctor")
    if turn.ahead:
        return hop(Mark.WAITS, f"{who} has {turn.ahead} messages to settle before it")
    if row.session_id in live.stuck:
        seen = live.progress.get(row.session_id, "")
        mend = f"the host ends its sandbox by itself; nanoclaw logs {row.session_id}"
        return hop(Mark.BAD, f"{who}'s sandbox does not take it up: {seen}", mend)
    doing = live.doing.get(row.session_id)
    return hop(Mark.WAITS, f"{who} is about to get it: {doing}" if doing else f"{who} is about to get it")


def _said(story: Story, turn: Turn) -> Iterator[Hop]:
    """What came out of it."""
    for drop in turn.refused:
        yield Hop(
            name="customs",
            mark=Mark.NOTE if turn.replies else Mark.BAD,
            at=drop.dropped_at,
            words=f"{turn.agent_name} said something that was not passed on: {_readable(drop, story)}",
            mend="" if turn.replies else mend_drop(drop, story),
        )
    for reply in turn.replies:
        yield reply_hop(story, reply)
    if not turn.replies and not turn.refused and turn.row.status is InStatus.COMPLETED and turn.row.error is None:
        yield Hop(
            name="answer",
            mark=Mark.BAD if turn.row.kind is not InKind.SYSTEM else Mark.NOTE,
            at=turn.row.settled_at,
            words=f"{turn.agent_name} chose to say nothing",
            mend=f"ask it again, or see what it was at: nanoclaw logs {turn.row.session_id}",
        )
