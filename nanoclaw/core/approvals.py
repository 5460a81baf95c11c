"""Who decides about an approval, what a click or a typed answer does to it, and what people are shown of it. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from attrs import frozen

from nanoclaw.core.notices import plain, visible
from nanoclaw.core.requests import name_fault
from nanoclaw.model.approvals import Approval, ApprovalState, Needs, Shown
from nanoclaw.model.ids import AgentGroupId, ChannelName, UserId
from nanoclaw.model.rights import Grant, Role, Standing
from schema.payloads import MOST_BODY, MOST_TITLE, Option

REJECT = Option(label="Reject", value="reject")
NEW = Option(label="New agent", value="new")
"""Whoever chooses it is asked for a name, and decides with that."""
CALLED = "new:"
"""How the value of the decision begins that follows; the name is the rest."""
CANCEL = "cancel"
NAMING = timedelta(minutes=10)
"""How long what they say next is the name."""
YES_OR_NO = (Option(label="Approve", value="approve"), REJECT)
LASTS = timedelta(days=7)
"""How long a request waits, if nobody says otherwise."""
ASKED_AGAIN_AFTER = timedelta(days=1)
"""How long nobody is asked again about a stranger whom somebody has denied: each of their messages would ask."""
MOST_OF_AGENT = 5
"""Requests of one agent group that wait at a time: people must not be worn out by asking."""
MOST_CARDS = 10
"""Open cards that one person has at a time; what is more waits, and the command line shows it."""
ELSEWHERE_AFTER = timedelta(seconds=30)
"""How long a card may be on its way before somebody else is asked too: a platform that can be reached takes one within
seconds, and one that cannot is waited for much longer, while whoever asks waits."""
PREFIX = "approval:"
"""How the name of a card begins where a channel shows it as a question. No question of an agent's begins so."""
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}
_OVER_ALL = (Standing.OWNER, Standing.GLOBAL_ADMIN)
_MAY = {Needs.ADMIN: (*_OVER_ALL, Standing.ADMIN), Needs.GLOBAL_ADMIN: _OVER_ALL}


@frozen
class Decided:
    """It is decided."""

    option: Option

    @property
    def approved(self) -> bool:
        """Is it to be done?"""
        return self.option.value != REJECT.value


@frozen
class NotDecided:
    """It is not, and nothing changes."""

    reason: str
    """As records of drops have it."""
    why: str
    """For whoever wanted to decide."""


Verdict: TypeAlias = Decided | NotDecided


def judge(
    approval: Approval | None,
    option: Option | None,
    *,
    standing: Standing,
    decided_by: str | None,
    now: datetime,
) -> Verdict:
    """What becomes of somebody's wish to decide.

    Args:
      approval: The one that is meant; None: there is none of that name in that place.
      option: What was chosen; None: none of its options.
      standing: What they are to the agent group that it is about.
      decided_by: The name of who has decided, if somebody has.
      now: The time.
    """
    if approval is None:
        return NotDecided("no-approval", "there is nothing of that name to decide here")
    if not may_decide(approval.needs, standing):
        who = "owners and admins of all agents" if approval.needs is Needs.GLOBAL_ADMIN else "owners and admins"
        return NotDecided("not-yours-to-decide", f"only {who} may decide this")
    if approval.state is not ApprovalState.PENDING:
        return NotDecided("approval-over", f"this is decided already: {outcome(approval, decided_by)}")
    if is_late(approval, now):
        return NotDecided("approval-over", "nobody decided in time, and this is closed")
    if option is None:
        return NotDecided("no-option", "this is none of the answers to choose from")
    return Decided(option)


def may_decide(needs: Needs, standing: Standing) -> bool:
    """Is somebody who stands so to the agent group entitled?"""
    return standing in _MAY[needs]


def is_late(approval: Approval, now: datetime) -> bool:
    """Is its time over? At that very moment it is."""
    return approval.expires_at is not None and approval.expires_at <= now


def candidates(
    grants: Sequence[Grant], agent: AgentGroupId | None, needs: Needs, channel: ChannelName | None
) -> tuple[UserId, ...]:
    """Whom to ask, the best first: admins of the agent group, admins of all, owners; those on *channel* before others.

    Args:
      grants: All roles that anybody has.
      agent: The agent group that it is about.
      needs: Whose decision it takes.
      channel: Where it was asked for.
    """
    earliest = sorted(grants, key=lambda one: (one.granted_at, one.id))
    scoped = [one.user_id for one in earliest if one.role is Role.ADMIN and agent and one.agent_group_id == agent]
    over_all = [one.user_id for one in earliest if one.role is Role.ADMIN and one.agent_group_id is None]
    owners = [one.user_id for one in earliest if one.role is Role.OWNER]
    ordered = dict.fromkeys([*(scoped if needs is Needs.ADMIN else ()), *over_all, *owners])
    return tuple(sorted(ordered, key=lambda user: not (channel and user.startswith(f"{channel}:"))))


def next_asked(
    ordered: Sequence[UserId], *, asked: Collection[UserId], unreached: Collection[UserId]
) -> tuple[UserId, ...]:
    """Whom to ask now, the best first.

    Args:
      ordered: Those who may decide, the best first.
      asked: Who has a card of it, or had one that was lost: nobody is asked twice.
      unreached: Whose cards, of whatever it is about, have been on their way for too long: they are the last choice.
    """
    return tuple(sorted((user for user in ordered if user not in asked), key=lambda user: user in unreached))


def is_waited_for(sent_at: datetime, *, arrived: bool, now: datetime) -> bool:
    """Is an open card enough, or is somebody else to be asked too? It stays good, and the first who decides decides."""
    return arrived or now < sent_at + ELSEWHERE_AFTER


def meant(typed: str, options: Sequence[Option], code: str) -> Option | None:
    """The option that *typed* names: its label and then the card's code, which nobody else can know.

    A number or a label alone is none: an agent that speaks in the same chat could ask for it in its own name.
    """
    words = _folded(typed)
    return next((option for option in options if words == _folded(f"{option.label} {code}")), None)


def is_naming(approval: Approval, who: UserId, now: datetime) -> bool:
    """Is *who* asked for the name of a new agent? It is open until they give one, or somebody decides otherwise."""
    return (
        approval.state is ApprovalState.PENDING
        and approval.answer == NEW.value
        and approval.answered_by == who
        and approval.answered_at is not None
        and now < approval.answered_at + NAMING
    )


def named(typed: str) -> Option | NotDecided | None:
    """What somebody says who is asked for a name: the decision, why that is no name, or None if they think better."""
    name = typed.strip()
    if name.casefold() == CANCEL:
        return None
    if (why := name_fault(name)) is not None:
        return NotDecided("no-name", why)
    return Option(label=f"New agent {name}", value=f"{CALLED}{name}")


def field(label: str, value: str) -> str:
    """A line of a card: our own *label*, and a stranger's *value* in quotes, so that nothing in it is unseen."""
    return f"{label}: “{escaped(value)}”"


def fields(label: str, values: Iterable[str]) -> str:
    """The same for several values."""
    return f"{label}: {', '.join(f'“{escaped(value)}”' for value in values) or 'none'}"


def escaped(value: str) -> str:
    """*value* on one line: whatever is not seen, or could end the quotes or be taken for markup, as `\\u{…}`."""
    return "".join(_escape(sign) for sign in value)


def fault(shown: Shown, options: Sequence[Option]) -> str | None:
    """Why this cannot be put on a card, as half a sentence; None: it can."""
    if not shown.lines or not shown.title:
        return "there is nothing to show of it"
    for line in (shown.title, *shown.lines):
        if "\n" in line or visible(line) != line:
            return "it has characters that nobody can see"
    if len(shown.title) > MOST_TITLE or len(body(shown)) > MOST_BODY:
        return f"it is too long to be shown whole: a card has {MOST_BODY:,} characters"
    labels = [_folded(option.label) for option in options]
    if len(set(labels)) < len(labels) or REJECT.value not in {option.value for option in options}:
        return "its options are not all different, or none of them says no"
    return None


def body(shown: Shown) -> str:
    """What stands on the card below its title."""
    return "\n".join(shown.lines)


def outcome(approval: Approval, by: str | None) -> str:
    """What became of it, for people."""
    who = plain(by or "somebody", 80)
    result = "" if not approval.result else f": {plain(approval.result)}"
    match approval.state:
        case ApprovalState.PENDING:
            return "it waits for a decision"
        case ApprovalState.EXECUTING:
            return f"approved by {who}; it is being done"
        case ApprovalState.DONE:
            return f"approved by {who}, and done{result}"
        case ApprovalState.REJECTED:
            return f"rejected by {who}"
        case ApprovalState.EXPIRED:
            return f"closed without a decision{result}"
        case ApprovalState.FAILED:
            return f"approved by {who}, but it failed{result}"


def _escape(sign: str) -> str:
    if sign == " ":
        return sign
    if sign in '\\“”"`' or unicodedata.category(sign) in _UNSEEN:
        return f"\\u{{{ord(sign):x}}}"
    return sign


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
