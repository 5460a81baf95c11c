"""Every engage mode, mention or not, in every kind of chat, from everybody, under both policies: 144 cells by hand.

Each twice: where the wiring keeps what it ignores, as the table says, and where it drops that.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import pytest

from nanoclaw.core.plan import Accumulate, Drop, Outcome, Refuse, Wake
from nanoclaw.core.routing import Facts, plan
from nanoclaw.model.entities import (
    EngageMode,
    IgnoredMessagePolicy,
    MessagingGroup,
    UnknownSenderPolicy,
)
from nanoclaw.model.ids import AgentGroupId, MessagingGroupId
from nanoclaw.model.rights import Rights
from tests.support.central import CHANNEL, NOW, always, said

AGENT = AgentGroupId("agt-a")
CHAT = MessagingGroupId("chat")
WHO = [(known, policy) for known in (True, False) for policy in UnknownSenderPolicy]
"""The columns: somebody known, then a stranger; each in a strict, a requesting and a public chat."""

# W wakes, A accumulates, R refuses, R? refuses and asks, D drops; c in the chat's session, t in the thread's.
TABLE = """
mode            mention  chat   threads | known: strict request public | stranger: strict request public
pattern         no       dm     no      | Wc  Wc  Wc | R  R?  Wc
pattern         no       dm     yes     | Wc  Wc  Wc | R  R?  Wc
pattern         no       group  no      | Wc  Wc  Wc | R  R?  Wc
pattern         no       group  yes     | Wt  Wt  Wt | R  R?  Wt
pattern         yes      dm     no      | Wc  Wc  Wc | R  R?  Wc
pattern         yes      dm     yes     | Wc  Wc  Wc | R  R?  Wc
pattern         yes      group  no      | Wc  Wc  Wc | R  R?  Wc
pattern         yes      group  yes     | Wt  Wt  Wt | R  R?  Wt
mention         no       dm     no      | Ac  Ac  Ac | D  D   Ac
mention         no       dm     yes     | Ac  Ac  Ac | D  D   Ac
mention         no       group  no      | Ac  Ac  Ac | D  D   Ac
mention         no       group  yes     | At  At  At | D  D   At
mention         yes      dm     no      | Wc  Wc  Wc | R  R?  Wc
mention         yes      dm     yes     | Wc  Wc  Wc | R  R?  Wc
mention         yes      group  no      | Wc  Wc  Wc | R  R?  Wc
mention         yes      group  yes     | Wt  Wt  Wt | R  R?  Wt
mention-sticky  no       dm     no      | Ac  Ac  Ac | D  D   Ac
mention-sticky  no       dm     yes     | Ac  Ac  Ac | D  D   Ac
mention-sticky  no       group  no      | Ac  Ac  Ac | D  D   Ac
mention-sticky  no       group  yes     | At  At  At | D  D   At
mention-sticky  yes      dm     no      | Wc  Wc  Wc | R  R?  Wc
mention-sticky  yes      dm     yes     | Wc  Wc  Wc | R  R?  Wc
mention-sticky  yes      group  no      | Wc  Wc  Wc | R  R?  Wc
mention-sticky  yes      group  yes     | Wt  Wt  Wt | R  R?  Wt
"""


def lines() -> Iterator[tuple[EngageMode, bool, bool, bool, bool, UnknownSenderPolicy, str]]:
    """The table, cell by cell."""
    for line in TABLE.strip().splitlines()[1:]:
        kind, *cells = line.split("|")
        mode, mention, chat, threads = kind.split()
        for (known, policy), expected in zip(WHO, " ".join(cells).split(), strict=True):
            yield EngageMode(mode), mention == "yes", chat == "group", threads == "yes", known, policy, expected


def cell(outcome: Outcome) -> str:
    """An outcome as the table writes it."""
    match outcome:
        case Wake(session=session):
            return "Wt" if session.thread_id else "Wc"
        case Accumulate(session=session):
            return "At" if session.thread_id else "Ac"
        case Refuse(ask=ask):
            return "R?" if ask else "R"
        case Drop():
            return "D"


@pytest.mark.parametrize("ignored", list(IgnoredMessagePolicy))
@pytest.mark.parametrize(("mode", "mention", "is_group", "threaded", "known", "policy", "expected"), list(lines()))
def test_the_table(
    mode: EngageMode,
    mention: bool,
    is_group: bool,
    threaded: bool,
    known: bool,
    policy: UnknownSenderPolicy,
    expected: str,
    ignored: IgnoredMessagePolicy,
) -> None:
    chat = MessagingGroup(
        id=CHAT,
        channel=CHANNEL,
        platform_id="room",
        name="Room",
        is_group=is_group,
        unknown_sender_policy=policy,
        created_at=NOW,
    )
    wiring = attrs.evolve(
        always("wir", CHAT, AGENT),
        engage_mode=mode,
        engage_pattern="hello" if mode is EngageMode.PATTERN else None,
        ignored_message_policy=ignored,
    )
    rights = Rights(member_of=frozenset({AGENT})) if known else Rights()
    event = said(mention=mention, is_group=is_group, thread="t1")
    (outcome,) = plan(event, Facts(threaded=threaded, chat=chat, wirings=(wiring,), rights=rights)).outcomes
    keeps_nothing = ignored is IgnoredMessagePolicy.DROP and expected.startswith("A")
    assert cell(outcome) == ("D" if keeps_nothing else expected)


def test_the_table_has_every_combination_once() -> None:
    cells = [line[:-1] for line in lines()]
    assert len(cells) == len(set(cells)) == 3 * 2 * 2 * 2 * 2 * 3
