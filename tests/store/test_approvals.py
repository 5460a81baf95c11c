"""What waits for a person: asked for once, bounded for each chat, and answered by what it is about."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.digests import canonical, digest_of
from nanoclaw.model.approvals import Approval, ApprovalKind, ApprovalState
from nanoclaw.model.ids import AgentGroupId, ApprovalId, MessagingGroupId, UserId
from nanoclaw.store import approvals
from nanoclaw.store.approvals import MOST_WAITING
from schema.sqlite import ConstraintError, execute
from schema.times import write_time
from tests.support.approvals import an_approval
from tests.support.central import NOW, World, everything

SENDER, CHAT = ApprovalKind.SENDER, ApprovalKind.CHAT
ROOM = MessagingGroupId("chat-test-room")
ELSEWHERE = MessagingGroupId("chat-test-elsewhere")
NANO = AgentGroupId("agt-nano")
EVE, MALLORY = UserId("test:eve"), UserId("test:mallory")


def furnished() -> World:
    """Two chats, one agent, and somebody who answers."""
    world = World()
    world.chat()
    world.chat("elsewhere")
    world.agent()
    world.user("boss")
    return world


def ask(
    world: World,
    subject: str,
    *,
    chat: MessagingGroupId = ROOM,
    kind: ApprovalKind = SENDER,
    sender: UserId = EVE,
    agent: AgentGroupId | None = NANO,
) -> None:
    """Request something."""
    made = an_approval(chat, world.mint("apr"), kind, subject=subject, agent_group_id=agent, requested_at=world.now)
    payload = canonical({"sender_id": sender})
    approvals.request(world.conn, evolve(made, payload=payload, digest=digest_of(payload)))


@frozen(kw_only=True)
class About:
    """What an answer is about; None is anything."""

    chat: MessagingGroupId | None = None
    agent: AgentGroupId | None = None
    sender: UserId | None = None


def settle(world: World, state: ApprovalState = ApprovalState.DONE, about: About = About()) -> None:
    """Answer what waits about that."""
    approvals.settle(
        world.conn,
        SENDER,
        state,
        "so be it",
        by=UserId("test:boss"),
        now=world.now,
        chat=about.chat,
        agent=about.agent,
        sender=about.sender,
    )


def waiting(world: World) -> set[str]:
    """The subjects that nobody has answered."""
    return {each.subject for each in approvals.approvals(world.conn) if each.state is ApprovalState.PENDING}


def test_a_request_is_kept_as_it_was_made_with_a_digest_of_what_would_be_done() -> None:
    world = furnished()
    ask(world, "may eve")
    payload = '{"sender_id": "test:eve"}'
    assert approvals.approvals(world.conn) == [
        Approval(
            id=ApprovalId("apr-1"),
            kind=SENDER,
            subject="may eve",
            messaging_group_id=ROOM,
            agent_group_id=NANO,
            payload=payload,
            digest=hashlib.sha256(payload.encode()).hexdigest(),
            title="May they?",
            lines='["Who: “Eve”"]',
            options='{"options": [{"label": "Approve", "value": "approve"}, {"label": "Reject", "value": "reject"}]}',
            requested_at=NOW,
            expires_at=NOW + timedelta(days=7),
        )
    ]


@given(st.dictionaries(st.text(max_size=3), st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3))))
def test_the_same_meaning_is_the_same_text(payload: dict[str, object]) -> None:
    assert canonical(dict(reversed(payload.items()))) == canonical(payload)


def test_the_same_request_while_it_waits_changes_nothing() -> None:
    world = furnished()
    ask(world, "may eve")
    before = everything(world.conn)
    world.wait(seconds=5)
    ask(world, "may eve", sender=MALLORY)
    assert everything(world.conn) == before
    ask(world, "may eve", kind=CHAT)
    assert len(approvals.approvals(world.conn)) == 2, "another kind of request is another request"


@pytest.mark.parametrize("state", sorted(ApprovalState, key=str))
def test_what_was_answered_may_be_asked_again_and_what_is_being_done_may_not(state: ApprovalState) -> None:
    world = furnished()
    ask(world, "may eve")
    is_open = state in {ApprovalState.PENDING, ApprovalState.EXECUTING}
    execute(
        world.conn,
        "UPDATE approvals SET state = ?, answer = 'approve', ended_at = ?",
        (state.value, None if is_open else write_time(NOW)),
    )
    ask(world, "may eve")
    denied = state is ApprovalState.REJECTED
    assert len(approvals.approvals(world.conn)) == (1 if is_open or denied else 2)
    world.wait(seconds=86_401)
    ask(world, "may eve")
    assert len(approvals.approvals(world.conn)) == (1 if is_open else 2)


def test_a_hundred_wait_about_one_chat_and_no_more_until_one_is_answered() -> None:
    world = furnished()
    for number in range(MOST_WAITING + 3):
        ask(world, f"may {number}")
    assert waiting(world) == {f"may {number}" for number in range(MOST_WAITING)} == {f"may {n}" for n in range(100)}
    ask(world, "may eve", chat=ELSEWHERE)
    assert "may eve" in waiting(world), "another chat has room of its own"
    seven = next(one for one in approvals.approvals(world.conn) if one.subject == "may 7")
    approvals.end(world.conn, seven.id, ApprovalState.REJECTED, None, now=NOW)
    ask(world, "may one more")
    ask(world, "may none more")
    assert {"may one more"} == {subject for subject in waiting(world) if subject.endswith("more")}


def test_the_newest_requests_come_first() -> None:
    world = furnished()
    for subject in ("first", "second"):
        ask(world, subject)
        world.wait(seconds=1)
    assert [each.subject for each in approvals.approvals(world.conn)] == ["second", "first"]


@pytest.mark.parametrize(
    ("about", "answered"),
    [
        (About(), {"a", "b", "c", "d"}),
        (About(chat=ROOM), {"a", "b", "d"}),
        (About(agent=NANO), {"a", "c", "d"}),
        (About(sender=EVE), {"a", "b", "c"}),
        (About(chat=ROOM, agent=NANO, sender=EVE), {"a"}),
        (About(chat=ELSEWHERE, sender=MALLORY), set()),
    ],
)
def test_an_answer_is_for_all_that_it_is_about(about: About, answered: set[str]) -> None:
    world = furnished()
    other = world.agent("other").id
    ask(world, "a")
    ask(world, "b", agent=other)
    ask(world, "c", chat=ELSEWHERE)
    ask(world, "d", sender=MALLORY)
    ask(world, "e", kind=CHAT, agent=None)
    world.wait(seconds=9)
    settle(world, about=about)
    assert waiting(world) == {"a", "b", "c", "d", "e"} - answered
    for each in approvals.approvals(world.conn):
        if each.subject in answered:
            assert each == evolve(
                each,
                state=ApprovalState.DONE,
                result="so be it",
                answered_by=UserId("test:boss"),
                answered_at=NOW + timedelta(seconds=9),
                ended_at=NOW + timedelta(seconds=9),
            )


def test_what_was_answered_stays_as_it_was_answered() -> None:
    world = furnished()
    ask(world, "may eve")
    settle(world, ApprovalState.REJECTED)
    before = everything(world.conn)
    world.wait(seconds=1)
    settle(world)
    assert everything(world.conn) == before


def test_only_somebody_who_is_known_answers() -> None:
    world = furnished()
    ask(world, "may eve")
    execute(world.conn, "DELETE FROM users")
    with pytest.raises(ConstraintError):
        settle(world)
