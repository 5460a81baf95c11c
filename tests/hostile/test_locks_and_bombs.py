"""Locks, sizes and loops: what would make a host wait or swell is bounded, and told in plain words."""

from __future__ import annotations

from functools import partial

from schema.files import MOST_FILE_BYTES
from tests.conftest import Figures
from tests.hostile.conftest import BuildTown
from tests.hostile.residents import Evil
from tests.hostile.town import until

MESSAGES = 20
ROWS = 300
MOST_WORKER_MEMORY = 256 << 20


def test_locks_and_leases_hold_up_nobody_and_every_message_is_answered_once(build_town: BuildTown) -> None:
    """AT-06: a lock on the inbox ends its sandbox; one on the outbox is none of the host's business."""
    rooms = ("inbox", "outbox", "lease")
    with build_town(*(Evil(name=room, attack="at_06_locks", words=(room,)) for room in rooms)) as there:
        there.wake_all()
        for room in rooms:
            there.await_report(room)
            for number in range(2, MESSAGES + 1):
                there.say(room, number)
        for room in rooms:
            until(partial(there.answers, room, MESSAGES))
            assert [there.answers(room, number) for number in range(1, MESSAGES + 1)] == [1] * MESSAGES
        assert there.endings("inbox")[0] == ("killed", "the sandbox held a lock on its inbox")
        assert there.endings("outbox") == []


def test_what_is_too_large_or_takes_too_long_is_refused_within_the_hosts_own_bounds(
    build_town: BuildTown, figures: Figures
) -> None:
    """AT-07. Scaled: three hundred rows, twenty thousand names. A host unpacks nothing, so there is no zip bomb."""
    orders = {
        "one": {"sparse": "too-large", "F10/view": "schema"},
        "two": {"large": "too-large", "F12/a-page-that-is-its-own-child": "corrupt"},
    }
    evils = [Evil(name=name, attack="at_07_bombs", words=list(order), epochs=2) for name, order in orders.items()]
    evils += [Evil(name=name, attack="at_07_bombs", words=(name,)) for name in ("rows", "entries", "files", "long-row")]
    with build_town(*evils) as there:
        there.wake_all()
        for name, order in orders.items():
            there.await_answer(name)
            assert [detail.partition(":")[0] for _, detail in there.endings(name)] == list(order.values())
        assert there.report("one")["terabyte"] == "File too large"
        there.await_answer("rows")
        there.await_answer("entries")
        assert [post.text for post in there.heard("rows")][:ROWS] == [f"row {n}" for n in range(1, ROWS + 1)]
        until(lambda: there.heard("files"))
        assert [name for name, _ in there.heard("files")[0].files] == ["largest"]
        until(lambda: there.heard("long-row"))
        assert [post.text for post in there.heard("long-row")] == ["after the long one"]
        drops = {(row["reference"], row["reason"]) for row in there.rows("SELECT * FROM drops")}
        assert drops >= {("evil-1", "unreadable"), ("evil-1", "file-refused")}
        (told,) = there.rows("SELECT content FROM inbound WHERE kind = 'system' AND content LIKE '%larger than%'")
        assert f"{MOST_FILE_BYTES >> 20} MiB" in told["content"]
        assert there.most.worker_memory < MOST_WORKER_MEMORY
        # What was sent goes as soon as it is known to be there.
        until(lambda: not list((there.home / "spool").iterdir()))
        figures(worker_mib=there.most.worker_memory >> 20, workers=there.most.workers)
