"""Links, FIFOs, sockets and folders in a file's place, and write-ahead logs: refused with the reason, nothing read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile.conftest import BuildTown
from tests.hostile.residents import Evil

LIVES = 2
"""Of each that are evil: at the third failure within a minute a session is parked."""
ZOO = {
    "outbound.db:link": "link",
    "outbound.db:relative-link": "link",
    "outbound.db:other-session": "link",
    "outbound.db:loop": "link",
    "outbound.db:environ": "link",
    "outbound.db:zero": "link",
    "outbound.db:fifo": "not-a-file",
    "outbound.db:socket": "not-a-file",
    "outbound.db:folder": "not-a-file",
    "outbound.db:hardlink": "link",
    "outbound.db:gone": "missing",
    "outbound.db:flicker": "link",
    "outbound.db-journal:link": "link",
    "outbound.db-journal:socket": "not-a-file",
    "outbound.db-journal:folder": "not-a-file",
    "outbound.db-journal:zero": "link",
}


def test_what_is_no_plain_file_is_refused_with_its_reason_and_nothing_outside_is_read(build_town: BuildTown) -> None:
    """AT-05. The heartbeat's zoo is in test_forged_life.py, the outbox's in test_outgoing_files.py."""
    orders = list(ZOO)
    pairs = [orders[n : n + LIVES] for n in range(0, len(orders), LIVES)]
    other = "/nanoclaw/out/../../other"
    evils = [
        Evil(name=f"evil-{n}", attack="at_05_file_types", words=("/etc/shadow", other, *pair), epochs=LIVES)
        for n, pair in enumerate(pairs)
    ]
    shadow = Path("/etc/shadow").stat()
    with build_town(*evils) as there:
        there.wake_all()
        for evil, pair in zip(evils, pairs, strict=True):
            there.await_answer(evil.name)
            endings = there.endings(evil.name)
            assert [ending for ending, _ in endings] == ["quarantined"] * LIVES
            for order, (_, detail) in zip(pair, endings, strict=True):
                # A folder does not take a file's place in one step.
                wanted = {ZOO[order], "missing"} if order == "outbound.db:folder" else {ZOO[order]}
                assert detail.partition(":")[0] in wanted, (order, detail)
        assert "root:" not in there.all_text()
    assert Path("/etc/shadow").stat().st_mtime_ns == shadow.st_mtime_ns


@pytest.mark.parametrize("kind", ["flipped", "honest"])
def test_an_outbox_with_a_write_ahead_log_ends_its_epoch_and_kills_nobody(kind: str, build_town: BuildTown) -> None:
    """AT-04: a host that mapped the shared memory, which is cut under it, would die of SIGBUS."""
    with build_town(Evil(name="evil", attack="at_04_wal", words=(kind,))) as there:
        there.wake_all()
        there.await_answer("evil")
        ((ending, detail),) = there.endings("evil")
        assert (ending, detail.partition(":")[0]) == ("quarantined", "header")
