"""What the host writes for an agent cannot be changed by it, and can be lost without loss."""

from __future__ import annotations

import shutil

from tests.hostile.conftest import BuildTown
from tests.hostile.town import Evil, until

REFUSED = {
    "Read-only file system",
    "Permission denied",
    "Operation not permitted",
    "Invalid cross-device link",
    "Device or resource busy",
}


def test_a_sandbox_cannot_write_where_the_host_writes_and_hears_everything_all_the_same(build_town: BuildTown) -> None:
    """AT-03, as the user of the sandbox. A sandbox never runs as root, so there is no such variant."""
    with build_town(Evil(name="evil", attack="at_03_inbox")) as there:
        there.wake_all()
        for number in (2, 3):
            there.say("evil", number)
        until(lambda: there.report("evil"))
        report = there.report("evil")
        assert set(report["attempts"].values()) <= REFUSED, report
        assert report["uid"] != 0
        until(lambda: sum(post.text.count("hello") for post in there.heard("evil")) >= 3)
        (session,) = (there.home / "sessions" / "agt-evil").iterdir()
        before = sorted(path.relative_to(session) for path in (session / "in").rglob("*"))
        shutil.rmtree(session / "in")
        assert there.host.cli("groups", "restart", "evil").returncode == 0
        there.say("evil", 4)
        there.await_answer("evil", 4)
        assert sorted(path.relative_to(session) for path in (session / "in").rglob("*")) == before
