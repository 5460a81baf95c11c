"""The kinds of approvals: what each shows, and what it does once somebody has approved it; and how one is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

import attrs
from attrs import frozen

from nanoclaw.core import approvals as rules
from nanoclaw.core.defaults import wiring_defaults
from nanoclaw.errors import UsageError
from nanoclaw.kit.ids import mint as mint_id
from nanoclaw.model.approvals import Approval, ApprovalKind, ApprovalState, Needs, Shown
from nanoclaw.model.entities import MessagingGroup, Wiring
from nanoclaw.model.ids import AgentGroupId, ApprovalId, ChannelName, MessagingGroupId, SessionId, UserId, WiringId
from nanoclaw.model.rights import Member
from nanoclaw.store import approvals, entities, events, kept, people, wirings
from nanoclaw.store.askings import CONNECT, SEEN_TO
from schema import strict_json
from schema.payloads import Option
from schema.sqlite import Connection


@frozen(kw_only=True)
class Means:
    """What whoever does something is given of the host."""

    now: datetime
    mint: Callable[[str], str]
    threaded: Mapping[ChannelName, bool]
    """Which channels have threads?"""


class Kind(Protocol):
    """What can be asked for."""

    @property
    def name(self) -> ApprovalKind: ...

    def shown(self, conn: Connection, payload: Mapping[str, object]) -> Shown:
        """All that would be done. Raises `UsageError` for what cannot be done at all."""
        ...

    def execute(self, conn: Connection, approval: Approval, means: Means) -> str:
        """Do it, in the transaction that ends *approval*, and say what came of it in a few words.

        The truth may have changed since it was asked for: whatever matters has to be looked at again.

        Raises:
          UsageError: it cannot be done, and nothing of it is; the reason is told to whoever asked.
        """
        ...


@runtime_checkable
class SlowKind(Protocol):
    """A kind that has work to do before its `execute`, which no transaction can hold, such as to build an image."""

    async def work(self, approval: Approval) -> None:
        """Do it. Begun again from the start if the host dies in between, so it has to be safe to repeat.

        Raises:
          UsageError: as for `execute`.

        Cancellation: leaves it to the next start.
        """
        ...


def ask(
    conn: Connection,
    *,
    kind: Kind,
    subject: str,
    payload: Mapping[str, object],
    agent: AgentGroupId,
    session: SessionId,
    chat: MessagingGroupId | None,
    needs: Needs = Needs.ADMIN,
    options: Sequence[Option] = rules.YES_OR_NO,
    lasts: timedelta = rules.LASTS,
    mint: Callable[[str], str] = mint_id,
    now: datetime,
) -> ApprovalId:
    """Ask people, for an agent, to let something be done: in the transaction that takes its request in.

    Args:
      conn: In a transaction.
      kind: What is asked for.
      subject: What it is about: the same kind and subject while one waits is that one again.
      payload: Exactly what would be done, as JSON can say it; it is what `Kind.execute` gets.
      agent: Whose admins may decide.
      session: Who asks; it is woken by the outcome.
      chat: Where it asks, so that somebody there may be asked first.
      needs: Whose decision it takes.
      options: What there is to choose from; the value `reject` is a no, and any other is done.
      lasts: How long it waits.
      mint: Makes ids.
      now: The time.

    Raises:
      UsageError: it cannot be asked for; the sentence is for the agent.
    """
    shown = kind.shown(conn, payload)
    if (why := rules.fault(shown, options)) is not None:
        raise UsageError(f"nobody can be asked for this: {why}")
    text = approvals.canonical(payload)
    if (known := approvals.open_one(conn, kind.name, subject)) is not None:
        if known.payload == text:
            return known.id
        raise UsageError(f"something else about the same waits for a decision already: {known.id}")
    asked = attrs.evolve(
        approvals.new(ApprovalId(mint("apr")), kind.name, subject, payload, shown, options, now=now),
        messaging_group_id=chat,
        agent_group_id=agent,
        session_id=session,
        needs=needs,
        expires_at=now + lasts,
    )
    if approvals.waiting_of(conn, agent) >= rules.MOST_OF_AGENT:
        raise UsageError(f"{rules.MOST_OF_AGENT} requests wait for a decision already: wait until one is over")
    waits = approvals.request(conn, asked)
    if waits is None:
        raise UsageError("too much waits for a decision about this chat already")
    return waits


def finish(conn: Connection, kind: Kind, which: ApprovalId, means: Means) -> None:
    """Do what was approved and end it, in one transaction: once, whoever dies when. Raises `UsageError`, nothing done.

    What is done is what was shown: the payload is held against its digest in the same transaction.
    """
    approval = approvals.get(conn, which)
    if approval is None or approval.state is not ApprovalState.EXECUTING:
        raise UsageError("it is over already")
    payload_of(approval)
    result = kind.execute(conn, approval, means)
    approvals.end(conn, which, ApprovalState.DONE, result, now=means.now)


def payload_of(approval: Approval) -> Mapping[str, object]:
    """What is to be done. Raises `UsageError` if it is not what was asked for."""
    if approvals.digest_of(approval.payload) != approval.digest:
        raise UsageError("what would be done is not what was asked for")
    payload = strict_json.read(approval.payload)
    assert isinstance(payload, dict)
    return payload


@frozen
class SenderKind:
    """Somebody may speak to an agent from now on."""

    name: ApprovalKind = ApprovalKind.SENDER

    def shown(self, conn: Connection, payload: Mapping[str, object]) -> Shown:
        """Ingress asks for this by itself."""
        raise UsageError("agents do not ask for this")

    def execute(self, conn: Connection, approval: Approval, means: Means) -> str:
        """Make them a member, and let the agent hear what was kept."""
        group = approval.agent_group_id
        if group is None or entities.agent_group(conn, group) is None:
            raise UsageError("the agent is no longer there")
        if approval.answer != SEEN_TO.value:
            _let_speak(conn, approval, group, means)
        return _heard(conn, approval, means, "they may speak to the agent")


@frozen
class ChatKind:
    """An agent hears a chat from now on."""

    name: ApprovalKind = ApprovalKind.CHAT

    def shown(self, conn: Connection, payload: Mapping[str, object]) -> Shown:
        """Ingress asks for this by itself."""
        raise UsageError("agents do not ask for this")

    def execute(self, conn: Connection, approval: Approval, means: Means) -> str:
        """Wire it, make whoever spoke there a member, and let the agent hear what was kept."""
        chat = next((one for one in entities.messaging_groups(conn) if one.id == approval.messaging_group_id), None)
        if chat is None:
            raise UsageError("the chat is no longer there")
        if approval.answer == SEEN_TO.value:
            return _heard(conn, approval, means, f"{chat.name} was wired by hand")
        group = AgentGroupId((approval.answer or "").removeprefix(CONNECT))
        found = entities.agent_group(conn, group)
        if found is None:
            raise UsageError("the agent is no longer there")
        if all(one.agent_group_id != group for one in wirings.wirings_of(conn, chat.id)):
            wirings.add_wiring(conn, _usual(chat, group, means), now=means.now)
        _let_speak(conn, approval, group, means)
        return _heard(conn, approval, means, f"{found.name} hears {chat.name}")


KINDS: Mapping[ApprovalKind, Kind] = {kind.name: kind for kind in (SenderKind(), ChatKind())}
"""Those that the host does by itself; `house.build` takes more."""


def _let_speak(conn: Connection, approval: Approval, group: AgentGroupId, means: Means) -> None:
    payload = payload_of(approval)
    who = UserId(str(payload["sender_id"]))
    if all(user.id != who for user in people.users(conn)):
        people.note_user(conn, who, str(payload.get("sender", who)), now=means.now)
    member = Member(user_id=who, agent_group_id=group, added_by=approval.answered_by, added_at=means.now)
    people.add_member(conn, member)


def _heard(conn: Connection, approval: Approval, means: Means, done: str) -> str:
    found = kept.kept(conn, approval.id)
    if found is None:
        return f"{done}; what they said was not kept"
    event_id, event = found
    threaded = means.threaded.get(event.channel, False)
    heard = events.replay(conn, event_id, event, threaded=threaded, mint=means.mint, now=means.now)
    return f"{done}, and what they said is heard" if heard else f"{done}; what they said is for no agent"


def _usual(chat: MessagingGroup, group: AgentGroupId, means: Means) -> Wiring:
    usual = wiring_defaults(is_group=chat.is_group, threaded=means.threaded.get(chat.channel, False))
    return Wiring(
        id=WiringId(means.mint("wir")),
        messaging_group_id=chat.id,
        agent_group_id=group,
        priority=0,
        created_at=means.now,
        **attrs.asdict(usual),
    )
