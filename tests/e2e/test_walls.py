"""What separates a runner in bubblewrap from the machine, looked at from outside while it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from nanoclaw.sandboxes.child import children_of, processes_of
from tests.support.host import running_host


def runner_of(home: Path) -> int:
    """The process id of the one runner: the innermost process of the sandbox that was given its out folder."""
    (out,) = home.glob("sessions/*/*/out/*")
    pids = processes_of(out)
    while children := [child for pid in pids for child in children_of(pid) if child not in pids]:
        pids = children
    return pids[-1]


@pytest.mark.bubblewrap
@pytest.mark.parametrize("engine", ["bubblewrap"], indirect=True)
def test_the_runner_has_no_capabilities_no_network_and_no_way_to_more(home: Path, engine: str) -> None:
    with running_host(home, f'[sandbox]\nengine = "{engine}"\n') as host:
        assert host.cli("chat", "hello").returncode == 0
        runner = runner_of(home)
        status = dict(
            line.split(":\t", 1) for line in Path(f"/proc/{runner}/status").read_text().splitlines() if ":\t" in line
        )
        for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(status[kind], 16) == 0, kind
        assert status["NoNewPrivs"] == "1"
        interfaces = [
            line.split(":")[0].strip() for line in Path(f"/proc/{runner}/net/dev").read_text().splitlines()[2:]
        ]
        assert interfaces == ["lo"]
        for namespace in ("user", "mnt", "pid", "net", "ipc", "uts"):
            assert Path(f"/proc/{runner}/ns/{namespace}").readlink() != Path(f"/proc/self/ns/{namespace}").readlink()
        mounts = {
            fields[4]: fields[5].split(",")[0]
            for fields in (line.split() for line in Path(f"/proc/{runner}/mountinfo").read_text().splitlines())
        }
        assert mounts["/"] == mounts["/nanoclaw/in"] == mounts["/app/runner"] == mounts["/usr"] == "ro"
        assert mounts["/nanoclaw/container.json"] == mounts["/nanoclaw/gateway"] == "ro"
        assert mounts["/nanoclaw/out"] == mounts["/workspace/agent"] == mounts["/home/agent/.claude"] == "rw"
        assert mounts["/tmp"] == mounts["/home/agent"] == "rw"
        assert str(home) not in mounts
        environment = Path(f"/proc/{runner}/environ").read_bytes().split(b"\0")
        assert {entry.split(b"=")[0] for entry in environment if entry} <= {b"PATH", b"LANG", b"HOME", b"PWD"}
