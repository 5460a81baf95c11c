"""A hot journal names a file of the host's; whoever let SQLite roll it back in place would delete that file."""

from __future__ import annotations

import re
import time
from pathlib import Path

from tests.hostile.conftest import BuildTown
from tests.hostile.residents import Evil
from tests.hostile.town import until

ATTACK = "at_02_hot_journal"
SWEEPS_SECONDS = 3.5
"""Three looks at an outbox of which nothing is heard, and a bit."""
QUARANTINED = {"link": "link", "fifo": "not-a-file", "sparse": "too-large"}


def test_a_journal_that_names_a_file_of_the_hosts_deletes_nothing_and_is_never_opened_by_sqlite(
    build_town: BuildTown, tmp_path: Path
) -> None:
    """AT-02: hot, cold, a link, a FIFO, a sparse one; its writer stays, exits, or is killed for want of memory.

    The host does not wait for a rollback by somebody else: it rolls back a copy in memory, so there is no janitor.
    """
    victim, trace = tmp_path / "victim", tmp_path / "trace"
    victim.write_text("kumquat in a victim")
    kinds = [("hot", "stay"), ("hot", "exit"), ("hot-relative", "oom"), ("cold", "stay")]
    kinds += [(kind, "stay") for kind in QUARANTINED]
    evils = [
        Evil(name=f"{kind}-{then}", attack=ATTACK, words=(kind, then, str(victim)), limits='{"memory": "256m"}')
        for kind, then in kinds
    ]
    with build_town(*evils, trace=trace) as there:
        there.wake_all()
        until(lambda: all(there.report(evil.name) for evil in evils))
        until(lambda: there.heard("cold-stay"))
        assert [post.text for post in there.heard("cold-stay")] == ["said before the journal grew cold"]
        for kind, reason in QUARANTINED.items():
            there.await_answer(f"{kind}-stay")
            ((ending, detail),) = there.endings(f"{kind}-stay")
            assert (ending, detail.partition(":")[0]) == ("quarantined", reason)
        there.await_answer("hot-exit")
        there.await_answer("hot-relative-oom")
        assert there.endings("hot-relative-oom")[0] == ("exited", "signal 9, out of memory")
        time.sleep(SWEEPS_SECONDS)
        assert there.endings("hot-stay") == []
        there.restart_host()
        for stays in ("hot-stay", "cold-stay"):
            assert there.host.cli("groups", "restart", stays).returncode == 0
            there.await_answer(stays)
    assert victim.read_text() == "kumquat in a victim"
    assert misdeeds(trace) == []


def misdeeds(trace: Path) -> list[str]:
    """What SQLite would do to an outbox in place, and the host never does.

    It makes the empty file, and clears away a dead epoch's folder through its descriptor.
    """
    lines = [line for line in trace.read_text(errors="replace").splitlines() if '"' in line and "outbound.db" in line]
    assert any("O_NOFOLLOW" in line for line in lines), "the trace shows how the host reads outboxes"
    opened_to_write = [line for line in lines if re.search(r"O_RDWR|O_WRONLY(?!\|O_CREAT\|O_EXCL)", line)]
    return opened_to_write + [line for line in lines if re.search(r"unlink\(|unlinkat\(AT_FDCWD|rename", line)]
