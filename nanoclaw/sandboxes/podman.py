"""Podman at the other end of the socket: what it has to be given before it can be asked for a container."""

from __future__ import annotations

import hashlib
import os
import resource
from pathlib import Path

import attrs
import trio

from nanoclaw.core.podman import RUNTIME, Podman
from nanoclaw.core.sandbox_check import LEAST_MASKED, LEAST_READ_ONLY
from nanoclaw.kit.whole_file import put
from nanoclaw.sandboxes.docker_api import Daemon
from nanoclaw.sandboxes.seccomp import seccomp_profile
from schema import files

PROCESS_NUMBERS = Path("/proc/sys/kernel/pid_max")
LACKS = "what podman does not tell of a container is looked at once, not in each"
NO_NETWORKS = "podman's networks are not trusted to keep an agent in: with it, way_out has to be auto or socket"
FOREIGN_FAMILY = 40
"""AF_VSOCK: sockets to the machine below. Podman's own filter lets them be made, that of nanoclaw does not."""
CHECK = f"""
import os
mounted = dict((line.split()[4], line.split()[5].split(",")) for line in open("/proc/self/mountinfo"))
for path in {sorted(LEAST_MASKED)}:
    if not os.path.lexists(path):
        continue
    try:
        shown = os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1)
    except OSError:
        shown = None
    if shown or path not in mounted:
        sys.exit(f"{{path}} is not hidden")
for path in {sorted(LEAST_READ_ONLY)}:
    if os.path.lexists(path) and "ro" not in mounted.get(path, ()):
        sys.exit(f"{{path}} is not read-only")
for folder in ("/run", "{files.SANDBOX_HOME}"):
    open(f"{{folder}}/probe", "x").close()
if os.listdir("/sys/class/net") != ["lo"]:
    sys.exit("there is a network")
try:
    socket.socket({FOREIGN_FAMILY}).close()
    sys.exit("system calls are filtered by another list than nanoclaw's")
except PermissionError:
    pass
except OSError:
    sys.exit("system calls are filtered by another list than nanoclaw's")
if any(line.strip().split(":", 2)[2] != "/" for line in open("/proc/self/cgroup")):
    sys.exit("the machine's control groups can be seen from inside: podman hides them only where cgroups are version 2")
"""
"""What Podman does not tell of a container. Goes on where the probe's own program ends."""


async def spoken_to(daemon: Daemon, folder: Path) -> Daemon:
    """*daemon* with all that has to be known to ask it for a container: nothing more, if it is Docker.

    Args:
      daemon: Who answers.
      folder: Of this home, mounted into no sandbox: here the filter for system calls is put, if it is Podman.

    Raises:
      OSError: it cannot be put there.

    Cancellation: waits for the file, which is whole or not there.
    """
    if daemon.is_docker:
        await trio.lowlevel.checkpoint()
        return daemon
    podman = await trio.to_thread.run_sync(_prepare, folder)
    return attrs.evolve(daemon, facts=attrs.evolve(daemon.facts, runtime=RUNTIME, podman=podman))


def _prepare(folder: Path) -> Podman:
    profile = seccomp_profile().encode()
    # Another version of the host has another file: a container that was created reads its own when it is started.
    path = folder / f"seccomp-{hashlib.sha256(profile).hexdigest()[:16]}.json"
    there = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        put(there, path.name, profile, mode=0o600)
    finally:
        os.close(there)
    hard = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    numbers = int(PROCESS_NUMBERS.read_text(encoding="ascii"))
    return Podman(filter_file=str(path), user_processes=numbers if hard < 0 else min(hard, numbers))
