"""What the host writes for an agent cannot be changed by it, and can be lost without loss."""

from __future__ import annotations

import base64
import hashlib
import secrets
import shutil
from pathlib import Path

from schema.files import DOORBELL, INBOUND
from tests.hostile.conftest import BuildTown
from tests.hostile.residents import Evil
from tests.hostile.town import until

REFUSED = {
    "Read-only file system",
    "Permission denied",
    "Operation not permitted",
    "Invalid cross-device link",
    "Device or resource busy",
}


def files_in(folder: Path) -> list[Path]:
    """All that is told to an agent; not the doorbell, which may not have been rung yet, nor a journal under way."""
    found = (path.relative_to(folder) for path in folder.rglob("*"))
    return sorted(path for path in found if path.name not in {DOORBELL, f"{INBOUND}-journal"})


def removed(folder: Path) -> bool:
    """Remove *folder*; is it gone, or has somebody written there meanwhile?"""
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


def test_a_sandbox_cannot_write_where_the_host_writes_and_hears_everything_all_the_same(build_town: BuildTown) -> None:
    """AT-03, as the user of the sandbox. A sandbox never runs as root, so there is no such variant."""
    with build_town(Evil(name="evil", attack="at_03_inbox")) as there:
        there.wake_all()
        data = [secrets.token_bytes(1000 * number) for number in (2, 3)]
        for number, content in enumerate(data, start=2):
            file = {"name": f"file-{number}", "data": base64.b64encode(content).decode()}
            there.say("evil", number, text="send it back", files=[file])
        report = there.await_report("evil")
        assert set(report["attempts"].values()) <= REFUSED, report
        assert report["uid"] != 0
        digests = {hashlib.sha256(content).hexdigest() for content in data}
        until(lambda: {digest for post in there.heard("evil") for _, digest in post.files} == digests)
        (session,) = (there.home / "sessions" / "agt-evil").iterdir()
        before = files_in(session / "in")
        # The host may still be writing there what became of the last reply.
        until(lambda: removed(session / "in"))
        assert there.host.cli("groups", "restart", "evil").returncode == 0
        there.say("evil", 4)
        there.await_answer("evil", 4)
        assert files_in(session / "in") == before
