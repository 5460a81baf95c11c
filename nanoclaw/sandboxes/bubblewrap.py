"""The bubblewrap engine: user, mount, pid, network and ipc namespaces around the runner, no capabilities, no network.

Weaker than a container in three ways, which `Usable.lacks` tells people: no limits on memory and processes, no
filter on system calls, and files the agent makes belong to the user that runs nanoclaw.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import trio
from attrs import define, field

from nanoclaw.errors import SandboxError
from nanoclaw.kit.sockets import bind_in
from nanoclaw.kit.spawner import Command
from nanoclaw.model.sandbox import Network
from nanoclaw.sandboxes.child import ChildEngine, ChildSandbox
from nanoclaw.sandboxes.engine import Probe, SandboxSpec, Unusable, Usable
from nanoclaw.sandboxes.inside import Said, spec_in
from nanoclaw.sandboxes.runtime import Runtime
from schema import files

PROGRAM = "bwrap"
PROBE_SECONDS = 10.0
SYSTEM_FOLDERS = ("bin", "sbin", "lib", "lib32", "lib64")
SYSTEM_FILES = (
    *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime", "/etc/alternatives"),
    # Whom the machine trusts, where Debian, Arch and Fedora keep it: without, git and curl reach nobody by HTTPS.
    *("/etc/ssl/certs", "/etc/ssl/cert.pem", "/etc/ca-certificates/extracted"),
    *("/etc/pki/tls/certs", "/etc/pki/tls/cert.pem", "/etc/pki/ca-trust/extracted"),
)
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": files.SANDBOX_HOME}


CHECK = f"""
import socket, sys
sys.path.append("{files.SANDBOX_APP}/packages")
import apsw
try:
    socket.socket(socket.AF_UNIX).connect("{files.SANDBOX_GATEWAY}/{files.GATEWAY_SOCKET}")
except OSError as exc:
    sys.exit(f"the gateway cannot be reached from inside: {{exc}}")
"""


@contextmanager
def _gateway() -> Iterator[str]:
    """A folder with a socket in it that a sandbox can connect to, as the gateway's. Blocks."""
    with TemporaryDirectory(prefix="probe-") as folder, closing(bind_in(Path(folder), files.GATEWAY_SOCKET)):
        yield folder


def walls(runtime: Runtime) -> list[str]:
    """bubblewrap's arguments for everything but the session: namespaces, the system and our code, all read-only."""
    arguments = [
        *("--unshare-all", "--unshare-user", "--disable-userns", "--uid", "1000", "--gid", "1000"),
        *("--cap-drop", "ALL", "--new-session", "--die-with-parent", "--hostname", "sandbox", "--clearenv"),
        *(part for name, value in ENVIRONMENT.items() for part in ("--setenv", name, value)),
        *("--ro-bind", "/usr", "/usr"),
    ]
    for name in SYSTEM_FOLDERS:
        folder = Path("/", name)
        if folder.is_symlink():
            arguments += ["--symlink", str(folder.readlink()), str(folder)]
        elif folder.is_dir():
            arguments += ["--ro-bind", str(folder), str(folder)]
    for name in SYSTEM_FILES:
        arguments += ["--ro-bind-try", name, name]
    arguments += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]  # noqa: S108 - the sandbox's own
    if not runtime.prefix.is_relative_to("/usr"):
        arguments += ["--ro-bind", str(runtime.prefix), str(runtime.prefix)]
    return [
        *arguments,
        *("--ro-bind", str(runtime.runner), f"{files.SANDBOX_APP}/runner"),
        *("--ro-bind", str(runtime.schema), f"{files.SANDBOX_APP}/schema"),
        *("--ro-bind", str(runtime.packages), f"{files.SANDBOX_APP}/packages"),
    ]


def mounts(spec: SandboxSpec) -> list[str]:
    """bubblewrap's arguments for one epoch of one session. The root itself ends read-only."""
    return [
        *("--ro-bind", str(spec.inbound), files.SANDBOX_IN),
        *("--bind", str(spec.life.outbound), files.SANDBOX_OUT),
        *("--ro-bind", str(spec.gateway), files.SANDBOX_GATEWAY),
        *("--bind", str(spec.agent), files.SANDBOX_AGENT),
        # Not inside the agent's folder: there bwrap, which follows links as it makes mount points, would create
        # a file wherever an agent's planted link points to.
        *("--ro-bind", str(spec.composed / files.CONTAINER_JSON), files.SANDBOX_SETTINGS),
        *("--ro-bind", str(spec.composed / files.PROGRAMS), files.SANDBOX_PROGRAMS),
        # Programs keep what they like in it, as long as the sandbox lasts; what is to stay is a folder in it.
        *("--perms", "0700", "--tmpfs", files.SANDBOX_HOME),
        *("--bind", str(spec.state), files.SANDBOX_STATE),
        # For the same reason beside the agent's folder: what reads such a file looks in the folders above as well.
        *("--ro-bind-try", str(spec.composed / files.CLAUDE_MD), f"{files.SANDBOX_WORKSPACE}/{files.CLAUDE_MD}"),
        *("--ro-bind-try", str(spec.composed / "fragments"), f"{files.SANDBOX_WORKSPACE}/{files.FRAGMENTS}"),
        *("--ro-bind-try", str(spec.skills), files.SANDBOX_SKILLS),
        *(
            part
            for mount in spec.extra
            for part in ("--bind" if mount.read_write else "--ro-bind", mount.source, mount.target)
        ),
        *(("--share-net",) if spec.network is Network.OPEN else ()),
        # bubblewrap's root is a writable tmpfs until it is told otherwise.
        *("--remount-ro", "/", "--chdir", files.SANDBOX_AGENT),
    ]


@define(eq=False)
class BubblewrapEngine(ChildEngine):
    """Runs runners behind namespaces."""

    name: str = field(default="bubblewrap", init=False)

    async def probe(self) -> Probe:
        """Start an interpreter behind the same walls, and see that it runs and imports what a runner needs."""
        program = await trio.to_thread.run_sync(shutil.which, PROGRAM)
        if program is None:
            return Unusable(why="bwrap is not installed", mend="apt-get install bubblewrap")
        interpreter = str(self._runtime.interpreter)
        check = [
            interpreter,
            "-I",
            "-S",
            "-c",
            CHECK,
        ]
        try:
            with trio.fail_after(PROBE_SECONDS):
                version = await trio.run_process([program, "--version"], capture_stdout=True)
                arguments = await trio.to_thread.run_sync(walls, self._runtime)
                with _gateway() as folder:
                    way_out = ("--ro-bind", folder, files.SANDBOX_GATEWAY)
                    tried = await trio.run_process(
                        [program, *arguments, *way_out, "--remount-ro", "/", "--", *check],
                        capture_stdout=True,
                        capture_stderr=True,
                        check=False,
                    )
        except (OSError, trio.TooSlowError) as exc:
            return Unusable(why=str(exc) or "it did not answer", mend="")
        if tried.returncode != 0:
            said = tried.stderr.decode(errors="replace").strip().splitlines()
            mend = "sysctl kernel.unprivileged_userns_clone=1" if re.search("namespace|uid map", " ".join(said)) else ""
            return Unusable(why=said[-1] if said else f"exit code {tried.returncode}", mend=mend)
        return Usable(
            version=version.stdout.decode().strip().removeprefix("bubblewrap "),
            walls="own user, mount, process and network namespaces; no capabilities; no network",
            lacks="no limits on memory and processes, no system call filter",
        )

    async def look_inside(self, folder: Path, program: str) -> Said:
        """See `LooksInside`."""
        argv = [PROGRAM, *await trio.to_thread.run_sync(walls, self._runtime), *mounts(spec_in(folder)), "--"]
        argv += [str(self._runtime.interpreter), "-I", "-S", "-c", program]
        try:
            with trio.fail_after(PROBE_SECONDS):
                ended = await trio.run_process(argv, capture_stdout=True, capture_stderr=True, check=False)
        except (OSError, trio.TooSlowError) as exc:
            raise SandboxError(engine=self.name, why=str(exc) or "it did not end in time") from exc
        lines = (ended.stdout or ended.stderr).decode(errors="replace").strip().splitlines()
        return Said(code=ended.returncode, last=lines[-1] if lines else "")

    async def start(self, spec: SandboxSpec) -> ChildSandbox:
        """Start a runner behind the walls. Raises `SandboxError`."""
        runtime = self._runtime
        places = [files.SANDBOX_APP, f"{files.SANDBOX_APP}/packages"]
        arguments = [
            *("--in", files.SANDBOX_IN, "--out", files.SANDBOX_OUT, "--agent", files.SANDBOX_AGENT),
            *("--container-json", files.SANDBOX_SETTINGS),
            *("--gateway", f"{files.SANDBOX_GATEWAY}/{files.GATEWAY_SOCKET}"),
        ]
        argv = [
            *(PROGRAM, *await trio.to_thread.run_sync(walls, runtime), *mounts(spec), "--"),
            *runtime.argv(str(runtime.interpreter), places, arguments),
        ]
        # The environment of bwrap itself; the program inside gets the one that `walls` sets.
        command = Command(argv=argv, environment={"PATH": ENVIRONMENT["PATH"]})
        return await self._start(command, engine=self.name, wrapped=True)
