"""What a program in a real container tries, and does not get: the walls, looked at from inside."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.support.real_docker import real_home

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

EPERM, ENOENT, EACCES, EROFS, ENOSYS = 1, 2, 13, 30, 38
LOOK = """
import ctypes, json, os, platform, resource, socket, subprocess, sys, threading
libc = ctypes.CDLL(None, use_errno=True)
X86 = platform.machine() == "x86_64"
NEWUSER, NEWNS, SIGCHLD = 0x10000000, 0x20000, 17
CALLS = {
    # name: (number on x86_64, on aarch64, arguments)
    "unshare a user namespace": (272, 97, [NEWUSER]),
    "unshare a mount namespace": (272, 97, [NEWNS]),
    "clone into a user namespace": (56, 220, [NEWUSER | SIGCHLD, 0, 0, 0, 0]),
    "clone3": (435, 435, [0, 0]),
    "setns": (308, 268, [0, 0]),
    "mount": (165, 40, [b"none", b"/tmp", b"tmpfs", 0, 0]),
    "umount2": (166, 39, [b"/tmp", 0]),
    "fsopen": (430, 430, [b"tmpfs", 0]),
    "open_tree": (428, 428, [-100, b"/tmp", 1]),
    "pivot_root": (155, 41, [b"/tmp", b"/tmp"]),
    "chroot": (161, 51, [b"/tmp"]),
    "mknod a disk": (259, 33, [-100, b"/tmp/disk", 0o60666, 0x801]),
    "ptrace": (101, 117, [16, 1, 0, 0]),
    "process_vm_readv": (310, 270, [1, 0, 0, 0, 0, 0]),
    "process_vm_writev": (311, 271, [1, 0, 0, 0, 0, 0]),
    "io_uring_setup": (425, 425, [8, 0]),
    "bpf": (321, 280, [0, 0, 0]),
    "keyctl": (250, 219, [0, -3, 0, 0, 0]),
    "add_key": (248, 217, [b"user", b"k", b"v", 1, -3]),
    "request_key": (249, 218, [b"user", b"k", 0, -3]),
    "perf_event_open": (298, 241, [0, 0, -1, -1, 0]),
    "userfaultfd": (323, 282, [0]),
    "open_by_handle_at": (304, 265, [-100, 0, 0]),
    "kexec_load": (246, 104, [0, 0, 0, 0]),
    "init_module": (175, 105, [0, 0, b""]),
    "finit_module": (313, 273, [0, b"", 0]),
    "swapon": (167, 224, [b"/tmp", 0]),
    "reboot": (169, 142, [0xFEE1DEAD, 672274793, 0x89ABCDEF, 0]),
    "settimeofday": (164, 170, [0, 0]),
    "sethostname": (170, 161, [b"x", 1]),
    "syslog": (103, 116, [3, 0, 0]),
    "acct": (163, 89, [0]),
    "quotactl": (179, 60, [0, 0, 0, 0]),
    "personality without protection": (135, 92, [0x0040000]),
    "pidfd_getfd": (438, 438, [0, 0, 0]),
    "kcmp": (312, 272, [1, 1, 0, 0, 0]),
}
calls = {}
for name, (x86, arm, arguments) in CALLS.items():
    ctypes.set_errno(0)
    values = [a if isinstance(a, bytes) else ctypes.c_long(a) for a in arguments]
    done = libc.syscall(ctypes.c_long(x86 if X86 else arm), *values)
    if done == 0 and name.startswith("clone into"):
        os._exit(0)
    calls[name] = 0 if done >= 0 else ctypes.get_errno()
places = {}
for place in PLACES:
    try:
        with open(place, "r+" if os.path.isfile(place) else "x"):
            places[place] = 0
    except OSError as exc:
        places[place] = exc.errno
families = {}
for family in (socket.AF_INET, socket.AF_UNIX, getattr(socket, "AF_ALG", 38), getattr(socket, "AF_VSOCK", 40), 17):
    try:
        socket.socket(family, socket.SOCK_DGRAM if family != 38 else socket.SOCK_SEQPACKET).close()
        families[str(int(family))] = 0
    except OSError as exc:
        families[str(int(family))] = exc.errno
thread = threading.Thread(target=lambda: None)
thread.start()
thread.join()
status = dict(line.rstrip().split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)
found = {
    "calls": calls,
    "places": places,
    "families": families,
    "status": status,
    "ids": [os.getuid(), os.getgid(), os.getgroups()],
    "environment": dict(os.environ),
    "interfaces": [line.split(":")[0].strip() for line in open("/proc/net/dev").readlines()[2:]],
    "mounts": {line.split()[4]: line.split()[5].split(",") for line in open("/proc/self/mountinfo")},
    "git": subprocess.run(["git", "--version"], capture_output=True, check=True).stdout.decode(),
    "limits": {name: list(resource.getrlimit(getattr(resource, name))) for name in LIMITS},
    "init": open("/proc/1/cmdline").read().split("\\0")[0],
    "processes": sorted(int(name) for name in os.listdir("/proc") if name.isdigit()),
}
for folder in ("/nanoclaw/out", "/workspace/agent", "/home/agent/.claude"):
    open(folder + "/mine", "x").close()
with open("/nanoclaw/out/found.part", "x") as file:
    json.dump(found, file)
os.rename("/nanoclaw/out/found.part", "/nanoclaw/out/found")
"""
LIMITS = {"RLIMIT_NOFILE": [4096, 4096], "RLIMIT_CORE": [0, 0], "RLIMIT_FSIZE": [1 << 30, 1 << 30]}
PLACES = [
    "/mine",
    "/etc/passwd",
    "/usr/bin/mine",
    "/app/runner/mine",
    "/app/schema/mine",
    "/app/skills/mine",
    "/nanoclaw/in/mine",
    "/nanoclaw/container.json",
    "/nanoclaw/mine",
    "/workspace/agent/CLAUDE.md",
    "/workspace/agent/container.json",
    "/workspace/agent/.claude-fragments/mine",
    "/proc/sys/kernel/core_pattern",
    "/proc/sysrq-trigger",
    "/sys/kernel/mine",
    "/dev/mine",
]


@cache
def seen(image: str) -> tuple[dict[str, Any], int]:
    """What the program in the container found, and whose files it made are on this machine."""

    async def main() -> tuple[dict[str, Any], int]:
        async with real_home(image, f"PLACES = {PLACES!r}\nLIMITS = {list(LIMITS)!r}\n{LOOK}") as home:
            sandbox = await (await home.running_engine()).start(home.spec())
            with trio.fail_after(60):
                exit_ = await sandbox.wait()
            assert exit_.code == 0, await home.client.logs(sandbox.id, since=None, most_bytes=10_000)
            out = Path(home.life().outbound)
            return json.loads((out / "found").read_text()), (out / "mine").stat().st_uid

    return trio.run(main)


@pytest.fixture
def found(agent_image: str) -> dict[str, Any]:
    """What was found inside."""
    return seen(agent_image)[0]


def test_there_are_no_rights_and_no_way_to_more(found: dict[str, Any]) -> None:
    status = found["status"]
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[kind], 16) == 0, kind
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")


def test_no_system_call_that_leads_out_is_answered(found: dict[str, Any]) -> None:
    assert {name: errno for name, errno in found["calls"].items() if errno not in (EPERM, ENOSYS)} == {}
    assert found["calls"]["clone3"] == ENOSYS


def test_nothing_can_be_written_but_its_own(found: dict[str, Any]) -> None:
    assert found["places"].keys() == set(PLACES)
    assert set(found["places"].values()) <= {EPERM, ENOENT, EACCES, EROFS}


def test_it_is_nobody_that_there_is_on_the_machine(found: dict[str, Any], agent_image: str) -> None:
    uid, gid, groups = found["ids"]
    assert 0 not in (uid, gid)
    assert set(groups) <= {gid}
    assert seen(agent_image)[1] == uid
    if os.getuid() == 0:
        assert uid >= 0x7000_0000


def test_it_is_told_nothing_of_the_machine(found: dict[str, Any]) -> None:
    assert {**found["environment"], "HOSTNAME": "sandbox"} == {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": "/home/agent",
        "HOSTNAME": "sandbox",
    }


def test_there_is_no_network(found: dict[str, Any]) -> None:
    assert found["interfaces"] == ["lo"]
    assert {family for family, errno in found["families"].items() if errno == 0} == {"1", "2"}


def test_what_is_mounted_is_what_was_asked_for(found: dict[str, Any]) -> None:
    mounts = {place: options for place, options in found["mounts"].items() if not place.startswith(("/proc", "/sys"))}
    writable = {place for place, options in mounts.items() if "rw" in options}
    assert writable == {
        *("/nanoclaw/out", "/workspace/agent", "/home/agent/.claude"),
        *("/tmp", "/run", "/home/agent"),
        *("/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"),
    }
    for place in ("/tmp", "/run", "/home/agent", "/dev/shm"):
        assert {"nosuid", "nodev"} <= set(mounts[place]), place
    assert mounts["/"][0] == "ro"


def test_its_limits_hold_inside(found: dict[str, Any]) -> None:
    assert found["limits"] == LIMITS


def test_process_1_is_one_that_reaps_and_there_is_nobody_else(found: dict[str, Any]) -> None:
    assert found["init"] == "/usr/bin/tini"
    assert len(found["processes"]) == 2


def test_it_can_work(found: dict[str, Any]) -> None:
    assert found["git"].startswith("git version")
