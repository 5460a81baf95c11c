"""What other parts of the host make of messages between agents: chains, retries, parked sessions, delivery."""

from __future__ import annotations

import pytest
from attrs import evolve

from nanoclaw.core.retry import RetryPolicy
from nanoclaw.model.ids import InboundId, SessionId, UserId
from nanoclaw.model.messages import EpochEnding
from nanoclaw.store import dead, inbound, ledger, notices, parkings
from nanoclaw.store.ending import close_epoch
from nanoclaw.store.ledger import Head, Lane
from schema.rows import InKind
from tests.actors.mailing import Agents
from tests.support.central import CHANNEL, NOW


@pytest.fixture
def post() -> Agents:
    """Two agents that may write to each other."""
    return Agents().agent("a", "b").lets("ab", "ba")


def far(post: Agents, session: SessionId, hops: int = 5) -> InboundId:
    """A message that *session* was given, far on in another chain."""
    new = inbound.NewInbound(
        id=InboundId(f"far-{hops}"),
        kind=InKind.CHAT,
        content=post.world.row(post.world.message(session, "text")).content,
        hops=hops,
        chain="far",
    )
    inbound.add(post.world.conn, new, session=session, now=NOW)
    return new.id


def last_hops(post: Agents) -> int:
    """How far the latest message between agents is."""
    return post.mail()[-1].hops


def test_what_is_settled_with_the_very_message_is_what_it_is_due_to(post: Agents) -> None:
    post.say(post.rooms["a"], "b")
    (row,) = post.mail()
    far(post, row.session_id)
    post.say(row.session_id, "a", answers=row.id, settles=True)
    assert last_hops(post) == 2, "its claim was never seen"


def test_what_waits_is_no_cause_and_what_is_at_work_is(post: Agents) -> None:
    session = post.rooms["a"]
    waiting = far(post, session)
    post.asked(session)
    post.say(session, "b")
    assert last_hops(post) == 1
    post.at(waiting)
    post.say(session, "b")
    assert last_hops(post) == 6


def test_a_turn_that_is_tried_again_writes_to_nobody_twice(post: Agents) -> None:
    session = post.rooms["a"]
    question = post.asked(session)
    post.say(session, "b", answers=question)
    epoch = post.epoch(session)
    close_epoch(post.world.conn, session, epoch, EpochEnding.KILLED, "", policy=RetryPolicy(), now=NOW)
    post.at(question)
    assert not post.say(session, "b", answers=question, id="again", payload=post.text(1)).woken
    assert (len(post.mail()), [drop.reason for drop in post.drops()]) == (1, ["said-before"])


def test_one_that_failed_for_good_and_is_tried_again_is_the_same_step_of_its_chain(post: Agents) -> None:
    post.say(post.rooms["a"], "b", answers=post.asked(post.rooms["a"]))
    (row,) = post.mail()
    inbound.settle(post.world.conn, row.id, error="tired", now=NOW)
    dead.retry(post.world.conn, post.world.row(row.id), now=NOW)
    again = post.mail()[-1]
    assert (again.hops, again.chain, again.source_session_id) == (row.hops, row.chain, row.source_session_id)
    assert post.say(row.session_id, None, answers=post.at(again.id)).woken == {post.rooms["a"]}


def test_a_session_that_cannot_work_tells_chats_and_no_agents(post: Agents) -> None:
    post.say(post.rooms["a"], "b")
    assert notices.session_parked(post.world.conn, post.own("b"), key="k", text="no", now=NOW) == set()


def test_what_follows_in_a_chat_answers_no_message_of_the_platforms(post: Agents) -> None:
    post.say(post.rooms["a"], "b")
    (row,) = post.mail()
    post.say(row.session_id, "room-b", answers=post.at(row.id))
    head = ledger.head(post.world.conn, Lane(CHANNEL, "room-b"), now=NOW)
    assert isinstance(head, Head)
    assert head.answers is None
    assert head.speaker == "b"


def test_who_is_told_of_a_stop_is_shown_it_at_once(post: Agents) -> None:
    post.policy = evolve(post.policy, most_an_hour=1)
    post.say(post.rooms["a"], "b")
    stopped = post.say(post.rooms["a"], "b")
    assert not stopped.woken
    assert stopped.shown == {post.own("b")}
    assert stopped.changed, "its own agent, too"


def test_tasks_that_an_agent_had_made_answer_it_and_tell_no_chat_when_they_fail(post: Agents) -> None:
    post.say(post.rooms["a"], "b")
    to_b = post.own("b")
    task = inbound.NewInbound(
        id=InboundId("task"),
        kind=InKind.TASK,
        channel=post.mail()[0].channel,
        platform_id=post.mail()[0].platform_id,
        content='{"prompt": "tea"}',
    )
    inbound.add(post.world.conn, task, session=to_b, now=NOW)
    assert post.say(to_b, None, answers=post.at(task.id)).woken == {post.rooms["a"]}
    assert notices.message_failed(post.world.conn, post.world.row(task.id), "tired", now=NOW) == set()


def test_an_agent_that_waits_for_one_that_somebody_has_parked_is_told_once_for_each_parking(post: Agents) -> None:
    question = post.asked(post.rooms["a"])
    post.say(post.rooms["a"], "b", answers=question)
    for again in range(2):
        parkings.park(post.world.conn, post.own("b"), UserId("ada"), "it loops", now=post.world.wait(seconds=1))
        found = parkings.parking(post.world.conn, post.own("b"))
        assert found is not None
        told = [notices.session_set_aside(post.world.conn, found, now=NOW) for _ in range(2)]
        assert told == [(set(), {post.rooms["a"]}), (set(), set())]
        words = "b was parked by ada, because: it loops. Your message waits until it may go on"
        assert post.notes(post.rooms["a"]) == [(words, True)] * (again + 1)
        parkings.unpark(post.world.conn, post.own("b"))
    note = inbound.open_rows(post.world.conn, post.rooms["a"])[-1]
    assert (note.hops, note.chain) == (1, question)
