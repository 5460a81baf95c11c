"""Edits and deletions of what was only kept, and of what a thread has taken over from its chat."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.model.entities import EngageMode, IgnoredMessagePolicy
from nanoclaw.model.ids import InboundId, SessionId
from nanoclaw.model.messages import Revision, RevisionKind
from nanoclaw.store import drops, inbound
from nanoclaw.store.events import Accepted
from schema.rows import InStatus
from tests.store.test_revisions import MINE, deletion, edit, revise, seen, told
from tests.support.central import World, everything, said


def listening() -> World:
    """One agent that keeps what is not said to it, and takes it over into threads."""
    world = World()
    world.wire(world.chat(), world.agent(), mode=EngageMode.MENTION_STICKY, ignored=IgnoredMessagePolicy.ACCUMULATE)
    return world


def mutter(world: World, number: int, text: str) -> None:
    """Say something in the chat itself, to nobody."""
    world.accept(said(number, text=text, thread=f"t{number}", starts_thread=True, mention=False), threaded=True)


def ask(world: World, number: int, thread: str = "t") -> SessionId:
    """Say something to the agent in a thread; returns the session that it wakes."""
    verdict = world.accept(said(number, text="ask", thread=thread), threaded=True)
    assert isinstance(verdict, Accepted)
    return verdict.woken[0]


def test_an_edit_changes_the_copy_that_a_thread_has_taken_over_too() -> None:
    world = listening()
    mutter(world, 1, "kumquat")
    thread = ask(world, 2)
    assert set(revise(world, edit("better"))) == {world.row(MINE).session_id, thread}
    assert told(world, thread) == ["better", "ask"]
    assert "kumquat" not in str(everything(world.conn))


def test_each_conversation_is_told_by_its_own_number_if_it_has_seen_the_message() -> None:
    world = listening()
    mutter(world, 0, "before")
    mutter(world, 1, "as it was")
    chat = world.row(InboundId("evt-2:agt-nano")).session_id
    thread = ask(world, 2)
    copy = InboundId(f"evt-2:agt-nano:{thread}")
    inbound.claim(world.conn, copy, world.epoch(thread), now=world.now)
    revise(world, edit("better"))
    assert told(world, chat) == ["before", "better"]
    assert told(world, thread) == ["before", "as it was", "ask", "(message 4, changed) better"]


def test_context_that_was_changed_or_taken_back_is_taken_over_as_it_is_now() -> None:
    world = listening()
    for number, text in ((1, "first"), (2, "second"), (3, "kumquat")):
        mutter(world, number, text)
    revise(world, edit("changed", of=2))
    revise(world, deletion(of=3))
    assert told(world, ask(world, 4)) == ["first", "changed", "ask"]
    assert "kumquat" not in str(everything(world.conn))


def test_what_was_only_kept_is_no_command_after_an_edit_either_even_an_owners() -> None:
    world = listening()
    world.owner()
    mutter(world, 1, "as it was")
    assert revise(world, edit("/clear")) == ()
    assert [drop.reason for drop in drops.recent(world.conn)] == ["command-by-edit"]


def test_what_was_given_to_the_agent_may_become_an_owners_command_while_it_waits() -> None:
    world = listening()
    world.owner()
    thread = ask(world, 1)
    assert revise(world, edit("/clear")) == (thread,)
    assert told(world, thread) == ["/clear"]


def test_what_was_taken_back_is_not_taken_up_by_a_second_telling() -> None:
    world = listening()
    mutter(world, 1, "kumquat")
    revise(world, deletion())
    world.accept(said(1, text="kumquat", thread="t1", starts_thread=True), threaded=True)
    row = world.row(MINE)
    assert (row.trigger, row.status) == (False, InStatus.COMPLETED)
    assert "kumquat" not in str(everything(world.conn))


def test_a_second_telling_does_not_bring_back_the_text_from_before_an_edit() -> None:
    world = World()
    world.wire(world.chat(), world.agent(), mode=EngageMode.MENTION, ignored=IgnoredMessagePolicy.ACCUMULATE)
    world.accept(said(1, text="kumquat", mention=False))
    revise(world, edit("better"))
    verdict = world.accept(said(1, text="kumquat"))
    assert isinstance(verdict, Accepted)
    assert told(world, verdict.woken[0]) == ["better"]


REVISIONS = st.lists(
    st.one_of(
        st.sampled_from(["x", "y", "/clear"]).map(edit),
        st.just(deletion()),
        st.none(),
    ),
    max_size=8,
)


@given(REVISIONS)
def test_after_any_changes_the_agent_knows_the_last_words_that_it_may_know(steps: list[Revision | None]) -> None:
    world = World()
    world.wire(world.chat(), world.agent())
    world.accept(said(1, text="first"))
    session = world.row(MINE).session_id
    first: list[str] = ["first"]
    note: list[str] = []
    claimed = False
    for number, step in enumerate(steps):
        if step is None:
            if first and not claimed:
                seen(world)
                claimed = True
            continue
        if not first:
            break  # it is gone, and no platform changes what is gone
        revise(world, evolve(step, revision=f"r{number}"))
        is_deletion = step.kind is RevisionKind.DELETION
        if step.text == "/clear":
            continue
        if claimed:
            note = ["message 2 was deleted on its platform" if is_deletion else f"(message 2, changed) {step.text}"]
        else:
            first = [] if is_deletion else [step.text]
    assert told(world, session) == first + note
