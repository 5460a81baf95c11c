"""Processes, memory, space, files and words are limited inside, and nobody outside runs short of any."""

from __future__ import annotations

import os

from nanoclaw.sandboxes.log import MOST_LOG_BYTES
from schema.times import read_time
from tests.conftest import Figures
from tests.hostile.conftest import BuildTown
from tests.hostile.residents import Evil
from tests.hostile.town import until

PROCESSES = 64
TURN_SECONDS = 15
MOST_LATE = 10
"""On a machine that is busy with others: a look a second, and the end of a container."""
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
    """AT-21: no form of a heartbeat, no garbage about a tool and no time in it harms the host."""
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


def test_a_turn_that_shows_life_for_ever_ends_at_the_hosts_deadline_and_an_honest_long_one_does_not(
    build_town: BuildTown, figures: Figures
) -> None:
    """AT-21, scaled: a turn may take a quarter of a minute. The heartbeat is touched every millisecond."""
    evil = Evil(name="evil", attack="at_21_forged_life", words=("/etc/shadow",))
    with build_town(evil, rooms=["long"], settings=f"[supervision]\nturn_hours = {TURN_SECONDS / 3600}\n") as there:
        there.wake_all()
        there.say("long", text="wait 8")
        there.await_report("evil")
        session = there.session("evil")
        claimed = "SELECT claimed_at FROM inbound WHERE claimed_epoch = 1 AND session_id = ?"
        until(lambda: there.rows(claimed, session))
        began = read_time(there.rows(claimed, session)[0]["claimed_at"])
        until(lambda: there.endings("evil"))
        ((ending, detail),) = there.endings("evil")
        (life,) = there.rows("SELECT ended_at FROM epochs WHERE number = 1 AND session_id = ?", session)
        took = (read_time(life["ended_at"]) - began).total_seconds()
        assert ending == "killed"
        assert "one turn took" in detail
        assert 0 <= took - TURN_SECONDS < MOST_LATE
        there.await_answer("evil")
        until(lambda: any("I waited 8 s" in post.text for post in there.heard("long")))
        assert there.endings("long") == []
        figures(seconds=round(took))
