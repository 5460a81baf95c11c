"""Were the promises kept? Pure: a history and what is in the database at its end go in, and what is wrong comes out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Final, TypeAlias

from nanoclaw.core.session_acts import CANCELLED
from nanoclaw.model.approvals import ApprovalState
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import InboundRow, LedgerRow, LedgerState
from nanoclaw.model.questions import QuestionState
from nanoclaw.model.tasks import Outcome
from schema.payloads import answer_row
from schema.rows import InKind, InStatus
from tests.sim.ending import Truth
from tests.sim.history import (
    Acknowledged,
    Born,
    Claimed,
    Decided,
    Ended,
    Fault,
    History,
    Host,
    Posted,
    Replied,
    Settled,
    Trespass,
)

CLEARED: Final = Fault("all is well from now on")

DISK_FULL: Final = Fault("disk full: True")


def check(history: History, truth: Truth, undecided: Sequence[str]) -> list[str]:
    """Every promise that was broken, in words."""
    found = [f"it never ended: {what}" for what in undecided]
    found += [f"verify: {what}" for what in truth.problems]
    for rule in RULES:
        found += rule(history, truth)
    return found


def nothing_acknowledged_is_lost(history: History, truth: Truth) -> Iterator[str]:
    """Every event that a platform was told we have reached each agent that hears its room, once."""
    rows = Counter(row.event_id for row in truth.messages.values() if row.event_id is not None)
    answers = {row.event_id for row in truth.messages.values() if row.kind is InKind.SYSTEM}
    twice = Counter((row.event_id, row.session_id) for row in truth.messages.values() if row.event_id is not None)
    for event in {said.event: said for said in history.all(Acknowledged) if said.heard}:
        stored = truth.events.get(event)
        if stored is None:
            yield f"event {event} was acknowledged and is not there"
        elif rows[stored] != (1 if stored in answers else truth.town.hearers[ChannelName(event.partition(" ")[0])]):
            yield f"event {event} reached {rows[stored]} agents"
    yield from (f"{event} came to {session} {count} times" for (event, session), count in twice.items() if count > 1)
    seen = defaultdict[tuple[str, str], set[str]](set)
    for claim in history.all(Claimed):
        for message, text in zip(claim.messages, claim.texts, strict=True):
            if text.startswith("e"):
                seen[claim.session, text].add(message)
    yield from (f"{session} was given {text} as {sorted(ids)}" for (session, text), ids in seen.items() if len(ids) > 1)


def everything_ends_as_its_agent_said_or_is_told(history: History, truth: Truth) -> Iterator[str]:
    """A message is completed because its agent settled it; or it failed, and its chat and its agent are told."""
    settled = defaultdict[str, list[Settled]](list)
    for said in history.all(Settled):
        if (said.session, said.epoch) not in truth.void:
            settled[said.message].append(said)
    for message, how in settled.items():
        if len(how) > 1:
            yield f"{message} was worked on again after it was settled: {how}"
        row = truth.messages.get(message)
        expected = InStatus.FAILED if how[0].failed else InStatus.COMPLETED
        if row is None or row.status is not expected:
            yield f"{message} is not {expected.value}, which its agent said"
    maybe = {said.message for said in history.all(Settled)}
    for row in truth.messages.values():
        if not row.trigger:
            continue
        if row.status is InStatus.COMPLETED and row.id not in maybe and not _cancelled(row):
            yield f"{row.id} counts as completed, and no agent ever said so"
        if row.status is InStatus.FAILED and (row.kind is not InKind.SYSTEM or row.channel is not None):
            yield from _told(row, truth, "failed")


def what_is_cancelled_was_not_over_and_is_told(history: History, truth: Truth) -> Iterator[str]:
    """A person's word ends a message only if its turn has not, and then its chat and its agent are told."""
    over = {said.message for said in history.all(Settled) if (said.session, said.epoch) not in truth.void}
    for row in truth.messages.values():
        if row.trigger and _cancelled(row):
            yield from _told(row, truth, "cancelled")
            if row.id in over:
                yield f"{row.id} counts as cancelled, and its turn had ended"


def _cancelled(row: InboundRow) -> bool:
    """Did it end because a person wanted that?"""
    return row.status is InStatus.COMPLETED and (row.error or "").startswith(CANCELLED)


def _told(row: InboundRow, truth: Truth, how: str) -> Iterator[str]:
    notice = truth.ledger.get(f"{row.session_id}/host/{how}:{row.id}")
    if row.channel is not None and notice is None:
        yield f"{row.id} {how}, and its chat was not told"
    if f"note:{how}:{row.id}" not in truth.messages:
        yield f"{row.id} {how}, and its agent was not told"


def replies_arrive(history: History, truth: Truth) -> Iterator[str]:
    """What an agent said durably is in the ledger, and goes where it was to go; nothing else is posted."""
    for reply in history.all(Replied):
        row = truth.ledger.get(reply.key)
        if row is None:
            if (reply.session, reply.epoch) not in truth.void:
                yield f"reply {reply.key} is lost"
        elif _room(row) != reply.room or row.in_reply_to != reply.answers:
            yield f"reply {reply.key} goes elsewhere, or answers something else"
    for post in history.all(Posted):
        if post.key not in truth.ledger or _room(truth.ledger[post.key]) != post.room:
            yield f"{post.key} was posted in {post.room}, which nobody asked for"


def the_ledger_is_right(history: History, truth: Truth) -> Iterator[str]:
    """Delivered is on the platform, as often as its channel allows; dead and in doubt is told to its agent."""
    posts = Counter(post.key for post in history.all(Posted))
    # Whoever dies between a post and the record of it does not know of it; nor does whoever cannot write that down.
    deaths = sum(1 for host in history.all(Host) if host.what in ("killed", "failed"))
    deaths += sum(1 for fault in history.all(Fault) if fault == DISK_FULL)
    doubts = Counter(fault.what.rpartition(" ")[2] for fault in history.all(Fault) if fault.leaves_doubt)
    for key, row in truth.ledger.items():
        if row.state is LedgerState.DELIVERED and not posts[key] and not (row.about and row.error):  # says why not
            yield f"{key} counts as delivered and was never posted"
        in_vain = row.state in (LedgerState.DEAD, LedgerState.UNKNOWN) and row.session_id is not None
        if in_vain and f"note:{row.state.value}:{key}" not in truth.messages:
            yield f"{key} is {row.state.value}, and its agent was not told"
        if row.state is LedgerState.UNKNOWN and row.channel not in truth.town.careful:
            yield f"{key} is in doubt, which its channel does not want"
        if posts[key] > 1 + (deaths + doubts[key]) * (row.channel in truth.town.plain):
            yield f"{key} was posted {posts[key]} times"


def _room(row: LedgerRow) -> str:
    return f"{row.channel} {row.platform_id}"


def replies_keep_their_order(history: History, truth: Truth) -> Iterator[str]:
    """They are entered in the order in which they were said, and first posted in the order of their entry."""
    first = {post.key: number for number, post in reversed(list(enumerate(history.all(Posted))))}
    lanes = defaultdict[str, list[str]](list)
    for key, row in truth.ledger.items():
        if key in first:
            lanes[_room(row)].append(key)
    for keys in lanes.values():
        yield from (f"{b} overtook {a}" for a, b in pairwise(keys) if first[a] > first[b])
    said = defaultdict[str, list[int]](list)
    for reply in history.all(Replied):
        if reply.key in truth.ledger:
            said[reply.session].append(truth.ledger[reply.key].position)
    for name, places in said.items():
        if places != sorted(places):
            yield f"the replies of {name} changed their order"


def messages_keep_their_order(history: History, truth: Truth) -> Iterator[str]:
    """They are first taken up in the order in which they came in."""
    taken = defaultdict[str, dict[str, int]](dict)
    for claim in history.all(Claimed):
        for message in claim.messages:
            if message in truth.messages:
                taken[claim.session].setdefault(message, truth.messages[message].seq)
    for name, order in taken.items():
        if list(order.values()) != sorted(order.values()):
            yield f"{name} took its messages up in another order than they came in: {list(order)}"


def occurrences_come_once(_: History, truth: Truth) -> Iterator[str]:
    """Each has one outcome, and it is what became of its message; one that was passed over has none."""
    for one in truth.occurrences:
        what = f"the occurrence of {one.task_id} at {one.due_at:%d. %H:%M}"
        row = None if one.inbound_id is None else truth.messages.get(one.inbound_id)
        if one.outcome in (Outcome.RAN, Outcome.LATE) and (row is None or row.status is not InStatus.COMPLETED):
            yield f"{what} counts as run, and no agent ran it"
        if one.outcome is Outcome.FAILED and (row is None or row.status is not InStatus.FAILED):
            yield f"{what} counts as failed, and did not"
        if one.outcome is Outcome.MISSED and row is not None:
            yield f"{what} counts as missed, and was put to its agent"
    put = Counter(one.inbound_id for one in truth.occurrences if one.inbound_id is not None)
    yield from (f"{message} is {count} occurrences" for message, count in put.items() if count > 1)
    for row in truth.messages.values():
        if row.kind is InKind.TASK and not put[row.id]:
            yield f"{row.id} was put to its agent, and nobody had planned it"


def requests_are_decided_once(history: History, truth: Truth) -> Iterator[str]:
    """By a person in time, or by the time; and never by both."""
    answered = {decided.approval for decided in history.all(Decided)}
    for one in truth.approvals:
        expected = ApprovalState.DONE if one.id in answered else ApprovalState.EXPIRED
        if one.state is not expected:
            yield f"request {one.id} is {one.state.value} and should be {expected.value}"


def questions_end_once(_: History, truth: Truth) -> Iterator[str]:
    """With an answer, which its agent has; or by time, which its chat is told; or because nobody ever saw it."""
    for one in truth.questions:
        if (answer_row(one.id) in truth.messages) != (one.state is QuestionState.ANSWERED):
            yield f"question {one.id} is {one.state.value}, and its agent was told otherwise"
        told = f"{one.session_id}/host/question-expired:{one.id}" in truth.ledger
        if told != (one.state is QuestionState.EXPIRED):
            yield f"question {one.id} is {one.state.value}, and its chat was told otherwise"
        row = truth.ledger.get(one.ledger_id)
        if row is None or (one.state is QuestionState.UNDELIVERED and row.state is not LedgerState.DEAD):
            yield f"question {one.id} is {one.state.value}, and its message is not"


def each_file_has_one_writer(history: History, _: Truth) -> Iterator[str]:
    """Nobody but its runner writes an outbox."""
    yield from (f"somebody else wrote into the outbox of {found.where}" for found in history.all(Trespass))


def a_session_has_one_sandbox(history: History, _: Truth) -> Iterator[str]:
    """Also over the deaths of hosts; and no epoch is born twice."""
    alive = dict[str, int]()
    born = Counter((birth.session, birth.epoch) for birth in history.all(Born))
    yield from (f"{life} was born {count} times" for life, count in born.items() if count > 1)
    for _at, happening in history.happenings:
        match happening:
            case Born(session, epoch):
                if session in alive:
                    yield f"{session} has two sandboxes, of epochs {alive[session]} and {epoch}"
                alive[session] = epoch
            case Ended(session, epoch, _):
                if alive.get(session) == epoch:
                    del alive[session]
            case _:
                pass


def hosts_do_not_give_up(history: History, _: Truth) -> Iterator[str]:
    """A host ends by itself only over what it cannot live with, and never if all was well in the whole of its life."""
    trouble = excused = False
    for _at, happening in history.happenings:
        match happening:
            case Fault():
                trouble = happening != CLEARED
                excused = excused or trouble
            case Host("started"):
                excused = trouble
            case Host("failed", why) if not excused:
                yield f"a host gave up although nothing was wrong: {why}"
            case _:
                pass


Rule: TypeAlias = Callable[[History, Truth], Iterator[str]]
RULES: Final[tuple[Rule, ...]] = (
    nothing_acknowledged_is_lost,
    everything_ends_as_its_agent_said_or_is_told,
    what_is_cancelled_was_not_over_and_is_told,
    replies_arrive,
    the_ledger_is_right,
    replies_keep_their_order,
    messages_keep_their_order,
    occurrences_come_once,
    requests_are_decided_once,
    questions_end_once,
    each_file_has_one_writer,
    a_session_has_one_sandbox,
    hosts_do_not_give_up,
)
