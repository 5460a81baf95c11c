"""Files that come with events: kept for those who hear the event, in its transaction, and for nobody else."""

from __future__ import annotations

import attrs
import pytest

from nanoclaw.core.engage import ALWAYS
from nanoclaw.model.entities import EngageMode, IgnoredMessagePolicy, SessionMode, UnknownSenderPolicy
from nanoclaw.model.files import LedgerFile, NewAttachment, Spooled
from nanoclaw.model.ids import EpochNumber, InboundId, SessionId, SpoolId, UserId
from nanoclaw.model.messages import InboundEvent, LedgerState, Revision, RevisionKind
from nanoclaw.store import dead, events, files, inbound, ledger, projection
from nanoclaw.store.revisions import revise
from nanoclaw.store.sessions import session_place
from schema import payloads
from schema.files import MOST_FILES
from schema.sqlite import transaction
from tests.support.central import CHANNEL, NOW, World, said


def with_files(event: InboundEvent, *names: str, mark: str = "") -> InboundEvent:
    """*event* with files of these names; *mark* tells two tellings of it apart."""
    came = tuple(
        NewAttachment(
            name=name,
            mime_type="text/plain",
            file=Spooled(id=SpoolId(f"file-{event.platform_message_id}{mark}-{place}"), size=place, digest=f"d{place}"),
        )
        for place, name in enumerate(names)
    )
    return attrs.evolve(event, attachments=came)


def told(world: World, row: str) -> payloads.ChatIn:
    """What a row says."""
    found = world.row(InboundId(row))
    payload = payloads.read_in(found.kind, found.content)
    assert isinstance(payload, payloads.ChatIn)
    return payload


def whole(world: World, session: SessionId) -> projection.Changes:
    """All that a new link of *session* shows."""
    place = session_place(world.conn, session)
    assert place is not None
    return projection.whole(world.conn, place, EpochNumber(1), timezone="UTC").changes


def test_the_files_of_an_event_are_stored_once_and_named_to_everybody_who_hears_it() -> None:
    world = World()
    chat = world.chat()
    for name in ("one", "two"):
        world.wire(chat, world.agent(name))
    world.accept(with_files(said(1), "../a.txt", "b\u202e.txt", "B.txt"))
    expected = (
        payloads.Attachment(name="_a.txt", path="evt-1/_a.txt", mime_type="text/plain", size=0),
        payloads.Attachment(name="b.txt", path="evt-1/b.txt", mime_type="text/plain", size=1),
        payloads.Attachment(name="B (2).txt", path="evt-1/B (2).txt", mime_type="text/plain", size=2),
    )
    for agent in ("agt-one", "agt-two"):
        assert told(world, f"evt-1:{agent}").attachments == expected
    assert files.needed(world.conn) == {"file-1-0", "file-1-1", "file-1-2"}


def test_the_files_of_what_nobody_hears_are_needed_by_nobody() -> None:
    world = World()
    world.wire(world.chat(policy=UnknownSenderPolicy.STRICT), world.agent())
    assert isinstance(world.accept(with_files(said(1), "a.txt")), events.Ignored)
    assert isinstance(world.accept(with_files(said(2, room="nowhere", mention=False), "a.txt")), events.Ignored)
    assert files.needed(world.conn) == frozenset()
    came = [SpoolId("file-1-0"), SpoolId("file-2-0")]
    assert files.not_needed(world.conn, came) == came


def test_told_again_the_files_of_the_first_telling_stay() -> None:
    world = World()
    world.session()
    world.accept(with_files(said(1), "a.txt"))
    assert isinstance(world.accept(with_files(said(1), "a.txt", mark="again")), events.Duplicate)
    assert files.needed(world.conn) == {"file-1-0"}
    assert files.not_needed(world.conn, [SpoolId("file-1-0"), SpoolId("file-1again-0")]) == ["file-1again-0"]


def test_who_takes_it_up_at_the_second_telling_has_the_files_of_the_first() -> None:
    world = World()
    chat = world.chat()
    world.wire(chat, world.agent("one"), mode=EngageMode.MENTION, ignored=IgnoredMessagePolicy.ACCUMULATE)
    world.wire(chat, world.agent("two"), mode=EngageMode.MENTION)
    world.accept(with_files(said(1, mention=False), "a.txt"))
    world.accept(with_files(said(1), "a.txt", mark="again"))
    assert files.needed(world.conn) == {"file-1-0"}
    for agent in ("agt-one", "agt-two"):
        assert [one.path for one in told(world, f"evt-1:{agent}").attachments] == ["evt-1/a.txt"]


def test_a_new_link_and_one_that_is_kept_up_to_date_show_the_same_files() -> None:
    world = World()
    session = world.session()
    world.accept(with_files(said(1), "a.txt", "b.txt"))
    world.accept(said(2))
    place = session_place(world.conn, session)
    assert place is not None
    changes = projection.changes(world.conn, place, EpochNumber(1), 0)
    assert [file.name for file in changes.files] == ["a.txt", "b.txt"]
    assert whole(world, session).files == changes.files == whole(world, session).files
    assert projection.changes(world.conn, place, EpochNumber(1), changes.tick).files == ()


def test_a_thread_that_takes_a_message_over_has_its_files() -> None:
    world = World()
    wiring = world.wire(
        world.chat(),
        world.agent(),
        mode=EngageMode.MENTION,
        ignored=IgnoredMessagePolicy.ACCUMULATE,
        session_mode=SessionMode.PER_THREAD,
    )
    world.accept(with_files(said(1, mention=False), "a.txt"), threaded=True)
    world.accept(said(2, thread="t", starts_thread=False), threaded=True)
    thread = world.session_of(wiring, "t")
    shown = whole(world, thread)
    assert [file.name for file in shown.files] == ["a.txt"]
    assert any("evt-1/a.txt" in row.content for row in shown.messages)


def revised(world: World, kind: RevisionKind, text: str = "") -> None:
    revision = Revision(
        channel=CHANNEL,
        platform_message_id="1",
        revision="r1",
        kind=kind,
        sender_id=UserId("test:ada"),
        sender="Ada",
        text=text,
    )
    with transaction(world.conn):
        revise(world.conn, revision, now=NOW)


def test_an_edit_leaves_the_files_and_a_deletion_takes_them_away() -> None:
    world = World()
    session = world.session()
    world.accept(with_files(said(1), "secret.txt"))
    assert [str(one) for one in files.of_platform_message(world.conn, CHANNEL, "1")] == ["file-1-0"]
    revised(world, RevisionKind.EDIT, "changed")
    assert [one.name for one in told(world, "evt-1:agt-nano").attachments] == ["secret.txt"]
    before = whole(world, session)
    world.conn.execute("DELETE FROM revisions")
    revised(world, RevisionKind.DELETION)
    assert told(world, "evt-1:agt-nano").attachments == ()
    assert files.needed(world.conn) == frozenset()
    place = session_place(world.conn, session)
    assert place is not None
    changes = projection.changes(world.conn, place, EpochNumber(1), before.tick)
    assert changes.withdrawn == ("evt-1",)
    assert (changes.files, whole(world, session).files) == ((), ())
    assert "secret" not in "\n".join(str(row) for row in world.conn.execute("SELECT * FROM inbound"))


def test_what_an_agent_has_seen_already_it_keeps() -> None:
    world = World()
    session = world.session()
    world.accept(with_files(said(1), "a.txt"))
    inbound.claim(world.conn, InboundId("evt-1:agt-nano"), world.epoch(session), now=NOW)
    revised(world, RevisionKind.DELETION)
    assert files.needed(world.conn) == {"file-1-0"}
    assert [file.name for file in whole(world, session).files] == ["a.txt"]


def test_more_files_than_a_message_may_have_are_no_event() -> None:
    with pytest.raises(ValueError, match="attachments"):
        with_files(said(1), *["a"] * (MOST_FILES + 1))


def test_a_message_without_text_is_heard_where_everything_is() -> None:
    world = World()
    world.wire(world.chat(), world.agent(), pattern=ALWAYS)
    assert isinstance(world.accept(with_files(said(1, text=""), "a.txt")), events.Accepted)


@pytest.mark.parametrize("state", [LedgerState.DELIVERED, LedgerState.UNKNOWN, LedgerState.DEAD])
def test_what_goes_out_is_needed_until_its_message_is_decided_and_recorded_for_good(state: LedgerState) -> None:
    world = World()
    session = world.session()
    reply = world.reply(session, world.epoch(session), 3)
    sent = [LedgerFile(name=name, size=7, digest="d", spool_id=SpoolId(f"file-{name}")) for name in ("b", "a")]
    files.add_to_message(world.conn, reply, sent)
    assert files.of_message(world.conn, reply) == sent
    assert files.waiting_bytes(world.conn, session) == 14
    world.sent(reply)
    assert files.needed(world.conn) == {"file-a", "file-b"}
    ledger.settle(world.conn, reply, state, now=NOW)
    assert files.promised(world.conn) == frozenset()
    # Somebody may have it sent again.
    assert files.needed(world.conn) == (frozenset() if state is LedgerState.DELIVERED else {"file-a", "file-b"})
    assert files.waiting_bytes(world.conn, session) == 0
    assert files.of_message(world.conn, reply) == sent


def test_of_dead_letters_a_session_keeps_the_latest_files_and_of_those_set_aside_none() -> None:
    world = World()
    session = world.session()
    epoch = world.epoch(session)
    for seq, size in ((3, 1), (5, files.MOST_TO_RETRY), (7, 0)):
        reply = world.reply(session, epoch, seq)
        files.add_to_message(
            world.conn, reply, [LedgerFile(name="a", size=size, digest="d", spool_id=SpoolId(f"file-{seq}"))]
        )
        world.sent(reply)
        ledger.settle(world.conn, reply, LedgerState.DEAD, now=NOW)
    assert files.needed(world.conn) == {"file-5", "file-7"}
    for letter in dead.dead_letters(world.conn, 10):
        dead.drop(world.conn, letter, now=NOW)
    assert files.needed(world.conn) == frozenset()
