"""Absorbing messages with files: what is in the spool goes with its message, and the agent hears of the rest."""

from __future__ import annotations

import pytest
from attrs import evolve

from nanoclaw.actors.absorb import Absorbed, absorb
from nanoclaw.core.outgoing_files import Unsent
from nanoclaw.link.outbox_files import Collected
from nanoclaw.model.files import LedgerFile
from nanoclaw.model.ids import OutboundId, SpoolId
from nanoclaw.store import drops, files, inbound
from schema import payloads
from schema.payloads import ChatOut
from schema.sqlite import transaction
from tests.actors.absorbing import ROOM_LANE, Case, a_case, a_row, report
from tests.support.central import NOW, everything

FILE = LedgerFile(name="a.txt", size=5, digest="d", spool_id=SpoolId("file-a"))
REFUSED = Unsent("b.txt", "it is a link")
WITH_FILES = a_row(1, payload=ChatOut(text="see", files=("a.txt", "b.txt")))
FILES_ALONE = a_row(1, payload=ChatOut(text="", files=("b.txt",)))


@pytest.fixture
def case() -> Case:
    return a_case()


def take_in(case: Case, row: object, came: Collected) -> Absorbed:
    with transaction(case.world.conn):
        return absorb(case.world.conn, case.place, case.epoch, report(rows=(row,)), files={1: came}, now=NOW)


def notes(case: Case) -> list[payloads.SystemIn]:
    """What the host has told the agent."""
    rows = inbound.open_rows(case.world.conn, case.place.session.id)
    said = [payloads.read_in(row.kind, row.content) for row in rows]
    return [payload for payload in said if isinstance(payload, payloads.SystemIn)]


def test_a_file_that_was_taken_goes_with_its_message(case: Case) -> None:
    assert take_in(case, WITH_FILES, Collected((FILE,))).lanes == {ROOM_LANE}
    (row,) = case.ledger()
    assert files.of_message(case.world.conn, OutboundId(str(row["id"]))) == [FILE]
    assert files.needed(case.world.conn) == {"file-a"}
    assert (case.reasons(), notes(case)) == ([], [])


def test_of_one_that_was_not_the_agent_is_told_and_the_rest_is_sent(case: Case) -> None:
    take_in(case, WITH_FILES, Collected((FILE,), (REFUSED,)))
    assert len(case.ledger()) == 1
    (drop,) = drops.recent(case.world.conn)
    assert (drop.reason, drop.detail, drop.reference) == ("file-refused", "b.txt: it is a link", "out-1")
    (note,) = notes(case)
    assert note.action == "files_not_sent"
    assert note.text == "message 3 was sent without these files: b.txt (it is a link)"


def test_a_message_of_nothing_but_refused_files_is_not_sent(case: Case) -> None:
    assert take_in(case, FILES_ALONE, Collected((), (REFUSED,))).lanes == frozenset()
    assert case.ledger() == []
    assert case.reasons() == ["file-refused"]
    (note,) = notes(case)
    assert note.text.startswith("message 3 was not sent")


def test_a_message_of_nothing_but_a_file_is_sent(case: Case) -> None:
    take_in(case, evolve(FILES_ALONE), Collected((FILE,)))
    assert len(case.ledger()) == 1


@pytest.mark.parametrize("row", [WITH_FILES, FILES_ALONE])
def test_the_same_row_again_is_no_second_message_and_needs_no_second_copy(case: Case, row: object) -> None:
    take_in(case, row, Collected((FILE,), (REFUSED,)))
    before = everything(case.world.conn)
    again = evolve(FILE, spool_id=SpoolId("file-again"))
    take_in(case, row, Collected((again,), (REFUSED,)))
    assert everything(case.world.conn) == before
    assert files.not_needed(case.world.conn, [FILE.spool_id, again.spool_id]) == ["file-again"]


def test_the_files_of_a_message_that_may_not_be_sent_are_needed_by_nobody(case: Case) -> None:
    row = a_row(1, destination="elsewhere", payload=ChatOut(text="see", files=("a.txt",)))
    take_in(case, row, Collected((FILE,), (REFUSED,)))
    assert case.reasons() == ["unknown-destination"]
    assert files.needed(case.world.conn) == frozenset()
    assert notes(case) == []
