"""Processes, memory, space, files and words are limited inside, and nobody outside runs short of any."""

from __future__ import annotations

import os

from nanoclaw.sandboxes.log import MOST_LOG_BYTES
from tests.hostile.conftest import BuildTown
from tests.hostile.residents import Evil
from tests.hostile.town import until

PROCESSES = 64
KINDS = ("processes", "memory", "space", "log", "names")


def test_a_sandbox_that_takes_all_it_can_gets_no_more_than_its_limits(build_town: BuildTown) -> None:
    """AT-22. A disk's quota is the operator's: what is mounted from the home is limited by the file system under it,
    and by 1 GiB for one file. Inside the container everything else is in memory and counts as such."""
    limits = f'{{"memory": "512m", "pids": {PROCESSES}}}'
    evils = [Evil(name=kind, attack="at_22_exhaustion", words=(kind,), limits=limits) for kind in KINDS]
    with build_town(*evils) as there:
        there.wake_all()
        for kind in KINDS:
            there.await_answer(kind)
        endings = {kind: there.endings(kind)[0] for kind in KINDS}
        assert endings.pop("memory") == ("exited", "signal 9, out of memory")
        assert set(endings.values()) == {("exited", "exit code 0")}
        forked = there.report("processes")
        assert 0 < forked["processes"] <= PROCESSES
        assert forked["why"] == "Resource temporarily unavailable"
        space = there.report("space")
        assert space["tmp"] == [256, "No space left on device"]
        assert space["run"] == [16, "No space left on device"]
        assert (space["root"], space["large"]) == ("Read-only file system", "File too large")
        assert space["open"][0] < 4096
        assert space["open"][1] == "Too many open files"
        assert space["core"] == [0, 0]
        assert there.report("names")["core"] is False
        (log,) = (there.home / "logs" / "sandboxes" / there.session("log")).glob("1.log")
        assert log.stat().st_size <= MOST_LOG_BYTES


def test_forged_signs_of_life_change_nothing_and_a_program_that_will_not_end_is_killed_and_removed(
    build_town: BuildTown,
) -> None:
    """AT-21, in part. What holds now: no form of a heartbeat, no garbage about a tool and no time in it harms the
    host or ends an honest epoch, and SIGTERM that is ignored is followed by SIGKILL and removal. What waits for the
    supervision of claims: that a turn without an end is ended by a deadline on the host's clock, whatever it declares.
    """
    with build_town(Evil(name="evil", attack="at_21_forged_life", words=("/etc/shadow",))) as there:
        there.wake_all()
        there.await_report("evil")
        until(lambda: there.rows("SELECT 1 FROM inbound WHERE claimed_epoch = 1"))
        assert there.endings("evil") == []
        before = {container.id for container in there.containers()}
        assert there.host.cli("groups", "restart", "evil").returncode == 0
        there.await_answer("evil")
        assert there.endings("evil") == [("stopped", "its agent group was told to restart")]
        assert len(before - {container.id for container in there.containers()}) == 1
        assert os.stat("/etc/shadow").st_mtime < 4_102_444_800  # noqa: PTH116 - a canary
